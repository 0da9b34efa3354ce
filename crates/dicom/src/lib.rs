//! What the model says of a DICOM image, as DICOM.
#![doc = include_str!("../README.md")]

mod answer;
mod capture;
mod element;
mod error;
pub mod listen;
mod picture;
mod source;
mod structured;
mod uid;

pub use answer::{Answer, Judged, Object, answer, answer_bytes};
pub use error::DicomError;
pub use picture::overlay;
pub use source::Source;

/// (0008,0070) of all that is written here.
pub(crate) const MANUFACTURER: &str = "Osteon";

/// What every answer says of itself.
pub(crate) const DISCLAIMER: &str =
    "Not a medical device: for research and teaching, not for diagnosis.";
