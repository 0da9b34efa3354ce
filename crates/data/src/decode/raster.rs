//! PNG, GIF, BMP, TIFF, WebP → luma, by the `image` crate.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::{ColorSample, DecodeScratch, Decoder, Stored, luma, orient, range, tiff};
use crate::DecodeError;

/// The widest pixel that is decoded: RGBA of 32-bit floats.
const WIDEST: u64 = 16;

impl Decoder {
    pub(super) fn raster(
        &self,
        bytes: &[u8],
        format: ImageFormat,
        scratch: &mut DecodeScratch,
    ) -> Result<Stored, DecodeError> {
        let refused = |source| match source {
            ImageError::Unsupported(source) => DecodeError::Unsupported { source },
            source => DecodeError::Image { source },
        };
        if format == ImageFormat::Tiff {
            // Before the reader believes them.
            let values = tiff::values(bytes).map_err(refused)?;
            self.limits.afford(values.saturating_mul(tiff::VALUE))?;
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = image::Limits::default();
        let most = self.limits.max_pixels.saturating_mul(WIDEST);
        limits.max_alloc = Some(most.min(self.limits.max_bytes));
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(refused)?;
        let (width, height) = decoder.dimensions();
        self.limits.check(width, height)?;
        let color = decoder.color_type();
        let cost = cost(format, (width, height), decoder.total_bytes());
        let is_deep = color.bytes_per_pixel() > color.channel_count();
        let levels = if is_deep { range::HELD } else { 0 };
        self.limits.afford(bytes.len() as u64 + cost + levels)?;
        // image-webp takes a chunk's length on trust (0.2.4): 100 bytes could ask for 4 gigabytes.
        let orientation = match format {
            ImageFormat::WebP if !webp_chunks_fit(bytes) => None,
            ImageFormat::Tiff => orient::of_exif(bytes),
            _ => {
                let exif = decoder.exif_metadata().ok().flatten();
                exif.and_then(|exif| orient::of_exif(&exif))
            }
        };
        let orientation = orientation.unwrap_or(Orientation::NoTransforms);
        let DecodeScratch {
            pixels, samples, ..
        } = scratch;
        pixels.resize(width as usize * height as usize, 0);
        // Checked against the limits above: it fits a usize.
        samples.resize(decoder.total_bytes() as usize, 0);
        if self.repair {
            // What a damaged file leaves out is black, not the image before.
            samples.fill(0);
        }
        let mut repaired = false;
        match decoder.read_image(samples) {
            Ok(()) => {}
            Err(_) if self.repair && samples.iter().any(|&v| v != 0) => {
                repaired = true;
                if format == ImageFormat::Png {
                    // The rows that were read are still as PNG has them; only a whole picture is turned.
                    from_big_endian(color, samples);
                }
            }
            Err(source) => return Err(refused(source)),
        }
        to_luma(color, samples, pixels)?;
        if scratch.in_color && color.has_color() {
            scratch.color = Some(sample(color, (width, height), &scratch.samples));
        }
        Ok(Stored {
            size: (width, height),
            full: (width, height),
            eighths: 8,
            orientation,
            repaired,
        })
    }
}

/// Bytes held at once, the file left out: the samples, the image, and what the decoder has between the two, as measured (`tests/memory.rs`).
fn cost(format: ImageFormat, (width, height): (u32, u32), samples: u64) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    let between = match format {
        // A canvas and a frame in four bytes a pixel.
        ImageFormat::Gif => pixels * 8,
        // The whole picture once more, and a strip that may be all of it.
        ImageFormat::Tiff => samples * 2,
        // Four bytes a pixel, or planes and their upsampled rows.
        ImageFormat::WebP => pixels * 12,
        _ => 0,
    };
    // A row of 16 bits and four channels, as it comes and as it is given, several times over.
    let rows = u64::from(width) * 64;
    samples + pixels + between + rows
}

/// Whether every chunk of a WebP file lies within the file.
fn webp_chunks_fit(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [.., a, b, c, d] = *head;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some(next) = after.get(length..) else {
            return false;
        };
        // Chunks begin at even places.
        rest = next.get(length % 2..).unwrap_or_default();
    }
    true
}

fn from_big_endian(color: ColorType, samples: &mut [u8]) {
    let channels = color.channel_count();
    if color.bytes_per_pixel() == channels * 2 {
        for sample in samples.as_chunks_mut::<2>().0 {
            *sample = u16::from_be_bytes(*sample).to_ne_bytes();
        }
    }
}

/// A sample of the colours, alpha on black.
fn sample(color: ColorType, (width, height): (u32, u32), samples: &[u8]) -> ColorSample {
    let channels = usize::from(color.channel_count());
    let depth = usize::from(color.bytes_per_pixel()) / channels;
    let value = |index: usize| -> f32 {
        let bytes = samples.get(index * depth..).unwrap_or_default();
        match *bytes {
            [v, ..] if depth == 1 => f32::from(v) / 255.0,
            [a, b, ..] if depth == 2 => f32::from(u16::from_ne_bytes([a, b])) / 65535.0,
            [a, b, c, d, ..] if depth == 4 => f32::from_ne_bytes([a, b, c, d]),
            _ => 0.0,
        }
    };
    ColorSample::of(width, height, |pixel| {
        let first = pixel * channels;
        let alpha = if channels == 4 { value(first + 3) } else { 1.0 };
        // A float that is no number becomes 0.
        [0, 1, 2].map(|c| (value(first + c) * alpha * 255.0).round() as u8)
    })
}

fn to_luma(color: ColorType, samples: &[u8], out: &mut [u8]) -> Result<(), DecodeError> {
    let channels = usize::from(color.channel_count());
    match color {
        ColorType::L8 => out.copy_from_slice(samples),
        ColorType::La8 => luma::luma_alpha8(samples, out),
        ColorType::Rgb8 => luma::rgb8(samples, out),
        ColorType::Rgba8 => luma::rgba8(samples, out),
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let samples = samples.as_chunks::<2>().0;
            let value = |index: usize| f32::from(u16::from_ne_bytes(samples[index]));
            luma::deep(value, 65535.0, channels, out);
        }
        ColorType::Rgb32F | ColorType::Rgba32F => {
            let samples = samples.as_chunks::<4>().0;
            luma::deep(
                |index| f32::from_ne_bytes(samples[index]),
                1.0,
                channels,
                out,
            );
        }
        other => return Err(DecodeError::ColorType { color: other }),
    }
    Ok(())
}
