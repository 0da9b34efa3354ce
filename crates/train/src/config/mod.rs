//! The configuration: typed sections with defaults, checked values, layered from file, `--set` and flags.

mod calibrate;
mod compute;
mod data;
mod error;
mod layers;
mod source;
mod train;

use osteon_data::{Augment, Preprocess};
use osteon_model::Architecture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use calibrate::{CalibrateConfig, ThresholdRule};
pub use compute::{ComputeConfig, DeviceAugment, MemoryFormatChoice, PlanRule, PrecisionChoice};
pub use data::{DataConfig, Unreadable};
pub use error::ConfigError;
pub use layers::Layers;
pub(crate) use train::Init;
pub use train::{Monitor, TrainConfig};

use crate::{LossConfig, OptimizerConfig, ScheduleConfig};

/// Everything that makes a run what it is. Written, fully resolved, to `config.toml` in the run folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which images.
    pub data: DataConfig,
    /// From an image to the network's input.
    pub preprocess: Preprocess,
    /// Random changes in training.
    pub augment: Augment,
    /// The network.
    pub model: Architecture,
    /// The training objective.
    pub loss: LossConfig,
    /// How weights follow gradients.
    pub optimizer: OptimizerConfig,
    /// How the learning rate changes.
    pub schedule: ScheduleConfig,
    /// The loop.
    pub train: TrainConfig,
    /// How the machine is used.
    pub compute: ComputeConfig,
    /// From logits to scores and decisions, fitted on val.
    pub calibrate: CalibrateConfig,
}

/// A value that fits its type but makes no sense.
pub(crate) struct BadValue {
    /// `section.key`.
    pub key: String,
    /// What it must be.
    pub must: String,
}

impl Config {
    /// Cells across the maps that the network is taught, if it is.
    pub(crate) fn map_cells(&self) -> Option<usize> {
        let cell = self.model.map_cell().filter(|_| self.loss.map > 0.0)?;
        Some(self.preprocess.side() / cell)
    }

    /// The first value that makes no sense.
    pub(crate) fn check(&self) -> Result<(), BadValue> {
        let sections = [
            ("data", self.data.check()),
            ("preprocess", self.preprocess.check()),
            ("augment", self.augment.check()),
            ("loss", self.loss.check()),
            ("optimizer", self.optimizer.check()),
            ("schedule", self.schedule.check()),
            ("model", self.model.check(self.preprocess.side())),
            ("train", self.train.check()),
            ("calibrate", self.calibrate.check()),
        ];
        for (section, checked) in sections {
            if let Err((key, must)) = checked {
                return Err(BadValue {
                    key: format!("{section}.{key}"),
                    must: must.to_owned(),
                });
            }
        }
        if self.loss.map > 0.0 && self.model.map_cell().is_none() {
            return Err(BadValue {
                key: "loss.map".to_owned(),
                must: "must be 0 for a network without a map; fracture_map and efficientnet_lite have one"
                    .to_owned(),
            });
        }
        if self.model.backbone().is_none() {
            let without = [
                (
                    "train.init",
                    matches!(self.train.init(), Init::Imagenet),
                    "must not be imagenet",
                ),
                (
                    "train.frozen_epochs",
                    self.train.frozen_epochs > 0,
                    "must be 0",
                ),
                (
                    "optimizer.backbone_rate",
                    (self.optimizer.backbone_rate - 1.0).abs() > 0.0,
                    "must be 1",
                ),
            ];
            if let Some((key, _, must)) = without.into_iter().find(|(_, broken, _)| *broken) {
                return Err(BadValue {
                    key: key.to_owned(),
                    must: format!(
                        "{must} for a network without a backbone; efficientnet_lite has one"
                    ),
                });
            }
        }
        Ok(())
    }
}

/// The first rule that is broken, as (key, what its value must be).
pub(crate) fn first_broken<const N: usize>(
    rules: [(&'static str, bool, &'static str); N],
) -> Result<(), (&'static str, &'static str)> {
    match rules.into_iter().find(|(_, fine, _)| !fine) {
        Some((key, _, must)) => Err((key, must)),
        None => Ok(()),
    }
}
