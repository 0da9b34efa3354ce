//! Radiographs from disk to batches, without torch.
//!
//! An image's way through the crate: [`Catalog`] (what exists, with label and split) → [`Decoder`] (file → 8-bit luma) →
//! [`Preprocess`] (fit and normalise) → [`Films`] (a split decoded once, in memory) → [`Augment`] (training only) → [`Batches`].
//! [`synth`] makes radiographs where there are none.
#![doc = include_str!("../README.md")]

mod atomic;
mod augment;
mod batches;
mod boxes;
mod catalog;
mod decode;
mod error;
mod films;
mod label;
mod manifest;
mod preprocess;
mod source;
mod split;
pub mod synth;
mod synth_set;

pub use atomic::write_atomic;
pub use augment::{Augment, Transform};
pub use batches::{Batch, Batches, LoadOptions, epoch_order};
pub use boxes::RelativeBox;
pub use catalog::{Catalog, Entry};
pub use decode::{Decoder, Limits};
pub use error::{AnnotationError, DataError, DecodeError, RowError};
pub use films::{Films, Unreadable, hex};
pub use label::{CLASS_NAMES, Label, Split};
pub use manifest::{SplitRecord, write_manifest};
pub use preprocess::{Fit, Preprocess};
pub use source::{
    ClassFolders, DicomTable, FracAtlas, Layout, Listing, Manifest, Mura, Source, image_files,
};
pub use split::{Groups, SplitOptions, clean_films, fold_films, fold_splits, split_films};
pub use synth_set::{SynthCounts, write_synth};
