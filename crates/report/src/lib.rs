#![doc = include_str!("../README.md")]

mod axis;
mod claim;
mod csv;
mod curves;
mod error;
mod figures;
mod finder;
mod html;
pub mod judgement;
mod metrics;
mod notices;
pub mod overlay;
mod panel;
mod plot;
mod promise;
mod summary;
mod text;
mod worst;

pub use csv::{figures_csv, scores_csv};
pub use curves::learning_curves;
pub use error::ReportError;
pub use finder::lr_finder;
pub use html::Report;
pub use metrics::{EpochPoint, LrPoint, Metrics, StepPoint, read_metrics};
pub use notices::{Notice, notices};
pub use summary::summary_text;
pub use worst::worst;
