//! How a gate is made.
#![doc = include_str!("../README.md")]

mod attach;
mod collect;
mod dice;
pub mod draw;
mod error;
mod fit;
mod vary;

pub use attach::{attach, attached};
pub use collect::{Example, Source, drawn, found, seen, varied};
pub use error::{AttachError, FitError};
pub use fit::{FitOptions, fit, held_out};
pub use vary::{annotate, vary};
