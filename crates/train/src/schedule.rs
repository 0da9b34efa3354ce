//! The learning rate over a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Section `schedule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The shape after the warm-up.
    pub name: ScheduleName,
    /// Epochs in which the rate rises from 0 linearly.
    pub warmup_epochs: f64,
    /// What the cosine ends at, as a fraction of `optimizer.lr`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub final_fraction: f64,
}

/// Shapes of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleName {
    /// Always `optimizer.lr`.
    Constant,
    /// Half a cosine down to `final_fraction` (Loshchilov & Hutter 2017).
    Cosine,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            name: ScheduleName::Cosine,
            warmup_epochs: 1.0,
            final_fraction: 0.01,
        }
    }
}

impl ScheduleConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !(self.warmup_epochs.is_finite() && self.warmup_epochs >= 0.0) {
            return Err(("warmup_epochs", "must be 0 or more"));
        }
        if !(0.0..=1.0).contains(&self.final_fraction) {
            return Err(("final_fraction", "must be from 0 to 1"));
        }
        Ok(())
    }

    /// The factor on `optimizer.lr` for the step that ends at `done` epochs (a fraction counts steps) of `epochs`.
    #[must_use]
    pub fn factor(&self, done: f64, epochs: f64) -> f64 {
        if done < self.warmup_epochs {
            return done / self.warmup_epochs;
        }
        match self.name {
            ScheduleName::Constant => 1.0,
            ScheduleName::Cosine => {
                let span = (epochs - self.warmup_epochs).max(f64::MIN_POSITIVE);
                let progress = ((done - self.warmup_epochs) / span).clamp(0.0, 1.0);
                let wave = 0.5 * (1.0 + (std::f64::consts::PI * progress).cos());
                self.final_fraction + (1.0 - self.final_fraction) * wave
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_to_the_end() {
        let cosine = ScheduleConfig {
            name: ScheduleName::Cosine,
            warmup_epochs: 2.0,
            final_fraction: 0.1,
        };
        assert!((cosine.factor(1.0, 10.0) - 0.5).abs() < 1e-12);
        assert!((cosine.factor(2.0, 10.0) - 1.0).abs() < 1e-12);
        assert!((cosine.factor(6.0, 10.0) - 0.55).abs() < 1e-12);
        assert!((cosine.factor(10.0, 10.0) - 0.1).abs() < 1e-12);
        let constant = ScheduleConfig {
            name: ScheduleName::Constant,
            warmup_epochs: 0.0,
            final_fraction: 0.1,
        };
        assert!((constant.factor(7.0, 10.0) - 1.0).abs() < 1e-12);
    }
}
