//! The samples of the first frame, whatever way they are coded.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_dictionary_std::{tags, uids};
use jpeg_decoder::ColorTransform;

use super::codestream::{self, Coding};
use super::file::number;
use super::{Object, jpeg12, jpeg2000, rle};
use crate::DecodeError;

/// The first frame.
pub(super) struct Frame {
    /// Row by row, channels interleaved, as they are stored.
    pub samples: Vec<u16>,
    /// Bits that a sample may fill, from the lowest on.
    pub bits: u32,
    /// Whether three channels are luma and chroma.
    pub in_ybr: bool,
}

/// What the data set says of its frames.
pub(super) struct Shape<'a> {
    pub size: (u32, u32),
    /// Samples per Pixel.
    pub channels: usize,
    /// Bits Allocated: 8 or 16.
    pub allocated: u32,
    /// Photometric Interpretation.
    pub interpretation: &'a str,
}

impl Shape<'_> {
    fn pixels(&self) -> usize {
        self.size.0 as usize * self.size.1 as usize
    }

    fn samples(&self) -> usize {
        self.pixels() * self.channels
    }

    fn says_ybr(&self) -> bool {
        self.channels == 3 && self.interpretation.starts_with("YBR")
    }
}

/// Reads the first frame, whose codestream was checked against the data set.
pub(super) fn read(object: &Object, shape: &Shape<'_>) -> Result<Frame, DecodeError> {
    let Some(frame) = codestream::first_frame(object) else {
        return native(object, shape);
    };
    let says_ybr = shape.says_ybr();
    match object.meta().transfer_syntax() {
        uids::RLE_LOSSLESS => {
            let bytes = shape.allocated as usize / 8;
            let (samples, bits) = rle::decode(&frame, shape.pixels(), shape.channels, bytes)?;
            return Ok(Frame {
                in_ybr: says_ybr && !is_rgb(&samples, bits, shape),
                samples,
                bits,
            });
        }
        uids::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN => {
            return uncoded(object, &frame, 1, shape);
        }
        _ => {}
    }
    let header = codestream::header(&frame).ok_or(DecodeError::DicomTruncated)?;
    let (samples, in_ybr) = match header.coding {
        Coding::DeepJpeg => (jpeg12::decode(&frame, shape.size)?, says_ybr),
        Coding::Jpeg { in_ybr } => {
            // The markers', if there are any, and else what the data set says.
            let transform = if in_ybr.unwrap_or(says_ybr) {
                ColorTransform::YCbCr
            } else {
                ColorTransform::RGB
            };
            (jpeg(&frame, shape, transform)?, false)
        }
        // Channels are coded as they are.
        Coding::LosslessJpeg => (jpeg(&frame, shape, ColorTransform::None)?, says_ybr),
        Coding::JpegLs if shape.channels == 1 => (jpeg_ls(frame, shape.size)?, false),
        Coding::JpegLs => (jpeg_ls_in_color(object, shape)?, says_ybr),
        Coding::Jpeg2000 => {
            let samples = jpeg2000::decode(&frame, shape.size, shape.channels)?;
            // Its own transform of colours gives RGB; without one, channels are what the data set says.
            let is_own = jpeg2000::transforms_colors(&frame);
            (samples, says_ybr && !is_own)
        }
    };
    Ok(Frame {
        samples,
        bits: header.bits,
        in_ybr,
    })
}

fn native(object: &Object, shape: &Shape<'_>) -> Result<Frame, DecodeError> {
    let element = object
        .element(tags::PIXEL_DATA)
        .map_err(|_| DecodeError::DicomNoPixels)?;
    let bytes = element.to_bytes().map_err(|_| DecodeError::DicomNoPixels)?;
    let frames = codestream::frames(object) as usize;
    uncoded(object, &bytes, frames, shape)
}

