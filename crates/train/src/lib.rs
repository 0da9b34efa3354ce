//! Trains a network: configuration, device, optimiser, schedule, loop, checkpoints, run folder.
#![doc = include_str!("../README.md")]

mod average;
mod checkpoint;
mod compute;
pub mod config;
mod device;
mod device_images;
mod ema;
mod error;
mod event;
mod find_lr;
mod folds;
mod log;
mod loss;
mod optimizer;
mod run;
mod sanity;
mod scaler;
mod schedule;
mod scores;
mod shrink;
mod subsets;
mod team;
mod tensorboard;
mod trainer;

pub use checkpoint::Difference;
pub use compute::{ComputePlan, Origin, Trial};
pub use config::{Config, ConfigError};
pub use device::{MissingDevice, choose_device};
pub use device_images::{DeviceDataset, to_device};
pub use error::TrainError;
pub use event::{EpochRecord, Event, Observer};
pub use find_lr::{LrFound, LrPoint, find_lr};
pub use folds::{CrossValidation, FoldFigures, OutOfFold, cross_validate};
pub use loss::{ClassBalance, Loss, LossConfig, LossName};
pub use optimizer::{Optimizer, OptimizerConfig, OptimizerName};
pub use run::RunDir;
pub use sanity::{Sanity, sanity};
pub use schedule::{Plateau, ScheduleConfig, ScheduleName};
pub use shrink::{Refit, Shrunk, Written, shrink};
pub use trainer::{Outcome, Plan, StopReason, train};
