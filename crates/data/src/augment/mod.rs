//! Random changes that keep a fracture a fracture: what is drawn, and the pass that applies it.

mod fused;
mod mix;
mod reference;
mod tone;
mod transform;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use fused::{Augmenter, Instructions, Lattice};
pub use mix::Blend;
pub use tone::noise_values;
pub use transform::{Patch, Transform};

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
    /// Contrast about the image's mean by a factor within 1 ± this.
    pub contrast: f32,
    /// Gamma: gray levels in 0..=1 to the power of a factor from 1/(1 + this) to 1 + this.
    pub gamma: f32,
    /// Gaussian noise with a standard deviation of up to this many gray levels of 255.
    pub noise: f32,
    /// Probability that a rectangle is erased to the image's mean gray, 0..=1 (Zhong et al. 2017, Random Erasing).
    #[schemars(range(min = 0.0, max = 1.0))]
    pub erase: f32,
    /// Greatest share of the image that is erased, 0..=0.5; sides from 0.3 to 3.3 times each other.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub erase_area: f32,
    /// Images and labels are blended by a share drawn from Beta(this, this); 0: never (Zhang et al. 2018).
    #[schemars(range(min = 0.0, max = 10.0))]
    pub mixup: f32,
    /// A rectangle comes from another image, its share drawn from Beta(this, this); 0: never (Yun et al. 2019).
    #[schemars(range(min = 0.0, max = 10.0))]
    pub cutmix: f32,
    /// Probability that an image is mixed with another at all, where `mixup` or `cutmix` is on; where both are, each is as likely.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mix: f32,
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
            gamma: 0.0,
            noise: 0.0,
            erase: 0.0,
            erase_area: 0.1,
            mixup: 0.0,
            cutmix: 0.0,
            mix: 1.0,
        }
    }
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
        gamma: 0.0,
        noise: 0.0,
        erase: 0.0,
        erase_area: 0.1,
        mixup: 0.0,
        cutmix: 0.0,
        mix: 1.0,
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
            ("gamma", within(self.gamma, 4.0), "must be from 0 to 4"),
            (
                "noise",
                within(self.noise, 128.0),
                "must be from 0 to 128 gray levels",
            ),
            (
                "erase",
                within(self.erase, 1.0),
                "must be a probability from 0 to 1",
            ),
            (
                "erase_area",
                within(self.erase_area, 0.5),
                "must be from 0 to 0.5",
            ),
            ("mixup", within(self.mixup, 10.0), "must be from 0 to 10"),
            ("cutmix", within(self.cutmix, 10.0), "must be from 0 to 10"),
            (
                "mix",
                within(self.mix, 1.0),
                "must be a probability from 0 to 1",
            ),
        ];
        match rules.into_iter().find(|(_, fine, _)| !fine) {
            Some((key, _, must)) => Err((key, must)),
            None => Ok(()),
        }
    }

    /// Draws the changes for one sample of one epoch: ChaCha8 keyed by (seed, epoch), stream = sample, which is [`crate::Sample::sample`].
    /// They depend on nothing else, so threads, prefetch, ranks and a resumed run see the same images.
    #[must_use]
    pub fn draw(&self, seed: u64, epoch: u64, sample: u64) -> Transform {
        let mut rng = rng_for(seed, epoch);
        rng.set_stream(sample);
        let mut within = |range: f32| (rng.random::<f32>() * 2.0 - 1.0) * range;
        // What came with later versions is drawn after what was there before, so that the same seed still turns the same images.
        let transform = Transform {
            flip: (within(0.5) + 0.5) < self.flip,
            rotate: within(self.rotate).to_radians(),
            shift: (within(self.shift), within(self.shift)),
            zoom: 1.0 + within(self.zoom),
            shear: within(self.shear).to_radians(),
            brightness: 1.0 + within(self.brightness),
            contrast: 1.0 + within(self.contrast),
            gamma: (1.0 + self.gamma).powf(within(1.0)),
            noise: (within(0.5) + 0.5) * self.noise,
            noise_seed: 0,
            erase: None,
        };
        let noise_seed = rng.random();
        Transform {
            noise_seed: if self.noise > 0.0 { noise_seed } else { 0 },
            erase: self.draw_erase(&mut rng),
            ..transform
        }
    }

    fn draw_erase(&self, rng: &mut ChaCha8Rng) -> Option<Patch> {
        let mut unit = || rng.random::<f32>();
        let [happens, area, aspect, x, y] = std::array::from_fn(|_| unit());
        if happens >= self.erase {
            return None;
        }
        let area = area * self.erase_area;
        // Width over height from 0.3 to 1/0.3, as likely upright as lying.
        let aspect = 0.3_f32.powf(2.0 * aspect - 1.0);
        let (w, h) = (
            (area * aspect).sqrt().min(1.0),
            (area / aspect).sqrt().min(1.0),
        );
        Some(Patch {
            x: x * (1.0 - w),
            y: y * (1.0 - h),
            w,
            h,
        })
    }
}

/// The generator of one epoch. Stream 2⁶⁴−1 is the order's; streams below are the samples'.
pub(crate) fn rng_for(seed: u64, epoch: u64) -> ChaCha8Rng {
    rng_of(seed, epoch, 0)
}

/// A generator of one epoch that has nothing in common with those of other `purpose`s.
fn rng_of(seed: u64, epoch: u64, purpose: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&epoch.to_le_bytes());
    key[16..24].copy_from_slice(b"osteon/1");
    key[24..].copy_from_slice(&purpose.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;

    const STILL: Transform = Transform::NONE;

    fn ramp(side: u32) -> GrayImage {
        GrayImage::from_fn(side, side, |x, y| Luma([(x * 5 + y * 3) as u8]))
    }

    fn applied(transform: Transform, film: &GrayImage) -> Vec<f32> {
        let mut out = vec![0.0; film.as_raw().len()];
        let size = film.dimensions();
        Augmenter::new().apply(&transform, film.into(), (1.0, 0.0), size, &mut out);
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