/// Samples that are not coded: words are in this machine's order.
fn uncoded(
    object: &Object,
    bytes: &[u8],
    frames: usize,
    shape: &Shape<'_>,
) -> Result<Frame, DecodeError> {
    let count = shape.samples();
    let is_shared = shape.interpretation == "YBR_FULL_422" && shape.allocated == 8;
    // Two pixels share their chroma. Some say so, and write it for each.
    if is_shared && bytes.len() < count.saturating_mul(frames) {
        let pairs = shape.pixels().div_ceil(2);
        let (pairs, _) = enough(bytes, pairs * 4)?.as_chunks::<4>();
        let pixels = pairs
            .iter()
            .flat_map(|&[y0, y1, b, r]| [[y0, b, r], [y1, b, r]]);
        let samples = pixels.flatten().take(count).map(u16::from).collect();
        return Ok(Frame {
            samples,
            bits: 8,
            in_ybr: true,
        });
    }
    let samples: Vec<u16> = if shape.allocated == 16 {
        let raw = enough(bytes, count * 2)?.as_chunks::<2>().0.iter();
        raw.map(|&raw| u16::from_ne_bytes(raw)).collect()
    } else {
        let raw = enough(bytes, count)?.iter();
        raw.map(|&raw| raw.into()).collect()
    };
    let planar = number(object, tags::PLANAR_CONFIGURATION, "Planar Configuration")?;
    let samples = if shape.channels > 1 && planar.is_some_and(|planar| planar > 0.0) {
        let pixels = shape.pixels();
        let at = |i: usize| samples[i % shape.channels * pixels + i / shape.channels];
        (0..count).map(at).collect()
    } else {
        samples
    };
    Ok(Frame {
        in_ybr: shape.says_ybr() && !is_rgb(&samples, shape.allocated, shape),
        samples,
        bits: shape.allocated,
    })
}

fn enough(bytes: &[u8], wanted: usize) -> Result<&[u8], DecodeError> {
    let short = || DecodeError::DicomShort {
        missing: (wanted - bytes.len()) as u64,
    };
    bytes.get(..wanted).ok_or_else(short)
}

/// Whether what is called luma and chroma is red, green and blue of a gray picture: its channels are alike, and far from the middle where
/// chroma without colour lies. Of chroma that is said to be shared and is not, the doubt is greater.
fn is_rgb(samples: &[u16], bits: u32, shape: &Shape<'_>) -> bool {
    if !shape.says_ybr() {
        return false;
    }
    let middle = 1 << (bits - 1);
    let (mut alike, mut colorless) = (0_u64, 0_u64);
    for &[y, b, r] in samples.as_chunks::<3>().0 {
        alike += u64::from(y.abs_diff(b)) + u64::from(y.abs_diff(r));
        colorless += u64::from(b.abs_diff(middle)) + u64::from(r.abs_diff(middle));
    }
    let doubt = if shape.interpretation == "YBR_FULL_422" {
        1
    } else {
        8
    };
    alike.saturating_mul(doubt) < colorless
}

/// A JPEG of 8 bits, or one without loss.
fn jpeg(
    frame: &[u8],
    shape: &Shape<'_>,
    transform: ColorTransform,
) -> Result<Vec<u16>, DecodeError> {
    let decode = |frame: &[u8]| {
        let decode = || {
            let mut decoder = jpeg_decoder::Decoder::new(frame);
            if shape.channels == 3 {
                decoder.set_color_transform(transform);
            }
            decoder.decode()
        };
        // Nothing outlives the call but what it returns.
        catch_unwind(AssertUnwindSafe(decode))
            .map_err(|_| DecodeError::DicomPanic)?
            .map_err(|source| DecodeError::DicomPixels {
                source: Box::new(source),
            })
    };
    let data = decode(frame)?;
    let count = shape.samples();
    // As many bytes as the codestream's samples need, not as many as were allocated.
    let samples: Vec<u16> = if data.len() == count {
        data.iter().copied().map(u16::from).collect()
    } else if data.len() == count * 2 {
        let raw = data.as_chunks::<2>().0.iter();
        raw.map(|&raw| u16::from_ne_bytes(raw)).collect()
    } else {
        return Err(DecodeError::DicomTruncated);
    };
    let deep = data.len() > count;
    if ends_in_zeros(&samples, shape, deep)
        && !decode(&with_other_end(frame)).is_ok_and(|other| other == data)
    {
        return Err(DecodeError::DicomTruncated);
    }
    Ok(samples)
}

