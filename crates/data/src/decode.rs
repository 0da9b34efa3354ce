//! Bytes → 8-bit luma. The format is told by the content, never by the name.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader};
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::{DataError, DecodeError};

/// What a film may cost, checked from the header before anything is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width × height at most, in pixels. Default: 100 megapixels.
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
        }
    }
}

/// Turns files into 8-bit luma: JPEG, PNG, GIF (first frame), BMP, TIFF, WebP.
///
/// EXIF orientation is applied, colour becomes luma (BT.601), alpha is laid on black, and samples deeper than 8 bits are scaled
/// so that the darkest and brightest sample of the film become 0 and 255: detectors of 10–15 bits are often stored in 16 without
/// saying so. A truncated JPEG is an error, never a half-gray film.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    /// Bounds on what is accepted.
    pub limits: Limits,
}

impl Decoder {
    /// Reads and decodes a file.
    pub fn decode_path(&self, path: &Path) -> Result<GrayImage, DataError> {
        let bytes = std::fs::read(path).map_err(|source| DataError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        self.decode(&bytes).map_err(|source| DataError::Decode {
            path: path.to_owned(),
            source,
        })
    }

    /// Decodes a film from memory.
    pub fn decode(&self, bytes: &[u8]) -> Result<GrayImage, DecodeError> {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        if bytes.get(128..132) == Some(b"DICM") {
            return Err(DecodeError::Dicom);
        }
        match image::guess_format(bytes).map_err(|_| DecodeError::UnknownFormat)? {
            ImageFormat::Jpeg => self.decode_jpeg(bytes),
            format => self.decode_other(bytes, format),
        }
    }

    /// JPEG straight to luma: the decoder hands out the Y plane, no RGB is ever made.
    fn decode_jpeg(&self, bytes: &[u8]) -> Result<GrayImage, DecodeError> {
        // Strict: by default the decoder fills what is missing of a truncated file with gray and says nothing.
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX))
            .jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(jpeg_error)?;
        let (width, height) = decoder.info().map_or((0, 0), |info| {
            (u32::from(info.width), u32::from(info.height))
        });
        self.check_size(width, height)?;
        // Four-component files (CMYK, YCCK) and RGB-coded ones have no luma plane to hand out.
        match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr | ColorSpace::Luma) => {}
            _ => return self.decode_other(bytes, ImageFormat::Jpeg),
        }
        let pixels = decoder.decode().map_err(jpeg_error)?;
        let orientation = decoder
            .exif()
            .and_then(|chunk| Orientation::from_exif_chunk(chunk));
        let film = GrayImage::from_raw(width, height, pixels)
            .ok_or(DecodeError::NoPixels { width, height })?;
        Ok(oriented(
            film,
            orientation.unwrap_or(Orientation::NoTransforms),
        ))
    }

    fn decode_other(&self, bytes: &[u8], format: ImageFormat) -> Result<GrayImage, DecodeError> {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = image::Limits::default();
        // Eight bytes a pixel is the widest that is decoded (RGBA, 16 bits).
        limits.max_alloc = Some(self.limits.max_pixels.saturating_mul(8));
        reader.limits(limits);
        let mut decoder = reader
            .into_decoder()
            .map_err(|source| DecodeError::Image { source })?;
        let (width, height) = decoder.dimensions();
        self.check_size(width, height)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let image =
            DynamicImage::from_decoder(decoder).map_err(|source| DecodeError::Image { source })?;
        Ok(oriented(to_luma(&image), orientation))
    }

    fn check_size(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        let (w, h) = (u64::from(width), u64::from(height));
        if w * h > self.limits.max_pixels {
            return Err(DecodeError::TooLarge {
                width: w,
                height: h,
                limit: self.limits.max_pixels / 1_000_000,
            });
        }
        if w * h == 0 {
            return Err(DecodeError::NoPixels { width, height });
        }
        Ok(())
    }
}

fn oriented(film: GrayImage, orientation: Orientation) -> GrayImage {
    if orientation == Orientation::NoTransforms {
        return film;
    }
    let mut image = DynamicImage::ImageLuma8(film);
    image.apply_orientation(orientation);
    image.into_luma8()
}

/// Luma of any decoded picture: alpha on black, deep samples stretched over their real range.
fn to_luma(image: &DynamicImage) -> GrayImage {
    let deep = !matches!(
        image,
        DynamicImage::ImageLuma8(_)
            | DynamicImage::ImageLumaA8(_)
            | DynamicImage::ImageRgb8(_)
            | DynamicImage::ImageRgba8(_)
    );
    if deep {
        let luma = image.to_luma_alpha16();
        let values: Vec<u16> = luma
            .pixels()
            .map(|p| on_black(u32::from(p.0[0]), u32::from(p.0[1]), 0xffff) as u16)
            .collect();
        let low = values.iter().copied().min().unwrap_or(0);
        let range = u32::from(values.iter().copied().max().unwrap_or(0) - low).max(1);
        let pixels = values
            .iter()
            .map(|&v| ((u32::from(v - low) * 255 + range / 2) / range) as u8)
            .collect();
        return GrayImage::from_raw(luma.width(), luma.height(), pixels).unwrap_or_default();
    }
    if !image.color().has_alpha() {
        return image.to_luma8();
    }
    let luma = image.to_luma_alpha8();
    let pixels = luma
        .pixels()
        .map(|p| on_black(u32::from(p.0[0]), u32::from(p.0[1]), 0xff) as u8)
        .collect();
    GrayImage::from_raw(luma.width(), luma.height(), pixels).unwrap_or_default()
}

fn on_black(luma: u32, alpha: u32, full: u32) -> u32 {
    ((u64::from(luma) * u64::from(alpha) + u64::from(full / 2)) / u64::from(full)) as u32
}

fn jpeg_error(source: DecodeErrors) -> DecodeError {
    match source {
        // Reading from memory, the one fault of input and output is that there is no more of it.
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::Truncated,
        source => DecodeError::Jpeg { source },
    }
}
