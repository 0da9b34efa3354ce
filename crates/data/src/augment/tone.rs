//! Gray levels to the network's values: gamma, brightness, contrast, noise and normalisation of one warped image.
//!
//! Written once in plain Rust; the vector paths compile this same code for their instruction sets. No step fuses a multiplication
//! with an addition, so all paths give the same bits.

use std::sync::LazyLock;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Transform;

/// How a level becomes a value, before noise.
enum Curve {
    /// `level · gain + offset`.
    Line { gain: f32, offset: f32 },
    /// A value a level, where gamma bends the line.
    Table(Box<[f32; 256]>),
}

/// All that happens to a warped pixel.
pub(super) struct Tone {
    curve: Curve,
    noise: f32,
    noise_seed: u64,
    scale: f32,
    shift: f32,
}

impl Tone {
    /// `mean`: of the warped image, in gray levels: what contrast turns about, carried through gamma and brightness.
    /// `scale`: `(factor, offset)` of the normalisation of a level 0..=255.
    pub fn new(transform: &Transform, mean: f32, scale: (f32, f32)) -> Self {
        let bright =
            |level: f32| 255.0 * (level / 255.0).powf(transform.gamma) * transform.brightness;
        #[expect(clippy::float_cmp, reason = "a range of 0 draws exactly 1")]
        let straight = transform.gamma == 1.0;
        let curve = if straight {
            Curve::Line {
                gain: transform.brightness * transform.contrast,
                offset: mean * transform.brightness * (1.0 - transform.contrast),
            }
        } else {
            let pivot = bright(mean);
            Curve::Table(Box::new(std::array::from_fn(|v| {
                (bright(v as f32) - pivot) * transform.contrast + pivot
            })))
        };
        Self {
            curve,
            noise: transform.noise,
            noise_seed: transform.noise_seed,
            scale: scale.0,
            shift: scale.1,
        }
    }

    /// Row `y` of an image, `levels` and `out` of the same length.
    #[expect(
        clippy::inline_always,
        reason = "each instruction set compiles its own copy"
    )]
    #[inline(always)]
    pub fn row(&self, y: usize, levels: &[u8], out: &mut [f32]) {
        let (scale, shift) = (self.scale, self.shift);
        let finish = |level: f32| level.clamp(0.0, 255.0) * scale + shift;
        if self.noise > 0.0 {
            let noise = noise_row(self.noise_seed, y, out.len());
            let sigma = self.noise;
            match &self.curve {
                Curve::Line { gain, offset } => {
                    for ((to, &level), &n) in out.iter_mut().zip(levels).zip(noise) {
                        *to = finish(f32::from(level) * gain + offset + n * sigma);
                    }
                }
                Curve::Table(table) => {
                    for ((to, &level), &n) in out.iter_mut().zip(levels).zip(noise) {
                        *to = finish(table[usize::from(level)] + n * sigma);
                    }
                }
            }
            return;
        }
        match &self.curve {
            Curve::Line { gain, offset } => {
                for (to, &level) in out.iter_mut().zip(levels) {
                    *to = finish(f32::from(level) * gain + offset);
                }
            }
            Curve::Table(table) => {
                for (to, &level) in out.iter_mut().zip(levels) {
                    *to = finish(table[usize::from(level)]);
                }
            }
        }
    }
}

/// Places a row of noise may begin at.
const STARTS: usize = 1 << 15;

/// The longest row.
const LONGEST: usize = 2048;

/// Values are made two at a time.
const PAIRS: usize = STARTS / 2 + LONGEST / 2;

/// Standard normal values (Box–Muller). A row of an image takes a stretch of them from a place of its own: a draw a row instead of a
/// draw a pixel, which would cost more than the warp.
static NORMAL: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let mut rng = ChaCha8Rng::seed_from_u64(0x6f73_7465_6f6e);
    (0..PAIRS)
        .flat_map(|_| {
            let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
            let (sin, cos) = (rng.random::<f64>() * std::f64::consts::TAU).sin_cos();
            [(radius * cos) as f32, (radius * sin) as f32]
        })
        .collect()
});

/// The values that noise is taken from: row `y` of an image takes a stretch of them from [`Transform::noise_start`].
#[must_use]
pub fn noise_values() -> &'static [f32] {
    &NORMAL
}

impl Transform {
    /// Where in [`noise_values`] the noise of row `y` begins. A row has 2048 pixels at most.
    #[must_use]
    pub fn noise_start(&self, y: usize) -> usize {
        noise_start(self.noise_seed, y)
    }
}

fn noise_start(seed: u64, y: usize) -> usize {
    // SplitMix64 (Steele, Lea and Flood 2014) of seed and row.
    let mut z = seed.wrapping_add((y as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) as usize) % STARTS
}

fn noise_row(seed: u64, y: usize, length: usize) -> &'static [f32] {
    let start = noise_start(seed, y);
    &NORMAL[start..start + length.min(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_standard_normal_and_differs_by_row() {
        let n = NORMAL.len() as f64;
        let mean = NORMAL.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let var = NORMAL.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
        // Four standard errors at 35,000 values.
        assert!(
            mean.abs() < 0.022 && (var - 1.0).abs() < 0.031,
            "{mean} {var}"
        );
        assert_ne!(noise_row(1, 0, 64), noise_row(1, 1, 64));
        assert_ne!(noise_row(1, 0, 64), noise_row(2, 0, 64));
    }
}