/// Whether the last row looks as if there had been only zeros to decode: jpeg-decoder takes an end of image that comes too early for zeros
/// without end, and says nothing. One block is repeated then, or, without loss, one difference. So do some whole images.
fn ends_in_zeros(samples: &[u16], shape: &Shape<'_>, deep: bool) -> bool {
    /// Samples across that one block covers with chroma at half its width.
    const BLOCK: usize = 16;
    let (width, height) = (shape.size.0 as usize, shape.size.1 as usize);
    if width < 4 * BLOCK || height < 2 {
        return true;
    }
    let at = |x: usize, y: usize| samples[(y * width + x) * shape.channels];
    let (row, end) = (height - 1, width - BLOCK..width);
    let repeats = (width / 2..width - BLOCK).all(|x| at(x, row) == at(x + BLOCK, row));
    let bits = if deep { u16::MAX } else { 0xff };
    // The seven predictors of T.81 H.1.2.1, from the left, above, and left above.
    let one_difference = (0..7).any(|predictor| {
        let mut differences = end.clone().map(|x| {
            let (a, b, c) = (at(x - 1, row), at(x, row - 1), at(x - 1, row - 1));
            let half = |high: u16, low: u16| ((i32::from(high) - i32::from(low)) >> 1) as u16;
            let predicted = match predictor {
                0 => a,
                1 => b,
                2 => c,
                3 => a.wrapping_add(b).wrapping_sub(c),
                4 => a.wrapping_add(half(b, c)),
                5 => b.wrapping_add(half(a, c)),
                _ => a.midpoint(b),
            };
            at(x, row).wrapping_sub(predicted) & bits
        });
        let first = differences.next();
        differences.all(|difference| Some(difference) == first)
    });
    repeats || one_difference
}

/// The frame with bits before its end of image that are not all zeros: of an image that is whole nobody reads them.
fn with_other_end(frame: &[u8]) -> Vec<u8> {
    let end = frame.windows(2).rposition(|two| two == [0xff, 0xd9]);
    let (body, end) = frame.split_at(end.unwrap_or(frame.len()));
    // A marker may have 0xff before it as filling, which no data end with.
    let data = body.iter().rposition(|&byte| byte != 0xff);
    [&body[..data.map_or(0, |last| last + 1)], &[0x55; 64], end].concat()
}

/// The samples of a gray JPEG-LS frame, whose shape was checked.
fn jpeg_ls(mut frame: Cow<'_, [u8]>, (width, height): (u32, u32)) -> Result<Vec<u16>, DecodeError> {
    // A marker may have 0xff before it as filling (T.81 B.1.1.2), and CharLS writes that; to pure_jpegls 2.0 the image then has no end.
    let end = frame.iter().rposition(|&byte| byte != 0);
    let end = end.map_or(0, |last| last + 1);
    if frame[..end].ends_with(&[0xff, 0xff, 0xd9]) {
        frame.to_mut().remove(end - 3);
    }
    // Its arithmetic overflows on some damaged streams, which panics in a debug build; nothing outlives the call but what it returns.
    let decoded = catch_unwind(|| jpegls::decode(&frame, width, height))
        .map_err(|_| DecodeError::DicomPanic)?
        .map_err(|source| DecodeError::DicomPixels {
            source: Box::new(source),
        })?;
    Ok(decoded.0)
}

/// By CharLS, as dicom-rs calls it.
fn jpeg_ls_in_color(object: &Object, shape: &Shape<'_>) -> Result<Vec<u16>, DecodeError> {
    use dicom_pixeldata::PixelDecoder as _;
    if cfg!(not(feature = "jpeg-ls")) {
        return Err(DecodeError::DicomJpegLsColor);
    }
    let decode = || object.decode_pixel_data_frame(0);
    let decoded = catch_unwind(AssertUnwindSafe(decode))
        .map_err(|_| DecodeError::DicomPanic)?
        .map_err(|source| DecodeError::DicomPixels {
            source: Box::new(source),
        })?;
    let data = decoded.into_data();
    let count = shape.samples();
    if data.len() >= count * 2 && shape.allocated == 16 {
        let raw = data.as_chunks::<2>().0.iter().take(count);
        Ok(raw.map(|&raw| u16::from_ne_bytes(raw)).collect())
    } else {
        let raw = enough(&data, count)?.iter();
        Ok(raw.map(|&raw| raw.into()).collect())
    }
}
