//! Bytes → 8-bit luma. The format is told by the content, never by the name.

mod color;
#[cfg(feature = "dicom")]
mod dicom;
mod foreign;
mod jpeg;
mod limits;
mod luma;
mod markers;
mod orient;
mod range;
mod raster;
mod tiff;
#[cfg(feature = "turbo")]
mod turbo;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{GrayImage, ImageFormat};
use osteon_files::FileError;

pub use color::ColorSample;
#[cfg(feature = "dicom")]
pub use dicom::{DicomSamples, read_dicom, reads_transfer_syntax};
pub use limits::Limits;
pub use view::{Decoded, GrayView, Wanted};

use crate::{DataError, DecodeError};

/// Turns files into 8-bit luma: JPEG, PNG, GIF (first frame), BMP, TIFF (neither palette nor floats), WebP, and DICOM (first
/// frame; feature `dicom`).
///
/// EXIF orientation is applied, colour becomes luma (BT.601), alpha is laid on black, and samples deeper than 8 bits are scaled
/// so that the darkest and brightest sample of the image become 0 and 255: detectors of 10–15 bits are often stored in 16 without
/// saying so. Left out of this range are samples far from all others: hot and dead pixels, a marker burned in at full scale. A DICOM
/// file's gray levels are what it asks to be shown as: modality LUT or rescale, then VOI LUT, else window, else the real range of the
/// image, padding left out, MONOCHROME1 inverted. A format that is known and not read is an error that names it
/// ([`DecodeError::Format`]). A truncated file is an error, never a half-gray image, unless [`Decoder::repair`] is set.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// Bounds on what is accepted.
    pub limits: Limits,
    /// How many times larger than [`Wanted`] an image is decoded at least, where its format can be decoded smaller (JPEG, feature
    /// `turbo`), as Pillow's `reducing_gap`: 1 is fastest, [`f32::INFINITY`] always decodes the full size.
    ///
    /// What it gains and costs on 159 JPEGs as published (224 px to 8.5 megapixels), letterboxed to 224 px, against the same image
    /// decoded whole (`examples/decode_speed.rs`; baseline JPEGs a second on one core; differences in gray levels, of the images
    /// that were decoded smaller):
    ///
    /// | gap | images/s | decoded smaller | mean difference | of the worst image | largest |
    /// |---|---|---|---|---|---|
    /// | ∞ | 1,410 | 0 | 0 | 0 | 0 |
    /// | 2 | 1,600 | 49 | 0.10 | 0.20 | 11 |
    /// | 1.5 | 1,640 | 55 | 0.18 | 0.36 | 29 |
    /// | 1 | 1,660 | 68 | 0.28 | 0.61 | 38 |
    ///
    /// Entropy decoding, which no scale saves, is three quarters of the work on these images; so the default is 2, which moves
    /// edges least.
    pub reduce_gap: f32,
    /// Whether of a damaged image what decodes is kept and marked [`Decoded::repaired`]. Otherwise it is an error.
    pub repair: bool,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            reduce_gap: 2.0,
            repair: false,
        }
    }
}

/// Buffers that [`Decoder::decode_with`] keeps from image to image: one for each thread. Grows to the largest image seen.
#[derive(Debug, Default)]
pub struct DecodeScratch {
    /// The image.
    pixels: Vec<u8>,
    /// Samples that are not luma yet; an image that is being turned.
    samples: Vec<u8>,
    /// Whether the image's colours are asked for, and those found.
    in_color: bool,
    color: Option<ColorSample>,
    #[cfg(feature = "turbo")]
    turbo: Option<turbojpeg::Decompressor>,
}

/// What a decoder has left in [`DecodeScratch::pixels`].
struct Stored {
    size: (u32, u32),
    /// The size of the whole image if this is a reduction of it, which is `eighths`/8 as large.
    full: (u32, u32),
    eighths: u32,
    orientation: image::metadata::Orientation,
    repaired: bool,
}

impl Decoder {
    /// Reads and decodes a file.
    pub fn decode_path(&self, path: &Path) -> Result<GrayImage, DataError> {
        let bytes = std::fs::read(path).map_err(|source| FileError::new("read", path, source))?;
        self.decode(&bytes).map_err(|source| DataError::Decode {
            path: path.to_owned(),
            source,
        })
    }

