//! The configuration: typed sections with defaults, checked values, layered from file, `--set` and flags.

mod error;
mod layers;
mod source;

use std::path::PathBuf;

use osteon_data::{Augment, Cache, Decoder, Layout, Preprocess};
use osteon_model::{Architecture, CalibrationMethod};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub use layers::Layers;

use crate::{OptimizerConfig, ScheduleConfig};

/// Everything that makes a run what it is. Written, fully resolved, to `config.toml` in the run folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which films.
    pub data: DataConfig,
    /// From a film to the network's input.
    pub preprocess: Preprocess,
    /// Random changes in training.
    pub augment: Augment,
    /// The network.
    pub model: Architecture,
    /// How weights follow gradients.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// The loop.
    pub train: TrainConfig,
    /// From logits to scores and decisions, fitted on val.
    pub calibrate: CalibrateConfig,
}

/// Section `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Folder with train|val|test / fractured|not fractured or another layout, or a CSV manifest.
    pub dir: PathBuf,
    /// How it lies on disk.
    pub layout: Layout,
    /// What a file that does not read means for training.
    pub unreadable: Unreadable,
    /// Folder of decoded films, kept between runs; empty: they are decoded anew each time, into memory.
    pub cache: PathBuf,
    /// Licence of the films, noted in the model file.
    pub licence: String,
    /// Whom the films are owed to, noted in the model file.
    pub attribution: String,
}

/// What to do about files that do not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// Stop before training and name them.
    Error,
    /// Name them and train on the rest.
    Skip,
    /// Keep what decodes of a damaged film, name it, and skip only what shows nothing.
    Repair,
}

/// Section `train`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training films at most.
    #[schemars(range(min = 1))]
    pub epochs: u64,
    /// Films a step.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// Of weights, order, augmentation and dropout.
    pub seed: u64,
    /// auto, cpu, cuda, cuda:N or mps.
    pub device: String,
    /// What chooses the best epoch on val.
    pub monitor: Monitor,
    /// Epochs without a better one before training stops; 0: never.
    pub patience: u64,
    /// Training stops once the loss on val falls below this; 0: never.
    pub stop_val_loss: f64,
    /// Weight of fractured films in the loss; 1: as they come.
    pub positive_weight: f64,
    /// Threads of libtorch; 0: one a core.
    pub threads: usize,
    /// Batches made ahead at most.
    pub prefetch: usize,
    /// A line in metrics.jsonl every so many steps.
    #[schemars(range(min = 1))]
    pub log_every: u64,
}

/// What chooses the best epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Lowest loss on val.
    ValLoss,
    /// Highest ROC-AUC on val.
    ValRocAuc,
}

/// Section `calibrate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrateConfig {
    /// How logits become probabilities.
    pub method: CalibrationMethod,
    /// How the threshold is chosen.
    pub threshold: ThresholdRule,
    /// The threshold of the rule `fixed`, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fixed: f64,
}

/// How the threshold is chosen on val.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdRule {
    /// Greatest sensitivity + specificity.
    Youden,
    /// `calibrate.fixed`.
    Fixed,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            dir: "data/sample".into(),
            layout: Layout::Auto,
            unreadable: Unreadable::Skip,
            cache: PathBuf::new(),
            licence: String::new(),
            attribution: String::new(),
        }
    }
}

impl DataConfig {
    /// The folder of decoded films, if there is to be one.
    #[must_use]
    pub fn cache(&self) -> Option<Cache> {
        (!self.cache.as_os_str().is_empty()).then(|| Cache::new(&self.cache))
    }

    /// The decoder that `unreadable` asks for.
    #[must_use]
    pub fn decoder(&self) -> Decoder {
        Decoder {
            repair: self.unreadable == Unreadable::Repair,
            ..Decoder::default()
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch_size: 32,
            seed: 1,
            device: "auto".to_owned(),
            monitor: Monitor::ValRocAuc,
            patience: 10,
            stop_val_loss: 0.0,
            positive_weight: 1.0,
            threads: 0,
            prefetch: 4,
            log_every: 20,
        }
    }
}

impl Default for CalibrateConfig {
    fn default() -> Self {
        Self {
            method: CalibrationMethod::Platt,
            threshold: ThresholdRule::Youden,
            fixed: 0.5,
        }
    }
}

/// A value that fits its type but makes no sense.
pub(crate) struct BadValue {
    /// `section.key`.
    pub key: String,
    /// What it must be.
    pub must: String,
}

impl Config {
    /// The first value that makes no sense.
    pub(crate) fn check(&self) -> Result<(), BadValue> {
        let bad = |key: &str, must: &str| {
            Err(BadValue {
                key: key.to_owned(),
                must: must.to_owned(),
            })
        };
        if let Err((key, must)) = self.preprocess.check() {
            return bad(&format!("preprocess.{key}"), must);
        }
        if let Err((key, must)) = self.augment.check() {
            return bad(&format!("augment.{key}"), must);
        }
        if let Err((key, must)) = self.optimizer.check() {
            return bad(&format!("optimizer.{key}"), must);
        }
        if let Err((key, must)) = self.schedule.check() {
            return bad(&format!("schedule.{key}"), must);
        }
        if let Err((key, must)) = self.model.check(self.preprocess.side()) {
            return bad(&format!("model.{key}"), must);
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let train = &self.train;
        let rules = [
            ("train.epochs", train.epochs >= 1, "must be 1 or more"),
            (
                "train.batch_size",
                train.batch_size >= 1,
                "must be 1 or more",
            ),
            ("train.log_every", train.log_every >= 1, "must be 1 or more"),
            (
                "train.positive_weight",
                positive(train.positive_weight),
                "must be above 0",
            ),
            (
                "train.stop_val_loss",
                train.stop_val_loss >= 0.0,
                "must be 0 or more",
            ),
            (
                "train.device",
                crate::device::is_known(&train.device),
                "must be auto, cpu, cuda, cuda:N or mps",
            ),
            (
                "calibrate.fixed",
                (0.0..=1.0).contains(&self.calibrate.fixed),
                "must be from 0 to 1",
            ),
        ];
        match rules.into_iter().find(|(_, fine, _)| !fine) {
            Some((key, _, must)) => bad(key, must),
            None => Ok(()),
        }
    }
}
