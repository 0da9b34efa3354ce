//! What can go wrong between a file and a batch.

use std::path::PathBuf;

use thiserror::Error;

use crate::{Label, Split};

/// Errors of catalogue, files and data sets.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder given as the data set is not there.
    #[error(
        "there is no folder {}. Fetch a data set with `cargo xtask download sample` (synthetic, at once), `kaggle` or `fracatlas`, \
         or point --data at a folder laid out as train|val|test / fractured|not fractured",
        path.display()
    )]
    NoFolder {
        /// The folder asked for.
        path: PathBuf,
    },
    /// No class folder was found anywhere it is looked for.
    #[error(
        "{} holds no class folders. Expected train|val|test / fractured|not fractured (or the two class folders alone){}",
        path.display(), found_note(found)
    )]
    NoClasses {
        /// The folder asked for.
        path: PathBuf,
        /// Folders that are there instead.
        found: Vec<String>,
    },
    /// A folder beside the class folders whose name is no class: its films would be silently lost.
    #[error(
        "{} is neither a class (fractured, not fractured) nor empty. Rename it or move it out of the data set",
        path.display()
    )]
    UnknownClass {
        /// The folder that has no label.
        path: PathBuf,
    },
    /// A split without one of the two classes cannot be learnt from or judged.
    #[error("{} has no {label} films in split {split}. A split needs both classes", root.display())]
    EmptyClass {
        /// The data set.
        root: PathBuf,
        /// The split asked for.
        split: Split,
        /// The class without films.
        label: Label,
    },
    /// The split asked for is not in the data set.
    #[error("{} has no split {split}; it has {}", root.display(), list(present))]
    NoSplit {
        /// The data set.
        root: PathBuf,
        /// The split asked for.
        split: Split,
        /// What is there.
        present: Vec<Split>,
    },
    /// A split name other than train, val or test.
    #[error("unknown split {name:?}: expected train, val or test")]
    UnknownSplit {
        /// The name given.
        name: String,
    },
    /// The folder to write to already holds something.
    #[error("{} is not empty. Choose a new folder, or remove it first", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// A file is there but does not decode.
    #[error("{}: {source}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A file that did not decode when it was packed.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the decoder said then.
        reason: String,
    },
    /// A film changed while it was being packed.
    #[error("{} changed while it was read. Try again when nothing writes to the data set", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A pack that was just written does not read.
    #[error("the pack {} was written but does not read: {reason}. Is the disk sound?", path.display())]
    Pack {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Writing an image failed.
    #[error("cannot write {}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's own word.
        #[source]
        source: image::ImageError,
    },
}

impl DataError {
    /// The cause alone, for a listing that names the file already.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Decode { source, .. } => source.to_string(),
            Self::Io { source, .. } => source.to_string(),
            Self::Unreadable { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    /// Whether what was asked for is no data set: a matter of the call (exit code 2), not of the work.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::NoFolder { .. }
                | Self::NoClasses { .. }
                | Self::UnknownSplit { .. }
                | Self::NoSplit { .. }
                | Self::NotEmpty { .. }
        )
    }
}

/// Why bytes are not a film.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// The bytes begin like no format that is read.
    #[error("not an image that is read here (JPEG, PNG, GIF, BMP, TIFF, WebP, DICOM)")]
    UnknownFormat,
    /// A DICOM file, and a build without the feature `dicom`.
    #[error(
        "DICOM is not built in: build with the feature `dicom`, or export the film as PNG or JPEG"
    )]
    Dicom,
    /// The DICOM file's structure is damaged.
    #[error("damaged DICOM file: {source}")]
    DicomFile {
        /// The parser's own word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stated length reaches beyond the end of the file, or pixels are missing.
    #[error("truncated DICOM file: it ends before what it announces")]
    DicomTruncated,
    /// Sequences within sequences without end.
    #[error("damaged DICOM file: sequences are nested more than {limit} deep")]
    DicomNesting {
        /// The limit.
        limit: usize,
    },
    /// A DICOM file that holds no picture.
    #[error("the DICOM file holds no pixel data")]
    DicomNoPixels,
    /// An attribute that is needed is missing, or makes no sense.
    #[error("DICOM attribute {name} is missing or makes no sense")]
    DicomAttribute {
        /// Its name.
        name: &'static str,
    },
    /// A way of coding that is not read.
    #[error(
        "DICOM transfer syntax {uid} is not read{}",
        if uid.starts_with("1.2.840.10008.1.2.4.8") { " in this build (JPEG-LS: build with the feature `jpeg-ls`)" } else { "" }
    )]
    DicomSyntax {
        /// Its identifier.
        uid: String,
    },
    /// Colours that are not turned to luma.
    #[error("DICOM photometric interpretation {name:?} is not read")]
    DicomPhotometric {
        /// As the file has it.
        name: String,
    },
    /// Neither 8 nor 16 bits a sample.
    #[error("DICOM samples of {bits} bits are not read")]
    DicomDepth {
        /// Bits allocated.
        bits: u32,
    },
    /// The compressed frame is of another shape than the data set states.
    #[error(
        "damaged DICOM file: its compressed frame is {width}×{height} of {channels} channels and {bits} bits, unlike its header"
    )]
    DicomFrame {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// Samples a pixel.
        channels: u32,
        /// Bits a sample.
        bits: u32,
    },
    /// The frame's decoder refused.
    #[error("damaged DICOM pixel data: {source}")]
    DicomPixels {
        /// The decoder's own word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The frame's decoder fell over it.
    #[error("damaged DICOM pixel data: the decoder stumbled over it")]
    DicomPanic,
    /// A 12-bit JPEG that is damaged.
    #[error("damaged 12-bit JPEG: {reason}")]
    Jpeg12 {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More pixels than [`crate::Limits`] allows, as said by the header, before anything was decoded.
    #[error("{width}×{height} pixels: above the limit of {limit} megapixels")]
    TooLarge {
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
        /// The limit in megapixels.
        limit: u64,
    },
    /// No pixel.
    #[error("the image has no pixels ({width}×{height})")]
    NoPixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The file ends before its picture does.
    #[error("truncated JPEG: the file ends before its picture does")]
    Truncated,
    /// The JPEG decoder refused.
    #[error("damaged JPEG: {source}")]
    Jpeg {
        /// The decoder's own word.
        #[source]
        source: zune_jpeg::errors::DecodeErrors,
    },
    /// Another decoder refused.
    #[error("damaged image: {source}")]
    Image {
        /// The decoder's own word.
        #[source]
        source: image::ImageError,
    },
    /// A kind of sample that no decoder gives today.
    #[error("samples of type {color:?} are not read")]
    ColorType {
        /// The kind.
        color: image::ColorType,
    },
}

impl DecodeError {
    /// Whether the file is a film that was damaged, so that some of it may be left to show.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Truncated | Self::Jpeg { .. } | Self::Image { .. }
        )
    }
}

fn found_note(found: &[String]) -> String {
    if found.is_empty() {
        String::new()
    } else {
        format!("; found {}", found.join(", "))
    }
}

fn list(splits: &[Split]) -> String {
    let names: Vec<_> = splits.iter().map(|s| s.name()).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
