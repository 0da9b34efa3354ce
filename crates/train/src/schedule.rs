//! The learning rate over a run.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::first_broken;

/// Section `schedule`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// The shape after the warm-up.
    pub name: ScheduleName,
    /// Epochs in which the rate rises from 0 linearly; `one_cycle` has a rise of its own.
    pub warmup_epochs: f64,
    /// What `cosine` and `one_cycle` end at, as a fraction of `optimizer.lr`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub final_fraction: f64,
    /// Epochs between the falls of `step`.
    #[schemars(range(min = 1))]
    pub step_epochs: u64,
    /// What `step` and `plateau` multiply the rate by.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub step_factor: f64,
    /// Epochs without a lower loss on val before `plateau` lowers the rate.
    pub plateau_patience: u64,
}

/// Shapes of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleName {
    /// Always `optimizer.lr`.
    Constant,
    /// × `step_factor` every `step_epochs`.
    Step,
    /// Half a cosine down to `final_fraction` (Loshchilov & Hutter 2017).
    Cosine,
    /// Up from 1/25 in 30 % of the run and down to `final_fraction`, each by half a cosine (Smith & Topin 2018, as in PyTorch's
    /// `OneCycleLR`; momentum stays as it is).
    OneCycle,
    /// × `step_factor` whenever the loss on val has not fallen for more than `plateau_patience` epochs.
    Plateau,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            name: ScheduleName::Cosine,
            warmup_epochs: 1.0,
            final_fraction: 0.01,
            step_epochs: 10,
            step_factor: 0.1,
            plateau_patience: 5,
        }
    }
}

/// Where `one_cycle` begins, as a fraction of the highest rate, and what part of the run it rises.
const ONE_CYCLE: (f64, f64) = (1.0 / 25.0, 0.3);

impl ScheduleConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        first_broken([
            (
                "warmup_epochs",
                self.warmup_epochs.is_finite() && self.warmup_epochs >= 0.0,
                "must be 0 or more",
            ),
            (
                "final_fraction",
                (0.0..=1.0).contains(&self.final_fraction),
                "must be from 0 to 1",
            ),
            ("step_epochs", self.step_epochs >= 1, "must be 1 or more"),
            (
                "step_factor",
                self.step_factor > 0.0 && self.step_factor <= 1.0,
                "must be above 0 and at most 1",
            ),
        ])
    }

    /// The factor on `optimizer.lr` for the step that ends at `done` epochs (a fraction counts steps) of `epochs`. That of `plateau` is
    /// in [`Plateau`].
    #[must_use]
    pub fn factor(&self, done: f64, epochs: f64) -> f64 {
        if self.name == ScheduleName::OneCycle {
            let (start, rise) = (ONE_CYCLE.0, ONE_CYCLE.1 * epochs);
            return if done < rise {
                half_cosine(start, 1.0, done / rise)
            } else {
                half_cosine(1.0, self.final_fraction, (done - rise) / (epochs - rise))
            };
        }
        if done < self.warmup_epochs {
            return done / self.warmup_epochs;
        }
        match self.name {
            ScheduleName::Constant | ScheduleName::Plateau | ScheduleName::OneCycle => 1.0,
            ScheduleName::Step => {
                // The epoch that the step belongs to: its last step ends at a whole number.
                let epoch = (done.ceil() as u64).saturating_sub(1);
                self.step_factor.powi((epoch / self.step_epochs) as i32)
            }
            ScheduleName::Cosine => {
                let span = (epochs - self.warmup_epochs).max(f64::MIN_POSITIVE);
                half_cosine(1.0, self.final_fraction, (done - self.warmup_epochs) / span)
            }
        }
    }
}

/// From one value to another by half a cosine, at `progress` of the way.
fn half_cosine(from: f64, to: f64, progress: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * progress.clamp(0.0, 1.0)).cos())
}

/// What `plateau` has seen: part of a run's state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// Times the rate was lowered.
    pub falls: u32,
    /// The lowest loss on val so far.
    pub lowest: Option<f64>,
    /// Epochs since then, or since the last fall.
    pub waited: u64,
}

impl Plateau {
    /// Takes an epoch's loss on val. A loss counts as lower by at least 10⁻⁴ of itself, as in PyTorch.
    pub fn observe(&mut self, config: &ScheduleConfig, val_loss: f64) {
        if self
            .lowest
            .is_none_or(|lowest| val_loss < lowest * (1.0 - 1e-4))
        {
            self.lowest = Some(val_loss);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        if self.waited > config.plateau_patience {
            self.falls += 1;
            self.waited = 0;
        }
    }

    /// The factor on the learning rate; 1 under every other schedule.
    #[must_use]
    pub fn factor(&self, config: &ScheduleConfig) -> f64 {
        match config.name {
            ScheduleName::Plateau => config.step_factor.powi(self.falls as i32),
            _ => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(name: ScheduleName) -> ScheduleConfig {
        ScheduleConfig {
            name,
            warmup_epochs: 0.0,
            final_fraction: 0.1,
            ..ScheduleConfig::default()
        }
    }

    #[test]
    fn rises_then_falls_to_the_end() {
        let cosine = ScheduleConfig {
            warmup_epochs: 2.0,
            ..schedule(ScheduleName::Cosine)
        };
        assert!((cosine.factor(1.0, 10.0) - 0.5).abs() < 1e-12);
        assert!((cosine.factor(2.0, 10.0) - 1.0).abs() < 1e-12);
        assert!((cosine.factor(6.0, 10.0) - 0.55).abs() < 1e-12);
        assert!((cosine.factor(10.0, 10.0) - 0.1).abs() < 1e-12);
        assert!((schedule(ScheduleName::Constant).factor(7.0, 10.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn falls_by_steps() {
        let step = ScheduleConfig {
            step_epochs: 2,
            step_factor: 0.5,
            ..schedule(ScheduleName::Step)
        };
        let factors: Vec<f64> = [0.5, 1.0, 2.0, 2.1, 4.0, 4.25]
            .iter()
            .map(|&done| step.factor(done, 6.0))
            .collect();
        assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn plateau_waits_and_falls() {
        let config = ScheduleConfig {
            plateau_patience: 1,
            step_factor: 0.5,
            ..schedule(ScheduleName::Plateau)
        };
        let mut plateau = Plateau::default();
        let mut factors = Vec::new();
        for loss in [1.0, 0.9, 0.95, 0.91, 0.92, 0.8, 0.8, 0.8] {
            plateau.observe(&config, loss);
            factors.push(plateau.factor(&config));
        }
        // As torch.optim.lr_scheduler.ReduceLROnPlateau(factor=0.5, patience=1) for the same losses.
        assert_eq!(factors, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25]);
    }
}
