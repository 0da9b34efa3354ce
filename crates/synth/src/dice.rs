//! The random draws. Each image owns the `ChaCha8` stream of its index, and each purpose its own stretch of that stream, so
//! what one part of the model draws never shifts what another part draws.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stretch of an image's stream is for. Scene and artefacts never see the class: an image and its fractured twin differ
/// at the fracture alone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Class = 0,
    Scene = 1,
    Fracture = 2,
    Artefacts = 3,
    Develop = 4,
    Grain = 5,
}

/// A deterministic source of draws, of 32-bit words only, so that it gives the same on every platform.
#[derive(Clone, Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64, index: u64, purpose: Purpose) -> Self {
        let mut key = *b"osteon synthetic radiographs v1\0";
        for (slot, byte) in key.iter_mut().zip(seed.to_le_bytes()) {
            *slot ^= byte;
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        rng.set_word_pos((purpose as u128) << 32);
        Self(rng)
    }

    /// Uniform in `[0, 1)`, 24 bits.
    pub(super) fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// Uniform in `[lo, hi)`.
    pub(super) fn between(&mut self, lo: f32, hi: f32) -> f32 {
        lo + (hi - lo) * self.unit()
    }

    /// Uniform in `0..n`.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// −1 or 1.
    pub(super) fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Approximately standard normal: four bytes of one word, summed; never beyond ±3.46.
    pub(super) fn bell(&mut self) -> f32 {
        // Variance of a byte is (256² − 1)/12, so the sum's deviation is 147.8.
        let bytes = self.0.next_u32().to_le_bytes();
        let sum: u16 = bytes.iter().map(|&b| u16::from(b)).sum();
        (f32::from(sum) - 510.0) / 147.8
    }

    /// An index drawn in proportion to the weights; the last when rounding leaves none.
    pub(super) fn weighted(&mut self, weights: &[f32]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f32>();
        for (i, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return i;
            }
        }
        weights.len().saturating_sub(1)
    }
}
