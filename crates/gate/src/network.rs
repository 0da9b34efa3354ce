//! Small networks whose answers are averaged: features, one hidden layer of tanh, softmax.

use crate::FEATURES;

/// Classes that a network tells apart.
pub const CLASSES: usize = 4;

/// How far from the mean a feature may be, in deviations: what is farther is no farther for the networks.
pub const FARTHEST: f32 = 6.0;

/// Numbers in one network with this many hidden units.
#[must_use]
pub const fn weights_of(hidden: usize) -> usize {
    hidden * (FEATURES + 1) + CLASSES * (hidden + 1)
}

/// Networks with the scaling of what they are fed, as one row of numbers: mean and scale of each feature, then each network's hidden layer (weights unit
/// by unit, biases) and answers (likewise).
#[derive(Debug, Clone, PartialEq)]
pub struct Networks {
    /// Hidden units of each.
    pub hidden: usize,
    /// Networks.
    pub members: usize,
    /// The row of numbers.
    pub weights: Vec<f32>,
}

impl Networks {
    /// Numbers in all.
    #[must_use]
    pub const fn count(hidden: usize, members: usize) -> usize {
        2 * FEATURES + members * weights_of(hidden)
    }

    /// Features as the networks take them.
    #[must_use]
    pub fn scaled(&self, features: &[f32]) -> Vec<f32> {
        let (mean, rest) = self.weights.split_at(FEATURES);
        features
            .iter()
            .zip(mean)
            .zip(rest)
            .map(|((v, mean), scale)| ((v - mean) / scale).clamp(-FARTHEST, FARTHEST))
            .collect()
    }

    /// Probabilities of the classes, in the order of [`crate::Class::ALL`].
    #[must_use]
    pub fn answer(&self, features: &[f32]) -> [f32; CLASSES] {
        let input = self.scaled(features);
        let mut sum = [0.0; CLASSES];
        for member in self.weights[2 * FEATURES..].chunks_exact(weights_of(self.hidden)) {
            let (_, answer) = forward(member, self.hidden, &input);
            for (sum, p) in sum.iter_mut().zip(answer) {
                *sum += p / self.members as f32;
            }
        }
        sum
    }
}

/// Hidden activations and probabilities of one network, of features scaled by [`Networks::scaled`].
#[must_use]
pub fn forward(weights: &[f32], hidden: usize, input: &[f32]) -> (Vec<f32>, [f32; CLASSES]) {
    let (first, rest) = weights.split_at(hidden * FEATURES);
    let (bias, rest) = rest.split_at(hidden);
    let (second, bias2) = rest.split_at(CLASSES * hidden);
    let units: Vec<f32> = first
        .chunks_exact(FEATURES)
        .zip(bias)
        .map(|(row, bias)| (dot(row, input) + bias).tanh())
        .collect();
    let mut logits = [0.0; CLASSES];
    for ((logit, row), bias) in logits
        .iter_mut()
        .zip(second.chunks_exact(hidden))
        .zip(bias2)
    {
        *logit = dot(row, &units) + bias;
    }
    let highest = logits.iter().copied().fold(f32::MIN, f32::max);
    let shares = logits.map(|logit| (logit - highest).exp());
    let sum: f32 = shares.iter().sum();
    (units, shares.map(|share| share / sum))
}

/// In eight lanes, which compilers make vectors of.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}
