//! What is a radiograph and what is not: the gate before a model.
#![doc = include_str!("../README.md")]

mod error;
mod features;
mod gate;
pub mod network;
mod picture;

pub use error::GateError;
pub use features::{FEATURES, FEATURES_VERSION, features};
pub use gate::{Class, Fitted, Gate, Rate, Verdict};
pub use picture::{LONGEST, Picture};
