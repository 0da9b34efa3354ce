//! Disjoint sets (Tarjan 1975), with path halving.

/// Sets of 0…n−1.
#[derive(Debug, Clone)]
pub struct Union {
    parent: Vec<usize>,
}

impl Union {
    /// Each of `n` in a set of its own.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            parent: (0..n).collect(),
        }
    }

    /// The least member of a set.
    pub fn find(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    /// Makes two sets one.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parent[a.max(b)] = a.min(b);
    }
}
