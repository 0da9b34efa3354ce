//! Where each batch of a run begins and ends.

use std::ops::Range;

use crate::LoadOptions;

/// One of several processes that share each batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which of them, below `world`.
    pub rank: usize,
    /// How many there are, 1 or more.
    pub world: usize,
}

impl Shard {
    /// One process that has the batches to itself.
    pub const WHOLE: Self = Self { rank: 0, world: 1 };

    /// This rank's part of `count` images: parts are consecutive, and their sizes differ by one at most.
    fn part(self, count: usize) -> Range<usize> {
        let (rank, world) = (self.rank as u128, self.world.max(1) as u128);
        let cut = |part: u128| (count as u128 * part.min(world) / world) as usize;
        cut(rank)..cut(rank + 1)
    }
}

/// One rank's part of one global batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchSlice {
    pub epoch: u64,
    /// The batch's number within the epoch.
    pub number: usize,
    /// The epoch's samples.
    pub samples: Range<usize>,
    /// Images of all ranks.
    pub global_len: usize,
}

/// The batches of a run, counted through its epochs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchPlan {
    first_epoch: u64,
    /// Images a global batch.
    global: usize,
    shard: Shard,
    epoch_len: usize,
    pub batches_an_epoch: usize,
    /// The first batch to be made.
    pub first: usize,
    /// The batch after the last.
    pub end: usize,
}

impl BatchPlan {
    pub fn new(options: &LoadOptions, epoch_len: usize) -> Self {
        let epochs = options.epochs.end.saturating_sub(options.epochs.start);
        let batches_an_epoch = options.batches_an_epoch(epoch_len);
        let end = batches_an_epoch.saturating_mul(usize::try_from(epochs).unwrap_or(usize::MAX));
        Self {
            first_epoch: options.epochs.start,
            global: options.global_batch(),
            shard: options.shard,
            epoch_len,
            batches_an_epoch,
            first: options.first_batch.min(end),
            end,
        }
    }

    /// The batch with this count, below `end`.
    pub fn slice(&self, count: usize) -> BatchSlice {
        let number = count % self.batches_an_epoch;
        let start = number * self.global;
        let global_len = self.global.min(self.epoch_len - start);
        let part = self.shard.part(global_len);
        BatchSlice {
            epoch: self.first_epoch + (count / self.batches_an_epoch) as u64,
            number,
            samples: start + part.start..start + part.end,
            global_len,
        }
    }
}

impl LoadOptions {
    /// Images of all ranks in a batch that is not cut short.
    #[must_use]
    pub fn global_batch(&self) -> usize {
        self.batch_size
            .max(1)
            .saturating_mul(self.shard.world.max(1))
    }

    /// Batches of an epoch with this many samples ([`crate::Dataset::epoch_len`]): on every rank the same.
    #[must_use]
    pub fn batches_an_epoch(&self, epoch_len: usize) -> usize {
        epoch_len.div_ceil(self.global_batch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_even_and_leave_nothing_out() {
        for world in 1..9 {
            for count in 0..40 {
                let parts: Vec<_> = (0..world)
                    .map(|rank| Shard { rank, world }.part(count))
                    .collect();
                assert_eq!((parts[0].start, parts[world - 1].end), (0, count));
                assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
                let (least, most) = (count / world, count.div_ceil(world));
                assert!(parts.iter().all(|p| (least..=most).contains(&p.len())));
            }
        }
    }
}
