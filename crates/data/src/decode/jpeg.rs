//! JPEG → luma. With the feature `turbo` libjpeg-turbo decodes, and zune-jpeg has the last word on what it warns of.

use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{ColorSample, DecodeScratch, Decoder, Stored, Wanted, color, is_blank, luma, orient};
use crate::DecodeError;

impl Decoder {
    pub(super) fn jpeg(
        &self,
        bytes: &[u8],
        wanted: Option<Wanted>,
        scratch: &mut DecodeScratch,
    ) -> Result<Stored, DecodeError> {
        let orientation = exif(bytes)
            .and_then(orient::of_exif)
            .unwrap_or(Orientation::NoTransforms);
        #[cfg(feature = "turbo")]
        {
            use super::turbo::Outcome;
            match self.turbo(bytes, wanted, orientation, scratch)? {
                Outcome::Whole(stored) => return Ok(stored),
                Outcome::Truncated(stored)
                    if self.repair && !is_blank(&scratch.pixels, stored.size.0) =>
                {
                    return Ok(stored);
                }
                Outcome::Truncated(_) => return Err(DecodeError::Truncated),
                Outcome::Unsure => {}
            }
        }
        // This decoder has one size only.
        let _ = wanted;
        let (size, repaired) = match self.zune_whole(bytes, scratch) {
            Ok(size) => (size, false),
            Err(error) if self.repair && error.is_damage() => {
                let black = Ending::Lenient { gray: 0 };
                match self.zune(without_end(bytes), black, scratch) {
                    Ok(size) if !is_blank(&scratch.pixels, size.0) => (size, true),
                    _ => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Stored {
            size,
            full: size,
            eighths: 8,
            orientation,
            repaired,
        })
    }

    /// Decodes an image that is whole.
    ///
    /// At an end of image that comes too early zune-jpeg goes on as if there were zeros, says nothing and repeats one block to the
    /// last row; at the end of the file it stops. And where scans cover less than the header says, it leaves rows as they were. So
    /// where the last row repeats one block or nothing, the image is decoded without its end of image too, over another gray: it is
    /// whole if it is the same. Of real images one in thirty is decoded twice.
    fn zune_whole(
        &self,
        bytes: &[u8],
        scratch: &mut DecodeScratch,
    ) -> Result<(u32, u32), DecodeError> {
        let size = self.zune(bytes, Ending::Strict, scratch)?;
        let last = &scratch.pixels[scratch.pixels.len() - size.0 as usize..];
        if last.iter().zip(last.iter().skip(8)).all(|(a, b)| a == b) {
            let other = Ending::Lenient { gray: !last[0] };
            let film = scratch.pixels.clone();
            self.zune(without_end(bytes), other, scratch)?;
            if film != scratch.pixels {
                return Err(DecodeError::Truncated);
            }
        }
        Ok(size)
    }

    /// Decodes straight to luma where the file has a luma plane: no RGB is made. What is missing of a damaged file is black, or of the gray that was
    /// asked for, or what zune-jpeg makes of it.
    fn zune(
        &self,
        bytes: &[u8],
        ending: Ending,
        scratch: &mut DecodeScratch,
    ) -> Result<(u32, u32), DecodeError> {
        let (strict, gray) = match ending {
            Ending::Strict => (true, 0),
            Ending::Lenient { gray } => (false, gray),
        };
        let options = DecoderOptions::default()
            .set_strict_mode(strict)
            .set_max_width(usize::from(u16::MAX))
            .set_max_height(usize::from(u16::MAX))
            .jpeg_set_out_colorspace(ColorSpace::Luma);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(jpeg_error)?;
        let (width, height) = decoder.info().map_or((0, 0), |info| {
            (u32::from(info.width), u32::from(info.height))
        });
        self.limits.check(width, height)?;
        let components = decoder.info().map_or(4, |info| info.components);
        self.limits
            .afford(bytes.len() as u64 + cost((width, height), components))?;
        let count = width as usize * height as usize;
        let plane = match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr) => !scratch.in_color,
            Some(ColorSpace::Luma) => true,
            _ => false,
        };
        let in_ybr = decoder.input_colorspace() == Some(ColorSpace::YCbCr);
        let DecodeScratch {
            pixels, samples, ..
        } = scratch;
        // What a damaged file leaves out is not the image before.
        pixels.clear();
        pixels.resize(count, gray);
        samples.clear();
        if plane {
            decoder.decode_into(pixels).map_err(jpeg_error)?;
        } else if in_ybr {
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::YCbCr));
            samples.resize(count * 3, gray);
            decoder.decode_into(samples).map_err(jpeg_error)?;
            let ybr = samples.as_chunks::<3>().0;
            for (out, ybr) in pixels.iter_mut().zip(ybr) {
                *out = ybr[0];
            }
            let at = |pixel: usize| color::from_ybr(ybr[pixel]);
            scratch.color = Some(ColorSample::of(width, height, at));
        } else {
            // Four-component files (CMYK, YCCK) and RGB-coded ones have no luma plane to hand out.
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
            samples.resize(count * 3, gray);
            decoder.decode_into(samples).map_err(jpeg_error)?;
            luma::rgb8(samples, pixels);
            let rgb = samples.as_chunks::<3>().0;
            if scratch.in_color {
                scratch.color = Some(ColorSample::of(width, height, |pixel| rgb[pixel]));
            }
        }
        Ok((width, height))
    }
}

/// What a file is taken for that ends too early.
#[derive(Clone, Copy)]
enum Ending {
    /// An error, as far as zune-jpeg sees it.
    Strict,
    /// An image whose missing rows have this gray.
    Lenient { gray: u8 },
}

/// Bytes held at once, the file left out. For every JPEG as for a progressive one: 16 bits for each coefficient, in whole blocks of the coarsest
/// sampling; and the image twice, once more where it is decoded again, with its colours beside it.
fn cost((width, height): (u32, u32), components: u8) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    let whole = |side: u32| u64::from(side).next_multiple_of(32);
    let coefficients = whole(width) * whole(height) * 2 * u64::from(components);
    let colors = if components == 1 { 0 } else { 3 };
    coefficients + pixels * (2 + colors)
}

/// Up to the end of image, whatever stands behind it: cameras fill up, and some programs write words there. All of it where there is no such end, or
/// another picture comes behind: the end that is found is then that of the image's own small picture, or of the other one.
fn without_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(2).rposition(|two| two == [0xff, 0xd9]);
    let (film, behind) = bytes.split_at(end.unwrap_or(bytes.len()));
    if behind.windows(2).any(|two| two == [0xff, 0xda]) {
        return bytes;
    }
    film
}

fn jpeg_error(source: DecodeErrors) -> DecodeError {
    match source {
        // Reading from memory, the one fault of input and output is that there is no more of it.
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => DecodeError::Truncated,
        source => DecodeError::Jpeg { source },
    }
}

/// The EXIF block of a JPEG: the first APP1 segment that says so. A walk over the segments' lengths, where zune-jpeg would
/// build every table of the header on its way.
fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(2..)?;
    loop {
        let &[0xff, marker, high, low, ref after @ ..] = rest else {
            return None;
        };
        match marker {
            // Padding before a marker.
            0xff => rest = &rest[1..],
            // The picture begins, or ends: there is no more header.
            0xda | 0xd9 => return None,
            _ => {
                let length = usize::from(u16::from_be_bytes([high, low])).checked_sub(2)?;
                let body = after.get(..length)?;
                if marker == 0xe1
                    && let Some(exif) = body.strip_prefix(b"Exif\0\0")
                {
                    return Some(exif);
                }
                rest = &after[length..];
            }
        }
    }
}
