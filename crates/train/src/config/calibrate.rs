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
    /// Of the images called *fractured*, the share that the doubt band promises not to be fractured at most, 0..1; 0, with `missed_error`: no band.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fractured_error: f64,
    /// Probability with which it promises that, over the draw of the images it is fitted to, 0..1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fractured_confidence: f64,
    /// Of all fractures, the share that it promises to be called *not fractured* at most, 0..1; 0, with `fractured_error`: no band.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub missed_error: f64,
    /// Probability with which it promises that, 0..1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub missed_confidence: f64,
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
            fractured_error: 0.1,
            fractured_confidence: 0.9,
            missed_error: 0.1,
            missed_confidence: 0.9,
        }
    }
}

impl CalibrateConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let within = |value: f64| value > 0.0 && value < 1.0;
        super::first_broken([
            ("fixed", share(self.fixed), "must be from 0 to 1"),
            ("screening", share(self.screening), "must be from 0 to 1"),
            (
                "fractured_error",
                (0.0..1.0).contains(&self.fractured_error),
                "must be from 0, and below 1",
            ),
            (
                "missed_error",
                (0.0..1.0).contains(&self.missed_error),
                "must be from 0, and below 1",
            ),
            (
                "missed_error",
                (self.missed_error > 0.0) == (self.fractured_error > 0.0),
                "must be 0 where calibrate.fractured_error is, and nowhere else",
            ),
            (
                "fractured_confidence",
                within(self.fractured_confidence),
                "must be above 0 and below 1",
            ),
            (
                "missed_confidence",
                within(self.missed_confidence),
                "must be above 0 and below 1",
            ),
        ])
    }
}
