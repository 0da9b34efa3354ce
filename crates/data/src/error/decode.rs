//! Why bytes are not an image.

use thiserror::Error;

/// Why bytes are not an image.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// The bytes begin like no format that is read.
    #[error("not an image that is read here (JPEG, PNG, GIF, BMP, TIFF, WebP, DICOM)")]
    UnknownFormat,
    /// A format that is known, by its content, and not read.
    #[error("by its content this is {name}, which is not read here: save the image as JPEG or PNG")]
    Format {
        /// What it is.
        name: &'static str,
    },
    /// A format that is read, of a kind that is not.
    #[error("not read here: {source}; save the image as JPEG or PNG")]
    Unsupported {
        /// The decoder's own word.
        #[source]
        source: image::error::UnsupportedError,
    },
    /// A DICOM file, and a build without the feature `dicom`.
    #[error(
        "DICOM is not built in: build with the feature `dicom`, or export the image as PNG or JPEG"
    )]
    Dicom,
    /// A DICOM data set that was not stored as a file.
    #[error(
        "a DICOM data set without the 128 bytes and the DICM of a file, so that nothing says how it is coded: `dcmconv` writes it as a file"
    )]
    DicomBare,
    /// Something else where only a DICOM file will do.
    #[error("not a DICOM file")]
    NoDicom,
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
    /// Fewer bytes than the picture has.
    #[error(
        "the DICOM file's pixel data are {missing} bytes short of what rows, columns and bits ask for"
    )]
    DicomShort {
        /// Bytes that are missing.
        missing: u64,
    },
    /// A value of numbers ends in the middle of one: the parser would lose its place.
    #[error("damaged DICOM file: the length that it states for {tag} is not that of numbers")]
    DicomLength {
        /// The element, as `(gggg,eeee)`.
        tag: String,
    },
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
    #[error("DICOM transfer syntax {uid} is not read")]
    DicomSyntax {
        /// Its identifier.
        uid: String,
    },
    /// JPEG-LS in colour, and a build without the feature `jpeg-ls`.
    #[error("JPEG-LS in colour is not read in this build: build with the feature `jpeg-ls`")]
    DicomJpegLsColor,
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
    #[error("damaged DICOM pixel data: the decoder failed on it")]
    DicomPanic,
    /// A JPEG 2000 frame of more tiles, precincts or code-blocks than an image has use for: each costs memory.
    #[error("damaged DICOM pixel data: a JPEG 2000 frame in parts of next to no pixels")]
    DicomParts,
    /// An RLE frame of more segments than the format has, or of another number than the picture's samples have bytes.
    #[error(
        "damaged DICOM pixel data: an RLE frame of {segments} segments, where there is one for each byte of each sample"
    )]
    DicomSegments {
        /// As its header has it.
        segments: u32,
    },
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
    /// A side longer than any image's.
    #[error("{width}×{height} pixels: a side above the limit of {limit} pixels")]
    TooLong {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The limit in pixels.
        limit: u32,
    },
    /// Reading it would take more memory than [`crate::Limits`] allows, as said by the header, before anything was decoded.
    #[error("reading it takes {needed} MiB of memory, above the limit of {limit} MiB")]
    TooMuchMemory {
        /// What it would take, in MiB.
        needed: u64,
        /// The limit in MiB.
        limit: u64,
    },
    /// A decoder fell over it.
    #[error("damaged image: the decoder failed on it")]
    Panic,
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
    /// Whether the file is an image that was damaged, so that some of it may be left to show.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Truncated | Self::Jpeg { .. } | Self::Image { .. }
        )
    }
}
