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
    /// Share of val's fractures that the second operating point, `screening`, must find, 0..=1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub screening: f64,
    /// Share of wrong decisions that the doubt band promises not to exceed among the films it decides, 0..1; 0: no doubt band.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub doubt_error: f64,
    /// Probability with which it promises that, over the draw of val, 0..1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub doubt_confidence: f64,
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
            screening: 0.95,
            doubt_error: 0.05,
            doubt_confidence: 0.95,
        }
    }
}

impl CalibrateConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        super::first_broken([
            ("fixed", share(self.fixed), "must be from 0 to 1"),
            ("screening", share(self.screening), "must be from 0 to 1"),
            (
                "doubt_error",
                (0.0..1.0).contains(&self.doubt_error),
                "must be from 0, and below 1",
            ),
            (
                "doubt_confidence",
                self.doubt_confidence > 0.0 && self.doubt_confidence < 1.0,
                "must be above 0 and below 1",
            ),
        ])
    }
}
