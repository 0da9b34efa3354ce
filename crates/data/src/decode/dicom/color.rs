//! Colour → luma, with a sample of the colours.

use super::frame::{self, Shape};
use super::{Layout, Object};
use crate::DecodeError;
use crate::decode::{ColorSample, color, luma, range};

/// Luma of the first frame, in colour, and a sample of its colours. Of more than 8 bits, white is the full scale that the samples need: some state 16
/// bits of 12.
pub(super) fn read(
    object: &Object,
    shape: &Shape<'_>,
    layout: Layout,
    out: &mut [u8],
) -> Result<ColorSample, DecodeError> {
    let frame = frame::read(object, shape)?;
    let layout = layout.of_bits(frame.bits);
    let bits = frame.bits.min(layout.stored);
    let mut samples = frame.samples;
    for sample in &mut samples {
        *sample = layout.code(*sample);
    }
    let samples = if bits <= 8 {
        samples.into_iter().map(|v| v as u8).collect()
    } else {
        to_bytes(&samples, bits)
    };
    let (pixels, _) = samples.as_chunks::<3>();
    if frame.in_ybr {
        for (out, ybr) in out.iter_mut().zip(pixels) {
            *out = ybr[0];
        }
    } else {
        luma::rgb8(&samples, out);
    }
    let (width, height) = shape.size;
    Ok(ColorSample::of(width, height, |pixel| {
        if frame.in_ybr {
            color::from_ybr(pixels[pixel])
        } else {
            pixels[pixel]
        }
    }))
}

/// Samples of up to so many bits as bytes.
fn to_bytes(samples: &[u16], bits: u32) -> Vec<u8> {
    let mut counts = vec![0_u64; 1 << bits];
    for &sample in samples {
        counts[usize::from(sample)] += 1;
    }
    let levels = range::levels(&counts);
    let most = levels.last().map_or(0.0, |(value, _)| *value);
    let brightest = range::without_outliers(&levels).map_or(most, |(_, high)| high);
    let full = ((brightest as u32 + 1).next_power_of_two() - 1).max(255);
    let byte = |v: &u16| ((u32::from(*v) * 255 + full / 2) / full).min(255) as u8;
    samples.iter().map(byte).collect()
}
