//! What is measured of a picture: a fixed list of numbers. None of them looks at what is shown, all at how it is drawn: how smooth, how sharp, how the
//! gray levels lie, what is at the border, what has colour.

mod color;
mod even;
mod levels;
mod shape;
mod texture;

use crate::Picture;
use crate::picture::Plane;

pub(crate) use color::{Strokes, strokes};

/// The list's version: a gate fitted on another list is refused.
pub const FEATURES_VERSION: u32 = 2;

/// How often a picture is halved for texture.
const OCTAVES: usize = 4;

/// How many numbers there are.
pub const FEATURES: usize =
    OCTAVES * texture::COUNT + levels::COUNT + shape::COUNT + color::COUNT + even::COUNT;

/// Measures a picture.
#[must_use]
pub fn features(picture: &Picture) -> Vec<f32> {
    let mut all = Vec::with_capacity(FEATURES);
    let (plane, black, range) = stretched(&picture.gray);
    let mut octave = plane.clone();
    for number in 0..OCTAVES {
        if number > 0 {
            octave = octave.halved();
        }
        texture::measure(&octave, &mut all);
    }
    levels::measure(&picture.gray, (black, range), &mut all);
    shape::measure(&plane, &mut all);
    color::measure(picture.color.as_ref(), &mut all);
    even::measure(&picture.gray, &mut all);
    debug_assert_eq!(all.len(), FEATURES);
    for value in &mut all {
        if !value.is_finite() {
            *value = 0.0;
        }
    }
    all
}

/// The picture with its 1st percentile at 0 and its 99th at 1, and both as they were (the second less the first). What is nearly of one level is not
/// stretched beyond recognition.
fn stretched(gray: &Plane) -> (Plane, f32, f32) {
    let mut counts = [0_u32; 256];
    for &v in &gray.values {
        counts[(v * 255.0 + 0.5) as usize & 255] += 1;
    }
    let total = gray.values.len() as f32;
    let quantile = |q: f32| {
        let mut seen = 0.0;
        for (level, &count) in counts.iter().enumerate() {
            seen += count as f32;
            if seen >= q * total {
                return level as f32 / 255.0;
            }
        }
        1.0
    };
    let (low, high) = (quantile(0.01), quantile(0.99));
    let scale = 1.0 / (high - low).max(12.0 / 255.0);
    let values = gray
        .values
        .iter()
        .map(|v| ((v - low) * scale).clamp(-0.25, 1.25))
        .collect();
    (
        Plane {
            values,
            ..gray.clone()
        },
        low,
        high - low,
    )
}

/// Quantiles of numbers that are sorted on the way.
fn quantiles<const N: usize>(values: &mut [f32], at: [f32; N]) -> [f32; N] {
    values.sort_unstable_by(f32::total_cmp);
    let last = values.len().saturating_sub(1);
    at.map(|q| {
        values
            .get((q * last as f32).round() as usize)
            .copied()
            .unwrap_or(0.0)
    })
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn deviation(values: &[f32]) -> f32 {
    let m = mean(values);
    let sum: f32 = values.iter().map(|v| (v - m) * (v - m)).sum();
    (sum / values.len().max(1) as f32).sqrt()
}

/// Pearson's, 0 where one side does not vary.
fn correlation(pairs: impl Iterator<Item = (f32, f32)> + Clone) -> f32 {
    let count = pairs.clone().count().max(1) as f32;
    let (sa, sb) = pairs
        .clone()
        .fold((0.0, 0.0), |(sa, sb), (a, b)| (sa + a, sb + b));
    let (ma, mb) = (sa / count, sb / count);
    let (mut aa, mut bb, mut ab) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (a, b) in pairs {
        let (a, b) = (a - ma, b - mb);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let scale = (aa * bb).sqrt();
    if scale > 1e-9 { ab / scale } else { 0.0 }
}
