//! Samples of any kind → 8-bit luma: BT.601 for colour, alpha on black, deep samples stretched over their real range.

use super::range;

/// Luma of 8-bit RGB as Pillow's `convert("L")` has it: BT.601 in 16-bit fixed point, rounded.
pub(super) fn rgb8(samples: &[u8], out: &mut [u8]) {
    for (rgb, out) in samples.as_chunks::<3>().0.iter().zip(out) {
        *out = bt601(*rgb);
    }
}

fn bt601([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471;
    ((sum + 0x8000) >> 16) as u8
}

/// Luma with alpha laid on black.
pub(super) fn luma_alpha8(samples: &[u8], out: &mut [u8]) {
    for (&[luma, alpha], out) in samples.as_chunks::<2>().0.iter().zip(out) {
        *out = on_black(luma, alpha);
    }
}

/// Colour with alpha laid on black.
pub(super) fn rgba8(samples: &[u8], out: &mut [u8]) {
    for (&[r, g, b, alpha], out) in samples.as_chunks::<4>().0.iter().zip(out) {
        *out = on_black(bt601([r, g, b]), alpha);
    }
}

fn on_black(luma: u8, alpha: u8) -> u8 {
    ((u32::from(luma) * u32::from(alpha) + 127) / 255) as u8
}

/// Luma of deep samples: `value` gives the sample of that index in an image of 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha)
/// `channels`, `full` is opaque alpha. Stretched so that the image's darkest and brightest luma become 0 and 255, without what lies
/// far outside the picture where samples are whole numbers ([`range`]); what is no number is black.
pub(super) fn deep(value: impl Fn(usize) -> f32, full: f32, channels: usize, out: &mut [u8]) {
    let luma = |pixel: usize| {
        let at = |channel: usize| value(pixel * channels + channel);
        let gray = if channels >= 3 {
            0.299 * at(0) + 0.587 * at(1) + 0.114 * at(2)
        } else {
            at(0)
        };
        let alpha = if channels.is_multiple_of(2) {
            (at(channels - 1) / full).clamp(0.0, 1.0)
        } else {
            1.0
        };
        let luma = gray * alpha;
        if luma.is_finite() { luma } else { 0.0 }
    };
    let (mut low, mut high) = (0..out.len())
        .map(luma)
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    if full > 1.0 {
        let mut counts = vec![0_u64; 1 << 16];
        for pixel in 0..out.len() {
            counts[luma(pixel).round() as u16 as usize] += 1;
        }
        let levels = range::levels(&counts);
        if let Some((darkest, brightest)) = range::without_outliers(&levels) {
            // What was left out becomes black or white: the cast below stays within 0 and 255.
            (low, high) = (low.max(darkest as f32), high.min(brightest as f32));
        }
    }
    let range = if high > low { high - low } else { 1.0 };
    for (pixel, out) in out.iter_mut().enumerate() {
        // 16-bit values times 255 are whole numbers below 2²⁴: exact.
        *out = ((luma(pixel) - low) * 255.0 / range).round() as u8;
    }
}
