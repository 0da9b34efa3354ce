//! Trains a network: configuration, device, optimiser, schedule, loop, checkpoints, run folder.
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! use osteon_train::{Config, Event, Plan, train};
//!
//! # fn main() -> Result<(), osteon_train::TrainError> {
//! let mut config = Config::default();
//! config.data.dir = "data/sample".into();
//! let plan = Plan { config, run: "runs/mine".into(), resume: false };
//! let outcome = train(&plan, &mut |_: &Event<'_>| {}, &AtomicBool::new(false))?;
//! println!("best epoch {} in {}", outcome.best_epoch, outcome.run.display());
//! # Ok(()) }
//! ```

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
