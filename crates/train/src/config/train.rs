//! Section `train`.

use std::path::{Path, PathBuf};

use osteon_data::Sampler;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Section `train`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training images at most.
    #[schemars(range(min = 1))]
    pub epochs: u64,
    /// Images a forward and backward pass, in each process.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Passes whose gradients make one step: a larger batch in the same memory.
    #[schemars(range(min = 1))]
    pub accumulate: usize,
    /// Which images an epoch visits.
    pub sampler: Sampler,
    /// A field of the images, such as where they come from. `weighted` then draws both classes evenly within each of its values, and folds
    /// have equal shares of each. Empty: none.
    pub balance: String,
    /// Of weights, order, augmentation and dropout.
    pub seed: u64,
    /// What training begins from. Empty: random weights. A model file: its weights, of the same network. `imagenet`: the backbone's published
    /// weights, for networks that have one.
    pub init: PathBuf,
    /// Folder of the published weights of backbones.
    pub backbones: PathBuf,
    /// Epochs, the first ones, in which the backbone stays as it began and only what lies behind it learns.
    pub frozen_epochs: u64,
    /// auto, cpu, cuda, cuda:N or mps.
    pub device: String,
    /// Decay of the weights' moving average, which is then what is judged and kept; 0: none.
    pub ema: f64,
    /// What chooses the best epoch on val.
    pub monitor: Monitor,
    /// Epochs without a better one before training stops; 0: never.
    pub patience: u64,
    /// Training stops once the loss on val falls below this; 0: never.
    pub stop_val_loss: f64,
    /// Threads of libtorch; 0: by `compute.plan`.
    pub threads: usize,
    /// Batches made ahead at most.
    pub prefetch: usize,
    /// A line in metrics.jsonl every so many steps.
    #[schemars(range(min = 1))]
    pub log_every: u64,
    /// Minutes between checkpoints within an epoch; 0: only at its end.
    pub checkpoint_minutes: f64,
    /// Steps between checkpoints within an epoch; 0: only by the clock.
    pub checkpoint_steps: u64,
    /// Seconds that processes which train together wait for each other at most.
    pub rank_timeout: f64,
    /// Checkpoints kept, besides that of the best epoch.
    #[schemars(range(min = 1))]
    pub keep_checkpoints: usize,
}

/// A figure on val that chooses the best epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Lowest loss.
    ValLoss,
    /// Lowest Brier score.
    ValBrier,
    /// Highest ROC-AUC.
    ValRocAuc,
    /// Highest average precision.
    ValAveragePrecision,
    /// Highest accuracy at a probability of 0.5, as those below.
    ValAccuracy,
    /// Highest mean of sensitivity and specificity.
    ValBalancedAccuracy,
    /// Highest F1.
    ValF1,
    /// Highest sensitivity.
    ValSensitivity,
    /// Highest specificity.
    ValSpecificity,
    /// None: the last epoch is kept, and val chooses nothing.
    LastEpoch,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch_size: 32,
            accumulate: 1,
            sampler: Sampler::Shuffled,
            balance: String::new(),
            seed: 1,
            init: PathBuf::new(),
            backbones: PathBuf::from("data/backbones"),
            frozen_epochs: 0,
            device: "auto".to_owned(),
            ema: 0.0,
            monitor: Monitor::ValRocAuc,
            patience: 10,
            stop_val_loss: 0.0,
            threads: 0,
            prefetch: 4,
            log_every: 20,
            checkpoint_minutes: 10.0,
            checkpoint_steps: 0,
            rank_timeout: 600.0,
            keep_checkpoints: 2,
        }
    }
}

/// What training begins from.
pub(crate) enum Init<'a> {
    /// Random weights.
    Random,
    /// The published weights of the network's backbone.
    Imagenet,
    /// A model file.
    File(&'a Path),
}

impl TrainConfig {
    /// What [`TrainConfig::init`] says.
    pub(crate) fn init(&self) -> Init<'_> {
        match self.init.to_str() {
            Some("") => Init::Random,
            Some("imagenet") => Init::Imagenet,
            _ => Init::File(&self.init),
        }
    }

    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let from_0 = |value: f64| value.is_finite() && value >= 0.0;
        super::first_broken([
            ("epochs", self.epochs >= 1, "must be 1 or more"),
            ("batch_size", self.batch_size >= 1, "must be 1 or more"),
            ("accumulate", self.accumulate >= 1, "must be 1 or more"),
            ("log_every", self.log_every >= 1, "must be 1 or more"),
            (
                "keep_checkpoints",
                self.keep_checkpoints >= 1,
                "must be 1 or more",
            ),
            (
                "ema",
                (0.0..1.0).contains(&self.ema),
                "must be from 0 to below 1",
            ),
            (
                "stop_val_loss",
                from_0(self.stop_val_loss),
                "must be 0 or more",
            ),
            (
                "checkpoint_minutes",
                from_0(self.checkpoint_minutes),
                "must be 0 or more",
            ),
            (
                "rank_timeout",
                self.rank_timeout >= 2.0 && self.rank_timeout <= 1e6,
                "must be from 2 to 1000000 seconds",
            ),
            (
                "device",
                crate::device::is_known(&self.device),
                "must be auto, cpu, cuda, cuda:N or mps",
            ),
        ])
    }
}
