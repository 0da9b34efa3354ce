//! Section `optimizer`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::first_broken;

/// Section `optimizer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The optimiser.
    pub name: OptimizerName,
    /// Learning rate at its highest.
    pub lr: f64,
    /// Weight decay. `adamw` does not apply it to norms and biases, as is usual.
    pub weight_decay: f64,
    /// Decay of the first moment of the gradient, in Adam and AdamW.
    pub beta1: f64,
    /// Decay of its second moment.
    pub beta2: f64,
    /// Added to the root of the second moment, against a division by 0.
    pub eps: f64,
    /// Momentum of SGD; 0: none.
    pub momentum: f64,
    /// SGD looks ahead by the momentum (Nesterov 1983).
    pub nesterov: bool,
    /// Factor on the learning rate of the network's backbone, where it has one: below 1 keeps it nearer to where it began.
    pub backbone_rate: f64,
    /// Greatest norm of the whole gradient, which is scaled down to it; 0: no clipping.
    pub clip_norm: f64,
}

/// The optimisers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerName {
    /// Stochastic gradient descent with momentum; weight decay goes into the gradient.
    Sgd,
    /// Kingma & Ba 2015; weight decay goes into the gradient.
    Adam,
    /// Loshchilov & Hutter 2019; weight decay beside the gradient.
    Adamw,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            name: OptimizerName::Adamw,
            lr: 2e-3,
            weight_decay: 0.02,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            momentum: 0.9,
            nesterov: false,
            backbone_rate: 1.0,
            clip_norm: 0.0,
        }
    }
}

impl OptimizerConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let above_0 = |value: f64| value.is_finite() && value > 0.0;
        let from_0 = |value: f64| value.is_finite() && value >= 0.0;
        let below_1 = |value: f64| (0.0..1.0).contains(&value);
        first_broken([
            ("lr", above_0(self.lr), "must be above 0"),
            (
                "weight_decay",
                from_0(self.weight_decay),
                "must be 0 or more",
            ),
            ("beta1", below_1(self.beta1), "must be from 0 to below 1"),
            ("beta2", below_1(self.beta2), "must be from 0 to below 1"),
            ("eps", above_0(self.eps), "must be above 0"),
            (
                "momentum",
                below_1(self.momentum),
                "must be from 0 to below 1",
            ),
            (
                "nesterov",
                !self.nesterov || self.momentum > 0.0,
                "needs a momentum above 0",
            ),
            (
                "backbone_rate",
                from_0(self.backbone_rate),
                "must be 0 or more",
            ),
            ("clip_norm", from_0(self.clip_norm), "must be 0 or more"),
        ])
    }
}
