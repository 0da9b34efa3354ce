//! Radiographs from disk to batches, without torch.
//!
//! An image's way through the crate: [`Catalog`] (what exists, with label and split) → [`Decoder`] (file → 8-bit luma) →
//! [`Preprocess`] (fit and normalise) → [`Films`] (a split decoded once, in memory) → [`Augment`] (training only) → [`Batches`].
//! [`synth`] makes radiographs where there are none.
//!
//! ```no_run
//! use osteon_data::{Batches, Catalog, Decoder, Films, LoadOptions, Preprocess, Split};
//!
//! # fn main() -> Result<(), osteon_data::DataError> {
//! let catalog = Catalog::open("data/sample")?;
//! let films = Films::load(catalog.split(Split::Train)?, &Decoder::default(), &Preprocess::default(), &|| {});
//! for batch in Batches::new(films.into(), &LoadOptions::plain(32)) {
//!     let (n, side) = (batch.len(), batch.side); // batch.pixels: N×1×H×W, normalised
//!     assert_eq!(batch.pixels.len(), n * side * side);
//! }
//! # Ok(()) }
//! ```

mod atomic;
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
