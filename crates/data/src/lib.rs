//! Radiographs from disk to batches, without torch.
//!
//! An image's way through the crate: [`Catalog`] (what exists, with label and split) → [`Decoder`] (file → 8-bit luma) →
//! [`Preprocess`] (fit and normalise) → [`Dataset`] (a split decoded once, in memory or in a [`Cache`]) → [`Augment`] (training only)
//! → [`DataLoader`] → [`Batch`]. A loader can also stream: decode images as they are needed.
#![doc = include_str!("../README.md")]

mod annotate;
mod augment;
mod boxes;
mod catalog;
mod classes;
mod dataset;
mod decode;
mod error;
mod label;
mod load;
mod manifest;
mod preprocess;
mod provenance;
mod resize;
mod source;
mod split;
mod thumbnail;
mod union;

pub use annotate::subgroup_columns;
pub use augment::{
    Augment, Augmenter, Blend, Instructions, Lattice, Patch, Transform, noise_values,
};
pub use boxes::RelativeBox;
pub use catalog::{Catalog, Entry, SharedGroup, shared_groups};
pub use classes::{CellNames, ClassNames};
pub use dataset::{Cache, Dataset, FittedBox, Look, Packed, Unreadable};
pub use decode::{ColorSample, DecodeScratch, Decoded, Decoder, GrayView, Limits, Wanted};
#[cfg(feature = "dicom")]
pub use decode::{DicomSamples, read_dicom, reads_transfer_syntax};
pub use error::{AnnotationError, BoxFault, BoxProblem, DataError, DecodeError, RowError};
pub use label::{CLASS_NAMES, Label, Split};
pub use load::{
    Batch, DataLoader, LoadOptions, MAP_UNKNOWN, Mix, Recipe, RecipeBatch, Recipes, Sample,
    Sampler, Shard, epoch_order,
};
pub use manifest::{SplitRecord, write_manifest};
pub use preprocess::{Fit, Preprocess};
pub use provenance::{provenance, with_provenance};
pub use resize::{resized, resized_by};
pub use source::{
    Aside, ClassFolders, DicomTable, FolderFiles, FracAtlas, GrazPedWri, Layout, Listing, Manifest,
    Mura, NoImage, Source, folder_files, image_files,
};
pub use split::{Groups, SplitOptions, clean_images, fold_images, fold_splits, split_images};
pub use thumbnail::thumbnail_jpeg;
pub use union::Union;
