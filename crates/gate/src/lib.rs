//! What is a radiograph and what is not: the gate before a model.
#![doc = include_str!("../README.md")]

mod attach;
mod collect;
mod dice;
pub mod draw;
mod error;
mod features;
mod fit;
mod gate;
mod network;
mod picture;
mod vary;

pub use attach::{attach, attached};
pub use collect::{Example, Source, drawn, found, seen, varied};
pub use error::{AttachError, FitError, GateError};
pub use features::{FEATURES, FEATURES_VERSION, features};
pub use fit::{FitOptions, fit, held_out};
pub use gate::{Class, Fitted, Gate, Rate, Verdict};
pub use picture::{LONGEST, Picture};
pub use vary::{annotate, vary};
