//! Two images made one, with a label in between: mixup and `CutMix`, image by image.
//!
//! The papers mix a batch with itself in another order. Here each image draws its own partner, share and rectangle from (seed, epoch,
//! sample): the result does not depend on how the images are cut into batches or divided among ranks.

use rand::RngExt;
use rand_distr::{Beta, Distribution};

use super::{Augment, Patch, rng_of};

/// How a partner comes into an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Blend {
    /// `own · film + (1 − own) · partner`, pixel by pixel (Zhang et al. 2018, mixup).
    Mixup {
        /// The image's own share, 0..=1.
        own: f32,
    },
    /// The partner fills a rectangle of the image (Yun et al. 2019, `CutMix`).
    Cutmix(Patch),
}

/// A drawn mix: whose turn of the epoch it is that comes in, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Drawn {
    pub partner: usize,
    pub blend: Blend,
}

impl Augment {
    /// Whether images are mixed.
    #[must_use]
    pub fn mixes(&self) -> bool {
        self.mix > 0.0 && (self.mixup > 0.0 || self.cutmix > 0.0)
    }

    /// Draws what a sample is mixed with, of `turns` in the epoch. On a stream apart from [`Augment::draw`]'s, so that images turn the
    /// same way whether they are mixed or not.
    pub(crate) fn draw_mix(
        &self,
        seed: u64,
        epoch: u64,
        sample: u64,
        turns: usize,
    ) -> Option<Drawn> {
        if !self.mixes() || turns == 0 {
            return None;
        }
        let mut rng = rng_of(seed, epoch, u64::from_le_bytes(*b"mix\0\0\0\0\0"));
        rng.set_stream(sample);
        let [happens, which, x, y]: [f32; 4] = std::array::from_fn(|_| rng.random());
        if happens >= self.mix {
            return None;
        }
        let partner = rng.random_range(0..turns as u64) as usize;
        let cut = match (self.mixup > 0.0, self.cutmix > 0.0) {
            (true, true) => which < 0.5,
            (_, cutmix) => cutmix,
        };
        let alpha = f64::from(if cut { self.cutmix } else { self.mixup });
        // Invariant: alpha is above 0, which is all that Beta asks for.
        let own = Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(&mut rng) as f32);
        let blend = if cut {
            Blend::Cutmix(cut_out(own, x, y))
        } else {
            Blend::Mixup { own }
        };
        Some(Drawn { partner, blend })
    }
}

/// The rectangle that takes 1 − `own` of an image, about (x, y) and cut at the border, as the paper does.
fn cut_out(own: f32, x: f32, y: f32) -> Patch {
    let side = (1.0 - own).max(0.0).sqrt();
    let span = |middle: f32| {
        (
            (middle - side / 2.0).max(0.0),
            (middle + side / 2.0).min(1.0),
        )
    };
    let ((left, right), (top, bottom)) = (span(x), span(y));
    Patch {
        x: left,
        y: top,
        w: right - left,
        h: bottom - top,
    }
}

impl Blend {
    /// The image's own share of a result with this side, 0..=1: its label's weight. Of a rectangle, by its pixels.
    #[must_use]
    pub fn own(&self, side: usize) -> f32 {
        match self {
            Self::Mixup { own } => *own,
            Self::Cutmix(patch) => {
                let (left, top, right, bottom) = patch.pixels((side as u32, side as u32));
                1.0 - ((right - left) * (bottom - top)) as f32 / (side * side).max(1) as f32
            }
        }
    }

    /// Brings a partner into an image, both side×side and normalised.
    pub(crate) fn apply(&self, film: &mut [f32], partner: &[f32], side: usize) {
        match self {
            Self::Mixup { own } => {
                let other = 1.0 - own;
                for (to, from) in film.iter_mut().zip(partner) {
                    *to = *to * own + from * other;
                }
            }
            Self::Cutmix(patch) => {
                let (left, top, right, bottom) = patch.pixels((side as u32, side as u32));
                for y in top..bottom {
                    let row = y * side + left..y * side + right;
                    film[row.clone()].copy_from_slice(&partner[row]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(augment: &Augment) -> Vec<Drawn> {
        (0..4000)
            .filter_map(|sample| augment.draw_mix(3, 1, sample, 50))
            .collect()
    }

    #[test]
    fn shares_follow_beta_and_partners_are_all_as_likely() {
        for alpha in [0.2_f32, 1.0, 4.0] {
            let augment = Augment {
                mixup: alpha,
                ..Augment::NONE
            };
            let drawn = draws(&augment);
            let shares: Vec<f64> = drawn.iter().map(|d| f64::from(d.blend.own(32))).collect();
            let mean = shares.iter().sum::<f64>() / 4000.0;
            let var = shares.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4000.0;
            let expected = 1.0 / (4.0 * (2.0 * f64::from(alpha) + 1.0));
            // Four standard errors of the mean; the variance of a variable in 0..=1 errs by no more than it does.
            let error = 4.0 * (expected / 4000.0).sqrt();
            assert!((mean - 0.5).abs() < error, "alpha {alpha}: mean {mean}");
            assert!((var - expected).abs() < error, "alpha {alpha}: {var}");
            let first = drawn.iter().filter(|d| d.partner < 25).count();
            assert!((1850..2150).contains(&first), "{first}");
        }
    }

    #[test]
    fn a_rectangle_takes_its_share_and_both_are_as_likely() {
        let augment = Augment {
            mixup: 1.0,
            cutmix: 1.0,
            mix: 0.5,
            ..Augment::NONE
        };
        let drawn = draws(&augment);
        assert!((1850..2150).contains(&drawn.len()), "{}", drawn.len());
        let cut = drawn
            .iter()
            .filter(|d| matches!(d.blend, Blend::Cutmix(_)))
            .count();
        assert!((880..1120).contains(&cut), "{cut} of {}", drawn.len());
        for d in &drawn {
            let mut film = vec![0.0_f32; 37 * 37];
            d.blend.apply(&mut film, &vec![1.0; 37 * 37], 37);
            let partner = film.iter().map(|&v| f64::from(v)).sum::<f64>() / (37.0 * 37.0);
            assert!(
                (partner - f64::from(1.0 - d.blend.own(37))).abs() < 1e-5,
                "{d:?}"
            );
        }
        // A rectangle that lies inside has the share that was drawn.
        let patch = cut_out(0.75, 0.5, 0.5);
        assert!((patch.w * patch.h - 0.25).abs() < 1e-6, "{patch:?}");
        assert_eq!(draws(&Augment::default()), []);
    }

    /// Another version of the generator's crates must not change what a seed means without anyone noticing.
    #[test]
    fn a_seed_keeps_its_draws() {
        let augment = Augment {
            mixup: 0.4,
            ..Augment::NONE
        };
        let seen: Vec<(usize, String)> = (0..3)
            .filter_map(|sample| augment.draw_mix(1, 0, sample, 1000))
            .map(|d| (d.partner, format!("{:.5}", d.blend.own(8))))
            .collect();
        let expected = [(429, "0.03679"), (729, "0.54864"), (240, "0.19510")];
        assert_eq!(
            seen,
            expected.map(|(partner, own)| (partner, own.to_owned()))
        );
    }
}
