//! The training objective: the loss of each image.

use osteon_model::Answer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Reduction, TchError, Tensor};

use crate::config::first_broken;

/// Section `loss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// The loss of an image.
    pub name: LossName,
    /// How little images that are right already count in the focal loss; 0: as in `bce`.
    pub focal_gamma: f64,
    /// Moves targets from 0 and 1 to s/2 and 1 − s/2 (Szegedy et al. 2016), 0..1.
    pub label_smoothing: f64,
    /// Weight of fractured images; 1: as they come.
    pub positive_weight: f64,
    /// Weights of the classes by how rare they are, on top.
    pub class_balance: ClassBalance,
    /// β of `effective`: 0 weighs images alike, towards 1 it nears `inverse`.
    pub effective_beta: f64,
    /// Weight of the network's map being right about where, beside the image's loss of weight 1; 0: not taught. For networks with a map, on
    /// images with boxes.
    pub map: f64,
    /// Weight of cells with a fracture in it.
    pub map_positive_weight: f64,
    /// Weight of the logit from the image as a whole being right by itself; 0: not taught. For networks with such a part.
    pub whole: f64,
}

/// The losses there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossName {
    /// Binary cross-entropy.
    Bce,
    /// Lin et al. 2017: cross-entropy × (1 − probability of the truth)^γ.
    Focal,
}

/// Weights of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassBalance {
    /// 1 and 1.
    None,
    /// n / (2 · images of the class): both classes count alike.
    Inverse,
    /// By the effective number of images, (1 − βⁿ) / (1 − β) (Cui et al. 2019); the two weights sum to 2.
    Effective,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self {
            name: LossName::Bce,
            focal_gamma: 2.0,
            label_smoothing: 0.0,
            positive_weight: 1.0,
            class_balance: ClassBalance::None,
            effective_beta: 0.999,
            map: 0.0,
            map_positive_weight: 3.0,
            whole: 0.0,
        }
    }
}

/// The sum over a map's cells is divided by this, about the cells of a box: the loss of a map is then of an image's size.
const CELLS: f64 = 16.0;

impl LossConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let from_0 = |value: f64| value.is_finite() && value >= 0.0;
        first_broken([
            (
                "focal_gamma",
                self.focal_gamma.is_finite() && self.focal_gamma >= 0.0,
                "must be 0 or more",
            ),
            (
                "label_smoothing",
                (0.0..1.0).contains(&self.label_smoothing),
                "must be from 0 to below 1",
            ),
            (
                "positive_weight",
                self.positive_weight.is_finite() && self.positive_weight > 0.0,
                "must be above 0",
            ),
            (
                "effective_beta",
                (0.0..1.0).contains(&self.effective_beta),
                "must be from 0 to below 1",
            ),
            ("map", from_0(self.map), "must be 0 or more"),
            (
                "map_positive_weight",
                self.map_positive_weight.is_finite() && self.map_positive_weight > 0.0,
                "must be above 0",
            ),
            ("whole", from_0(self.whole), "must be 0 or more"),
        ])
    }

    /// Weights of (not fractured, fractured) for so many images of each.
    fn class_weights(&self, negatives: usize, positives: usize) -> (f64, f64) {
        let (n, p) = (negatives.max(1) as f64, positives.max(1) as f64);
        let (negative, positive) = match self.class_balance {
            ClassBalance::None => (1.0, 1.0),
            ClassBalance::Inverse => ((n + p) / (2.0 * n), (n + p) / (2.0 * p)),
            ClassBalance::Effective => {
                let beta = self.effective_beta;
                let weight = |count: f64| (1.0 - beta) / (1.0 - beta.powf(count));
                let sum = weight(n) + weight(p);
                (2.0 * weight(n) / sum, 2.0 * weight(p) / sum)
            }
        };
        (negative, positive * self.positive_weight)
    }
}

/// The loss of a run.
pub struct Loss {
    name: LossName,
    gamma: f64,
    smoothing: f64,
    negative: f64,
    positive: f64,
    /// positive / negative, as libtorch's cross-entropy takes it.
    ratio: Tensor,
    map: f64,
    map_ratio: Tensor,
    whole: f64,
}

