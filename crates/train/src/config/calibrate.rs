//! Section `calibrate`.

use osteon_model::CalibrationMethod;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Section `calibrate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrateConfig {
    /// How logits become probabilities.
    pub method: CalibrationMethod,
    /// How the threshold is chosen.
    pub threshold: ThresholdRule,
    /// The threshold of the rule `fixed`, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fixed: f64,
}

/// How the threshold is chosen on val.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdRule {
    /// Greatest sensitivity + specificity.
    Youden,
    /// `calibrate.fixed`.
    Fixed,
}

impl Default for CalibrateConfig {
    fn default() -> Self {
        Self {
            method: CalibrationMethod::Platt,
            threshold: ThresholdRule::Youden,
            fixed: 0.5,
        }
    }
}

impl CalibrateConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let fine = (0.0..=1.0).contains(&self.fixed);
        super::first_broken([("fixed", fine, "must be from 0 to 1")])
    }
}
