#![doc = include_str!("../README.md")]

mod axis;
mod curves;
mod finder;
pub mod judgement;
mod metrics;
mod panel;

pub use curves::learning_curves;
pub use finder::lr_finder;
pub use metrics::{EpochPoint, LrPoint, Metrics, StepPoint, read_metrics};
