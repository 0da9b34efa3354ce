//! Figures of a training run as SVG: what was measured goes in, text comes out. No torch, no IO.
//!
//! Colours are Okabe and Ito's, which people with any colour vision tell apart; the background is pale in light and dark surroundings.

mod axis;
mod curves;
mod finder;
mod metrics;
mod panel;

pub use curves::learning_curves;
pub use finder::lr_finder;
pub use metrics::{EpochPoint, LrPoint, Metrics, StepPoint, read_metrics};
