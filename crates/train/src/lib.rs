//! Trains a network: configuration, device, optimiser, schedule, loop, checkpoints, run folder.
#![doc = include_str!("../README.md")]

mod checkpoint;
pub mod config;
mod device;
mod error;
mod event;
mod log;
mod optimizer;
mod run;
mod schedule;
mod tensorboard;
mod trainer;
mod validate;

pub use config::{Config, ConfigError};
pub use device::choose_device;
pub use error::TrainError;
pub use event::{EpochRecord, Event, Observer};
pub use optimizer::{Optimizer, OptimizerConfig, OptimizerName};
pub use run::RunDir;
pub use schedule::{ScheduleConfig, ScheduleName};
pub use trainer::{Outcome, Plan, StopReason, train};
