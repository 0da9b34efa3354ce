//! Radiographs from disk to batches, without torch.
//!
//! An image's way through the crate: [`Catalog`] (what exists, with label and split) → [`Decoder`] (file → 8-bit luma) →
//! [`Preprocess`] (fit and normalise) → [`Films`] (a split decoded once, in memory) → [`Augment`] (training only) → [`Batches`].
//! [`synth`] makes radiographs where there are none.
#![doc = include_str!("../README.md")]

mod atomic;
pub mod audit;
mod augment;
mod batches;
mod catalog;
mod decode;
mod error;
mod films;
mod label;
mod preprocess;
pub mod synth;
mod synth_set;

pub use atomic::write_atomic;
pub use augment::{Augment, Transform};
pub use batches::{Batch, Batches, LoadOptions, epoch_order};
pub use catalog::{Catalog, Entry, image_files};
pub use decode::{Decoder, Limits};
pub use error::{DataError, DecodeError};
pub use films::{Films, Unreadable, hex};
pub use label::{CLASS_NAMES, Label, Split};
pub use preprocess::{Fit, Preprocess};
pub use synth_set::{SynthCounts, write_synth};