impl Loss {
    /// For training images of which so many are not fractured and fractured.
    pub fn new(
        config: &LossConfig,
        negatives: usize,
        positives: usize,
        device: Device,
    ) -> Result<Self, TchError> {
        let (negative, positive) = config.class_weights(negatives, positives);
        Ok(Self {
            name: config.name,
            gamma: config.focal_gamma,
            smoothing: config.label_smoothing,
            negative,
            positive,
            ratio: Tensor::f_from_slice(&[(positive / negative) as f32])?.f_to_device(device)?,
            map: config.map,
            map_ratio: Tensor::f_from_slice(&[config.map_positive_weight as f32])?
                .f_to_device(device)?,
            whole: config.whole,
        })
    }

    /// The sum of N images' losses: of their logits, and of the answer's parts as far as they are taught. Targets are N in 0..=1 and, where
    /// there are any, N×h×w maps as [`osteon_data::Recipe::draw_map`] draws them.
    pub fn of(
        &self,
        answer: &Answer,
        targets: &Tensor,
        maps: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let sum = |logits: &Tensor| self.per_image(logits, targets)?.f_sum(Kind::Float);
        let mut loss = sum(&answer.logits)?;
        if let Some(whole) = answer.whole.as_ref().filter(|_| self.whole > 0.0) {
            loss = loss.f_add(&sum(whole)?.f_mul_scalar(self.whole)?)?;
        }
        if let (Some(map), Some(truth)) = (&answer.map, maps) {
            loss = loss.f_add(&self.of_map(map, truth)?.f_mul_scalar(self.map)?)?;
        }
        Ok(loss)
    }

    /// The cross-entropy of maps' cells, but for those that are not known.
    fn of_map(&self, map: &Tensor, truth: &Tensor) -> Result<Tensor, TchError> {
        let known = truth.f_ge(0.0)?.f_to_kind(Kind::Float)?;
        map.f_binary_cross_entropy_with_logits(
            &truth.f_clamp_min(0.0)?,
            Some(&known),
            Some(&self.map_ratio),
            Reduction::Sum,
        )?
        .f_div_scalar(CELLS)
    }

    /// N logits and N targets in 0..=1 → N losses, each 0 or more.
    pub fn per_image(&self, logits: &Tensor, targets: &Tensor) -> Result<Tensor, TchError> {
        let targets = if self.smoothing > 0.0 {
            targets
                .f_mul_scalar(1.0 - self.smoothing)?
                .f_add_scalar(self.smoothing / 2.0)?
        } else {
            targets.shallow_clone()
        };
        match self.name {
            LossName::Bce => {
                let loss = logits.f_binary_cross_entropy_with_logits(
                    &targets,
                    None,
                    Some(&self.ratio),
                    Reduction::None,
                )?;
                // Nothing to weigh in the usual case.
                if (self.negative - 1.0).abs() < f64::EPSILON {
                    Ok(loss)
                } else {
                    loss.f_mul_scalar(self.negative)
                }
            }
            LossName::Focal => {
                let opposite = logits.f_neg()?;
                // −ln p and −ln(1 − p), stable for any logit, each by how wrong the network is.
                let missed = opposite
                    .f_softplus()?
                    .f_mul(&opposite.f_sigmoid()?.f_pow_tensor_scalar(self.gamma)?)?
                    .f_mul(&targets)?
                    .f_mul_scalar(self.positive)?;
                let false_alarm = logits
                    .f_softplus()?
                    .f_mul(&logits.f_sigmoid()?.f_pow_tensor_scalar(self.gamma)?)?
                    .f_mul(&targets.f_rsub_scalar(1.0)?)?
                    .f_mul_scalar(self.negative)?;
                missed.f_add(&false_alarm)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_weights_are_the_published_ones() {
        let weights = |class_balance| {
            LossConfig {
                class_balance,
                ..LossConfig::default()
            }
            .class_weights(900, 100)
        };
        let near = |a: (f64, f64), b: (f64, f64)| {
            assert!(
                (a.0 - b.0).abs() < 1e-6 && (a.1 - b.1).abs() < 1e-6,
                "{a:?} {b:?}"
            );
        };
        near(weights(ClassBalance::None), (1.0, 1.0));
        // sklearn's compute_class_weight("balanced").
        near(weights(ClassBalance::Inverse), (0.555_555_6, 5.0));
        // The effective numbers are 593.6 and 95.21.
        near(weights(ClassBalance::Effective), (0.276_437, 1.723_563));
    }
}
