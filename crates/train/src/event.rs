//! What a run tells while it goes. The trainer prints nothing; whoever calls it draws bars, lines or nothing.

use osteon_data::{Packed, Split, Unreadable};
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Films of a split are about to be read.
    Reading {
        /// Which.
        split: Split,
        /// How many.
        films: usize,
    },
    /// All films of a split were read.
    Read {
        /// Which.
        split: Split,
        /// Films read.
        films: usize,
        /// Fractured ones among them.
        fractured: usize,
        /// Files that did not read.
        unreadable: &'a [Unreadable],
        /// Names of damaged films of which only a part is shown.
        repaired: &'a [String],
    },
    /// Films of a split came from the cache, or went into it.
    Packed {
        /// Which.
        split: Split,
        /// What became of the pack.
        packed: &'a Packed,
    },
    /// The network stands.
    Built {
        /// Its name.
        architecture: String,
        /// Numbers that training fits.
        parameters: usize,
        /// cpu, cuda:0, …
        device: String,
        /// Films a step.
        batch_size: usize,
        /// The first epoch to run, counted from 1; above 1 in a resumed run.
        epoch: u64,
    },
    /// A step was taken.
    Step {
        /// Counted from 1.
        epoch: u64,
        /// Epochs at most.
        epochs: u64,
        /// Counted from 1 within the epoch.
        step: u64,
        /// Steps an epoch.
        steps: u64,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Training films a second in this epoch so far.
        images_per_second: f64,
    },
    /// An epoch was finished and judged on val.
    Epoch(&'a EpochRecord),
}

/// One line of `metrics.jsonl` with `"kind": "epoch"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: u64,
    /// Steps taken in the run.
    pub step: u64,
    /// Mean loss over the epoch's training films, as augmented.
    pub train_loss: f64,
    /// Mean loss on val.
    pub val_loss: f64,
    /// ROC-AUC on val.
    pub val_roc_auc: Option<f64>,
    /// Sensitivity on val where the uncalibrated probability is 0.5 or more.
    pub val_sensitivity: Option<f64>,
    /// Specificity there.
    pub val_specificity: Option<f64>,
    /// Accuracy there.
    pub val_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training films a second.
    pub images_per_second: f64,
    /// Whole epoch, val included.
    pub seconds: f64,
    /// Whether it is the best so far.
    pub best: bool,
}

/// Told of each event; returns nothing, stops nothing.
pub trait Observer: Sync {
    /// Something happened.
    fn on(&mut self, event: &Event<'_>);

    /// Films of a split are being read: called once a film, from any thread.
    fn film_read(&self) {}
}

impl<F: FnMut(&Event<'_>) + Sync> Observer for F {
    fn on(&mut self, event: &Event<'_>) {
        self(event);
    }
}
