//! What a run tells while it goes. The trainer prints nothing; whoever calls it draws bars, lines or nothing.

use std::path::Path;

use osteon_data::{Catalog, Packed, SharedGroup, Split, Unreadable};
use serde::{Deserialize, Serialize};

use crate::{ComputePlan, Difference, TrainError};

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The data set was catalogued: what lies in it besides images is known.
    Catalogued {
        /// The data set.
        catalog: &'a Catalog,
        /// Patients and other groups that lie in several splits, where `data.allow_leak` allows it.
        shared: &'a [SharedGroup],
    },
    /// Images of a split are about to be read.
    Reading {
        /// The split.
        split: Split,
        /// How many.
        films: usize,
    },
    /// All images of a split were read.
    Read {
        /// The split.
        split: Split,
        /// Images read.
        films: usize,
        /// Fractured ones among them.
        fractured: usize,
        /// Files that did not read.
        unreadable: &'a [Unreadable],
        /// Names of damaged images of which only a part is shown.
        repaired: &'a [String],
    },
    /// Images of a split came from the cache, or went into it.
    Packed {
        /// The split.
        split: Split,
        /// What became of the pack.
        packed: &'a Packed,
    },
    /// The network stands.
    Built {
        /// Its name.
        architecture: String,
        /// Trainable parameters.
        parameters: usize,
        /// cpu, cuda:0, …
        device: String,
        /// Images a step, over all processes and passes.
        batch_size: usize,
        /// Processes that train together.
        processes: usize,
        /// Whether the training images are in the device's memory, and augmented there.
        films_on_device: bool,
    },
    /// How the machine is used, chosen or given.
    Computes(&'a ComputePlan),
    /// A run goes on.
    Resumed {
        /// The epoch that it is in, counted from 1.
        epoch: u64,
        /// Steps taken so far.
        step: u64,
        /// Newer checkpoints that are damaged and were passed over, with what is wrong.
        damaged: &'a [TrainError],
        /// In what it differs from the run it goes on with, if that was forced.
        differences: &'a [Difference],
    },
    /// A fold of a cross-validation begins, counted from 1.
    Fold {
        /// Its number.
        fold: usize,
        /// Of how many.
        folds: usize,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps taken.
        step: u64,
        /// Its file.
        path: &'a Path,
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
        /// Training images a second in this epoch so far.
        images_per_second: f64,
    },
    /// A step of the learning-rate finder or of the sanity check.
    Tried {
        /// Counted from 1.
        step: usize,
        /// At most.
        steps: usize,
        /// Its learning rate.
        lr: f64,
        /// Its loss; the finder's is smoothed.
        loss: f64,
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
    /// Mean loss over the epoch's training images, as augmented.
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
    /// Mean of sensitivity and specificity there.
    pub val_balanced_accuracy: Option<f64>,
    /// F1 there.
    pub val_f1: Option<f64>,
    /// Average precision on val.
    pub val_average_precision: Option<f64>,
    /// Brier score on val, uncalibrated.
    pub val_brier: Option<f64>,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Training images a second.
    pub images_per_second: f64,
    /// The part of the time in which the network waited for images, 0..=1.
    #[serde(default)]
    pub input_wait: f64,
    /// Whole epoch, val included.
    pub seconds: f64,
    /// Whether it is the best so far.
    pub best: bool,
}

/// Told of each event; returns nothing, stops nothing.
pub trait Observer: Sync {
    /// Something happened.
    fn on(&mut self, event: &Event<'_>);

    /// Images of a split are being read: called once an image, from any thread.
    fn film_read(&self) {}

    /// Whether whoever asked the run to stop wants it to end after a checkpoint, without val being judged for a first model.
    fn is_in_haste(&self) -> bool {
        false
    }
}

impl<F: FnMut(&Event<'_>) + Sync> Observer for F {
    fn on(&mut self, event: &Event<'_>) {
        self(event);
    }
}
