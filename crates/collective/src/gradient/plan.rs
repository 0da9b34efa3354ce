//! Which gradients travel together.

/// How large the buckets are.
///
/// A bucket's sum starts when its last gradient is there. Large buckets use the network better; the first is small so that it starts
/// early. The values are those of PyTorch's `DistributedDataParallel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    /// A bucket is closed when it holds at least as many bytes.
    pub bytes: usize,
    /// The same for the first.
    pub first_bytes: usize,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            bytes: 25 << 20,
            first_bytes: 1 << 20,
        }
    }
}

impl Buckets {
    /// The items' indices in buckets, in reverse order: backward makes the last layer's gradients first. A bucket holds items of one `kind`.
    pub(super) fn plan<K: PartialEq>(&self, items: &[(K, usize)]) -> Vec<Vec<usize>> {
        let mut buckets = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut held = 0;
        for (index, (kind, bytes)) in items.iter().enumerate().rev() {
            if open.last().is_some_and(|&last| items[last].0 != *kind) {
                buckets.push(std::mem::take(&mut open));
                held = 0;
            }
            open.push(index);
            held += bytes;
            let most = if buckets.is_empty() {
                self.first_bytes
            } else {
                self.bytes
            };
            if held >= most {
                buckets.push(std::mem::take(&mut open));
                held = 0;
            }
        }
        if !open.is_empty() {
            buckets.push(open);
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::Buckets;

    const SMALL: Buckets = Buckets {
        bytes: 100,
        first_bytes: 10,
    };

    #[test]
    fn buckets_are_in_reverse_order_and_the_first_is_small() {
        let items = [("f", 60), ("f", 60), ("f", 4), ("f", 4), ("f", 4), ("f", 4)];
        assert_eq!(SMALL.plan(&items), [vec![5, 4, 3], vec![2, 1, 0]]);
    }

    #[test]
    fn an_item_larger_than_a_bucket_has_its_own() {
        let items = [("f", 1), ("f", 1000), ("f", 1000)];
        assert_eq!(SMALL.plan(&items), [vec![2], vec![1], vec![0]]);
    }

    #[test]
    fn kinds_are_not_mixed_and_nothing_gives_nothing() {
        let items = [("f", 1), ("h", 1), ("f", 1)];
        assert_eq!(SMALL.plan(&items), [vec![2], vec![1], vec![0]]);
        assert_eq!(SMALL.plan::<u8>(&[]), Vec::<Vec<usize>>::new());
    }
}
