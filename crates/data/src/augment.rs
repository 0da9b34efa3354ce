//! Random changes that keep a fracture a fracture: geometry in one warp, then brightness and contrast.

use image::{GrayImage, Luma};
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp_into};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ranges of the augmentation; a range of 0 switches its part off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Probability of a left-right mirror, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub flip: f32,
    /// Rotation within ± this many degrees.
    pub rotate: f32,
    /// Shift within ± this fraction of the side, on each axis.
    pub shift: f32,
    /// Zoom by a factor within 1 ± this.
    pub zoom: f32,
    /// Horizontal shear within ± this many degrees.
    pub shear: f32,
    /// Brightness by a factor within 1 ± this.
    pub brightness: f32,
    /// Contrast about the film's mean by a factor within 1 ± this.
    pub contrast: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            flip: 0.5,
            rotate: 20.0,
            shift: 0.1,
            zoom: 0.1,
            shear: 5.0,
            brightness: 0.2,
            contrast: 0.2,
        }
    }
}

/// One drawn set of changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transform {
    /// Mirrored left to right.
    pub flip: bool,
    /// Radians, counter-clockwise positive in image axes (y down).
    pub rotate: f32,
    /// Fractions of the side, right and down.
    pub shift: (f32, f32),
    /// Factor on lengths.
    pub zoom: f32,
    /// Radians.
    pub shear: f32,
    /// Factor on gray levels.
    pub brightness: f32,
    /// Factor on the distance from the mean.
    pub contrast: f32,
}

impl Augment {
    /// No change at all.
    pub const NONE: Self = Self {
        flip: 0.0,
        rotate: 0.0,
        shift: 0.0,
        zoom: 0.0,
        shear: 0.0,
        brightness: 0.0,
        contrast: 0.0,
    };

    /// The first setting that makes no sense, as (key, what it must be).
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let within = |value: f32, top: f32| value.is_finite() && (0.0..=top).contains(&value);
        let rules = [
            (
                "flip",
                within(self.flip, 1.0),
                "must be a probability from 0 to 1",
            ),
            (
                "rotate",
                within(self.rotate, 180.0),
                "must be from 0 to 180 degrees",
            ),
            ("shift", within(self.shift, 1.0), "must be from 0 to 1"),
            ("zoom", within(self.zoom, 0.9), "must be from 0 to 0.9"),
            (
                "shear",
                within(self.shear, 60.0),
                "must be from 0 to 60 degrees",
            ),
            (
                "brightness",
                within(self.brightness, 1.0),
                "must be from 0 to 1",
            ),
            (
                "contrast",
                within(self.contrast, 1.0),
                "must be from 0 to 1",
            ),
        ];
        match rules.into_iter().find(|(_, fine, _)| !fine) {
            Some((key, _, must)) => Err((key, must)),
            None => Ok(()),
        }
    }

    /// Draws the changes for one sample of one epoch: ChaCha8 keyed by (seed, epoch), stream = sample. They depend on nothing else,
    /// so threads, prefetch and a resumed run see the same films.
    #[must_use]
    pub fn draw(&self, seed: u64, epoch: u64, sample: u64) -> Transform {
        let mut rng = rng_for(seed, epoch);
        rng.set_stream(sample);
        let mut within = |range: f32| (rng.random::<f32>() * 2.0 - 1.0) * range;
        Transform {
            flip: (within(0.5) + 0.5) < self.flip,
            rotate: within(self.rotate).to_radians(),
            shift: (within(self.shift), within(self.shift)),
            zoom: 1.0 + within(self.zoom),
            shear: within(self.shear).to_radians(),
            brightness: 1.0 + within(self.brightness),
            contrast: 1.0 + within(self.contrast),
        }
    }
}

/// The generator of one epoch. Stream 2⁶⁴−1 is the shuffle's; streams below are the samples'.
pub(crate) fn rng_for(seed: u64, epoch: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&epoch.to_le_bytes());
    key[16..24].copy_from_slice(b"osteon/1");
    ChaCha8Rng::from_seed(key)
}

impl Transform {
    /// Whether the pixels keep their places.
    #[expect(clippy::float_cmp, reason = "a range of 0 draws exactly 0 or 1")]
    fn moves_nothing(&self) -> bool {
        !self.flip
            && self.rotate == 0.0
            && self.shift == (0.0, 0.0)
            && self.zoom == 1.0
            && self.shear == 0.0
    }

    /// Applies the changes to a side×side film and writes it normalised by `table`'s line (see [`crate::Preprocess::normalise`]).
    /// Pixels from outside the film are black. Bilinear.
    pub(crate) fn apply(
        &self,
        gray: &GrayImage,
        scratch: &mut GrayImage,
        scale: (f32, f32),
        out: &mut [f32],
    ) {
        let source = if self.moves_nothing() {
            gray
        } else {
            warp_into(
                gray,
                self.projection(gray.width()),
                Interpolation::Bilinear,
                Border::Constant(Luma([0])),
                scratch,
            );
            &*scratch
        };
        // Contrast is about the film's own mean, as torchvision does it; one table serves all pixels.
        let pixels = source.as_raw();
        let mean = pixels.iter().map(|&v| u64::from(v)).sum::<u64>() as f32
            / pixels.len().max(1) as f32
            * self.brightness;
        let table: [f32; 256] = std::array::from_fn(|v| {
            let bright = v as f32 * self.brightness;
            let level = ((bright - mean) * self.contrast + mean).clamp(0.0, 255.0);
            level * scale.0 + scale.1
        });
        for (to, &from) in out.iter_mut().zip(pixels) {
            *to = table[usize::from(from)];
        }
    }