    /// Decodes an image from memory, at its full size.
    pub fn decode(&self, bytes: &[u8]) -> Result<GrayImage, DecodeError> {
        let mut scratch = DecodeScratch::default();
        let (width, height) = {
            let view = self.decode_with(bytes, None, &mut scratch)?.view;
            (view.width(), view.height())
        };
        GrayImage::from_raw(width, height, scratch.pixels)
            .ok_or(DecodeError::NoPixels { width, height })
    }

    /// Decodes an image from memory into buffers that are kept from image to image, at its full size or, for what is `wanted`, at a
    /// smaller one that is enough for it.
    pub fn decode_with<'a>(
        &self,
        bytes: &[u8],
        wanted: Option<Wanted>,
        scratch: &'a mut DecodeScratch,
    ) -> Result<Decoded<'a>, DecodeError> {
        scratch.in_color = false;
        self.stored(bytes, wanted, scratch)?.lend(scratch)
    }

    /// As [`Decoder::decode_with`], with a sample of the file's colours where it has any. The luma is the same to the last bit; a
    /// JPEG in colour costs about half as much again, all else next to nothing.
    pub fn decode_in_color<'a>(
        &self,
        bytes: &[u8],
        wanted: Option<Wanted>,
        scratch: &'a mut DecodeScratch,
    ) -> Result<(Decoded<'a>, Option<ColorSample>), DecodeError> {
        scratch.in_color = true;
        scratch.color = None;
        let stored = self.stored(bytes, wanted, scratch)?;
        let color = scratch.color.take();
        Ok((stored.lend(scratch)?, color))
    }

    fn stored(
        &self,
        bytes: &[u8],
        wanted: Option<Wanted>,
        scratch: &mut DecodeScratch,
    ) -> Result<Stored, DecodeError> {
        // Decoders of others panic on some damaged files; an image must not take those beside it with it.
        let decoded = catch_unwind(AssertUnwindSafe(|| self.any(bytes, wanted, scratch)));
        decoded.unwrap_or_else(|_| {
            // Buffers that nobody knows the state of.
            *scratch = DecodeScratch::default();
            Err(DecodeError::Panic)
        })
    }

    fn any(
        &self,
        bytes: &[u8],
        wanted: Option<Wanted>,
        scratch: &mut DecodeScratch,
    ) -> Result<Stored, DecodeError> {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        if bytes.get(128..132) == Some(b"DICM") {
            #[cfg(feature = "dicom")]
            return self.dicom(bytes, scratch);
            #[cfg(not(feature = "dicom"))]
            return Err(DecodeError::Dicom);
        }
        if let Some(name) = foreign::name(bytes) {
            return Err(DecodeError::Format { name });
        }
        match image::guess_format(bytes).map_err(|_| unknown(bytes))? {
            ImageFormat::Jpeg => self.jpeg(bytes, wanted, scratch),
            format => self.raster(bytes, format, scratch),
        }
    }
}

impl Stored {
    /// The image, the right way up.
    fn lend(self, scratch: &mut DecodeScratch) -> Result<Decoded<'_>, DecodeError> {
        let stored = self;
        let swap = orient::swaps_sides(stored.orientation);
        orient::turn(stored.size, stored.orientation, scratch);
        let upright = |(w, h): (u32, u32)| if swap { (h, w) } else { (w, h) };
        Ok(Decoded {
            view: GrayView::reduced(
                upright(stored.size),
                upright(stored.full),
                stored.eighths,
                &scratch.pixels,
            )?,
            repaired: stored.repaired,
        })
    }
}

fn unknown(bytes: &[u8]) -> DecodeError {
    #[cfg(feature = "dicom")]
    if dicom::file::is_bare(bytes) {
        return DecodeError::DicomBare;
    }
    let _ = bytes;
    DecodeError::UnknownFormat
}

/// Whether nothing of a damaged image was decoded: but for its first block, which decoders make up from nothing, every row is of one
/// level.
fn is_blank(pixels: &[u8], width: u32) -> bool {
    let width = width.max(1) as usize;
    pixels.chunks(width).enumerate().all(|(y, row)| {
        let from = if y < 16 { 16.min(row.len()) } else { 0 };
        let row = &row[from..];
        row.iter().all(|&v| v == row[0])
    })
}
