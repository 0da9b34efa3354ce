//! What a network is fed: N images, normalised, with labels and names.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Unreadable;

/// N images as the network takes them. Its memory goes back to the loader when it is dropped.
#[derive(Clone)]
pub struct Batch {
    /// N×1×H×W, normalised, row by row.
    pub pixels: Vec<f32>,
    /// Height and width.
    pub side: usize,
    /// 1.0 for fractured, 0.0 for not; in between where images are mixed.
    pub targets: Vec<f32>,
    /// Each image's place in the set that is loaded.
    pub indices: Vec<usize>,
    /// The epoch it belongs to, counted from 0.
    pub epoch: u64,
    /// Its number within the epoch, counted from 0: the same on every rank.
    pub number: usize,
    /// Images of this batch on all ranks, before any were left out that do not read: what a loss is divided by.
    pub global_len: usize,
    /// Images that should have been in it but did not read; only where images are decoded as they are needed, and only if they are to
    /// be skipped.
    pub unreadable: Vec<Unreadable>,
    pub(crate) ids: Arc<[String]>,
    pub(crate) home: Arc<Pool>,
}

impl Batch {
    /// N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it holds no image: a rank's part of an epoch's last batch, where that has fewer images than there are ranks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The names of its images, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.indices.iter().map(|&index| self.ids[index].as_str())
    }
}

impl PartialEq for Batch {
    /// The same images with the same pixels: where the memory comes from does not count.
    fn eq(&self, other: &Self) -> bool {
        self.pixels == other.pixels
            && self.side == other.side
            && self.targets == other.targets
            && self.indices == other.indices
            && self.epoch == other.epoch
            && self.number == other.number
            && self.global_len == other.global_len
            && self.unreadable == other.unreadable
            && self.ids().eq(other.ids())
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("side", &self.side)
            .field("epoch", &self.epoch)
            .field("number", &self.number)
            .field("global_len", &self.global_len)
            .field("indices", &self.indices)
            .field("targets", &self.targets)
            .field("unreadable", &self.unreadable)
            .finish_non_exhaustive()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.pixels));
    }
}

/// Pixel memory of batches that were used up: a training step after the other writes to the same few megabytes.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Vec<f32>>>);

impl Pool {
    /// Memory for `length` values, with whatever was in it before.
    pub fn take(&self, length: usize) -> Vec<f32> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = kept.pop().unwrap_or_default();
        memory.resize(length, 0.0);
        memory
    }

    fn put(&self, memory: Vec<f32>) {
        if memory.capacity() > 0 {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(memory);
        }
    }
}