    /// The map from the film's pixels to the augmented film's: about the centre, mirror, then shear, zoom, rotation, shift.
    fn projection(&self, side: u32) -> Projection {
        let centre = (side as f32 - 1.0) / 2.0;
        let mirror = if self.flip { -1.0 } else { 1.0 };
        let (sin, cos) = self.rotate.sin_cos();
        let (a, b) = (self.zoom * mirror, self.zoom * self.shear.tan());
        let d = self.zoom;
        // Rotation · [a b; 0 d], then the shift that keeps the centre where it was plus the drawn one.
        let (m00, m01, m10, m11) = (cos * a, cos * b - sin * d, sin * a, sin * b + cos * d);
        let tx = centre - (m00 * centre + m01 * centre) + self.shift.0 * side as f32;
        let ty = centre - (m10 * centre + m11 * centre) + self.shift.1 * side as f32;
        // Invariant: the determinant is ±zoom², and zoom is at least 0.1, so the matrix can be inverted.
        Projection::from_matrix([m00, m01, tx, m10, m11, ty, 0.0, 0.0, 1.0])
            .unwrap_or_else(|| Projection::translate(0.0, 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: Transform = Transform {
        flip: false,
        rotate: 0.0,
        shift: (0.0, 0.0),
        zoom: 1.0,
        shear: 0.0,
        brightness: 1.0,
        contrast: 1.0,
    };

    fn ramp(side: u32) -> GrayImage {
        GrayImage::from_fn(side, side, |x, y| Luma([(x * 5 + y * 3) as u8]))
    }

    fn applied(transform: Transform, film: &GrayImage) -> Vec<f32> {
        let mut scratch = GrayImage::new(film.width(), film.height());
        let mut out = vec![0.0; film.as_raw().len()];
        transform.apply(film, &mut scratch, (1.0, 0.0), &mut out);
        out
    }

    #[test]
    fn no_change_changes_nothing() {
        let film = ramp(24);
        let plain: Vec<f32> = film.as_raw().iter().map(|&v| f32::from(v)).collect();
        let close = applied(STILL, &film)
            .iter()
            .zip(&plain)
            .all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(close);
        assert_eq!(Augment::NONE.draw(1, 2, 3), STILL);
    }

    #[test]
    fn a_mirror_mirrors() {
        let film = ramp(24);
        let out = applied(
            Transform {
                flip: true,
                ..STILL
            },
            &film,
        );
        for y in 0..24 {
            for x in 1..23 {
                let expected = f32::from(film.get_pixel(23 - x, y).0[0]);
                assert!(
                    (out[(y * 24 + x) as usize] - expected).abs() <= 1.0,
                    "{x},{y}"
                );
            }
        }
    }

    #[test]
    fn a_quarter_turn_about_the_centre() {
        let film = ramp(25);
        let out = applied(
            Transform {
                rotate: std::f32::consts::FRAC_PI_2,
                ..STILL
            },
            &film,
        );
        // (x, y) → (24 − y, x): right turns to down in image axes.
        for (x, y) in [(3_u32, 7_u32), (12, 12), (20, 5)] {
            let moved = out[(x * 25 + 24 - y) as usize];
            assert!(
                (moved - f32::from(film.get_pixel(x, y).0[0])).abs() <= 1.0,
                "{x},{y}: {moved}"
            );
        }
    }

    #[test]
    fn brightness_and_contrast_follow_their_formula() {
        let film = GrayImage::from_raw(2, 1, vec![50, 150]).expect("2×1");
        let out = applied(
            Transform {
                brightness: 1.2,
                contrast: 0.5,
                ..STILL
            },
            &film,
        );
        // mean = 100 · 1.2 = 120; (60 − 120)/2 + 120 = 90; (180 − 120)/2 + 120 = 150.
        assert!(
            (out[0] - 90.0).abs() < 1e-3 && (out[1] - 150.0).abs() < 1e-3,
            "{out:?}"
        );
    }

    #[test]
    fn draws_depend_on_seed_epoch_and_sample_alone() {
        let augment = Augment::default();
        assert_eq!(augment.draw(7, 3, 11), augment.draw(7, 3, 11));
        assert_ne!(augment.draw(7, 3, 11), augment.draw(7, 3, 12));
        assert_ne!(augment.draw(7, 3, 11), augment.draw(7, 4, 11));
        assert_ne!(augment.draw(8, 3, 11), augment.draw(7, 3, 11));
        let flips = (0..1000).filter(|&i| augment.draw(1, 1, i).flip).count();
        assert!((440..560).contains(&flips), "{flips}");
        for i in 0..1000 {
            let t = augment.draw(5, 0, i);
            assert!(t.rotate.abs() <= 20_f32.to_radians() + 1e-6 && (0.9..=1.1).contains(&t.zoom));
        }
    }
}
