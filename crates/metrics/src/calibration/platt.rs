//! Platt scaling: the line through the logits that makes scores of them.

use serde::{Deserialize, Serialize};

use crate::{MetricsError, check};

/// A calibration, score = sigmoid(slope · logit + intercept), fitted on the validation images and stored in the model file.
///
/// The slope is positive, so the ranking of images, and with it every rank-based figure, is that of the logits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Platt {
    /// Below 1 softens the logits (the network is overconfident), above 1 sharpens them. In temperature terms, 1/T.
    pub slope: f64,
    /// Shift in logits, for instance between the training prevalence and that of the validation images.
    pub intercept: f64,
}

const STEPS: usize = 200;

impl Platt {
    /// The logits as they are: slope 1, intercept 0.
    pub const IDENTITY: Self = Self {
        slope: 1.0,
        intercept: 0.0,
    };

    /// The flattest line a fit gives: on it the logit farthest from the centre is calibrated to this distance, in logits.
    ///
    /// A least slope below it means the logits carry no evidence on these images, or point the wrong way. A calibration must
    /// not quietly turn a model round, so the fit is then the best one among those of this slope: scores near the prevalence,
    /// in the order of the logits.
    pub const MIN_SPREAD: f64 = 1e-3;

    /// Fits slope and intercept to labels by maximum likelihood.
    ///
    /// The labels are smoothed as Platt does, to (P + 1)/(P + 2) for the fractured and 1/(N + 2) for the unfractured, so
    /// separable logits get a finite slope. Newton's method with backtracking on a convex loss; the minimum is unique unless
    /// all logits are equal, in which case the slope stays 1 and the intercept alone is fitted. The slope is positive, guarded by
    /// [`Platt::MIN_SPREAD`].
    /// Sources: Platt, "Probabilistic outputs for support vector machines", in *Advances in Large Margin Classifiers*, 1999;
    /// Lin, Lin & Weng, "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68 (2007) 267.
    ///
    /// # Errors
    /// Unequal lengths; a logit that is not finite; one class only; logits so large that the fit overflows.
    pub fn fit(labels: &[bool], logits: &[f64]) -> Result<Self, MetricsError> {
        let targets = targets(labels, logits)?;
        let count = logits.len() as f64;
        // The loss does not care about the logits' origin and unit, but Newton's equations are best conditioned around 0 and 1.
        let centre = logits.iter().map(|logit| logit / count).sum::<f64>();
        let unit = largest(logits.iter().map(|logit| logit - centre));
        // Equal logits, but for the rounding of their mean.
        if unit <= 16.0 * f64::EPSILON * centre.abs() {
            let mean = targets.iter().sum::<f64>() / count;
            return Ok(Self {
                slope: 1.0,
                intercept: (mean / (1.0 - mean)).ln() - centre,
            });
        }
        let scaled: Vec<f64> = logits.iter().map(|logit| (logit - centre) / unit).collect();
        let problem = Problem {
            xs: &scaled,
            targets: &targets,
        };
        let mut line = problem.solve(0.0, Free::Both)?;
        if line.slope < Self::MIN_SPREAD {
            line = problem.solve(Self::MIN_SPREAD, Free::Intercept)?;
        }
        let slope = line.slope / unit;
        Ok(Self {
            slope,
            intercept: line.intercept - slope * centre,
        })
    }

    /// Fits a temperature T: intercept 0, slope 1/T. The logit 0 keeps the score 0.5.
    ///
    /// Same targets, method and guard of the slope as [`Platt::fit`]; the slope stays 1 when all logits are 0.
    /// Source: Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017 (there with unsmoothed
    /// labels, for which a separable set has no finite optimum).
    ///
    /// # Errors
    /// As [`Platt::fit`].
    pub fn fit_temperature(labels: &[bool], logits: &[f64]) -> Result<Self, MetricsError> {
        let targets = targets(labels, logits)?;
        let unit = largest(logits.iter().copied());
        if unit <= 0.0 {
            return Ok(Self::IDENTITY);
        }
        let scaled: Vec<f64> = logits.iter().map(|logit| logit / unit).collect();
        let problem = Problem {
            xs: &scaled,
            targets: &targets,
        };
        let line = problem.solve(0.0, Free::Slope)?;
        Ok(Self {
            slope: line.slope.max(Self::MIN_SPREAD) / unit,
            intercept: 0.0,
        })
    }

    /// The calibrated probability of a fracture, in [0, 1]. NaN for a NaN logit.
    #[must_use]
    pub fn score(&self, logit: f64) -> f64 {
        sigmoid(self.slope * logit + self.intercept)
    }
}

impl Default for Platt {
    fn default() -> Self {
        Self::IDENTITY
    }
}

/// The logistic function 1 / (1 + e⁻ˣ), in [0, 1], without overflow and with full relative precision in both tails.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + eˣ) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest, value| value.abs().max(largest))
}

/// Platt's smoothed labels.
fn targets(labels: &[bool], logits: &[f64]) -> Result<Vec<f64>, MetricsError> {
    check::scores(labels, logits)?;
    let positives = labels.iter().filter(|fractured| **fractured).count();
    let negatives = labels.len() - positives;
    if positives == 0 || negatives == 0 {
        return Err(MetricsError::OneClass {
            positives,
            negatives,
        });
    }
    let high = (positives as f64 + 1.0) / (positives as f64 + 2.0);
    let low = 1.0 / (negatives as f64 + 2.0);
    Ok(labels
        .iter()
        .map(|fractured| if *fractured { high } else { low })
        .collect())
}

/// Which parameters a fit may move.
#[derive(Clone, Copy, PartialEq)]
enum Free {
    Both,
    Slope,
    Intercept,
}

#[derive(Clone, Copy)]
struct Line {
    slope: f64,
    intercept: f64,
}

impl Line {
    fn at(self, x: f64) -> f64 {
        self.slope * x + self.intercept
    }

    fn moved(self, stride: f64, step: Self) -> Self {
        Self {
            slope: self.slope + stride * step.slope,
            intercept: self.intercept + stride * step.intercept,
        }
    }
}

/// Points (x, target) and the cross-entropy between the targets and sigmoid(line(x)) as a function of the line.
struct Problem<'a> {
    /// In [−1, 1].
    xs: &'a [f64],
    targets: &'a [f64],
}

impl Problem<'_> {
    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.xs.iter().copied().zip(self.targets.iter().copied())
    }

    fn loss(&self, line: Line) -> f64 {
        self.points()
            .map(|(x, target)| {
                let z = line.at(x);
                target * softplus(-z) + (1.0 - target) * softplus(z)
            })
            .sum()
    }

    /// Newton's step, and the slope of the loss along it.
    fn step(&self, line: Line, free: Free) -> (Line, f64) {
        // Gradient (g) and Hessian (h) in slope (s) and intercept (i). The ridge is that of Lin, Lin & Weng: it keeps the
        // equations solvable and does not move the optimum.
        let ridge = 1e-12;
        let (mut gs, mut gi, mut hss, mut hsi, mut hii) = (0.0, 0.0, ridge, 0.0, ridge);
        for (x, target) in self.points() {
            let z = line.at(x);
            let error = sigmoid(z) - target;
            let weight = sigmoid(z) * sigmoid(-z);
            gs += error * x;
            gi += error;
            hss += weight * x * x;
            hsi += weight * x;
            hii += weight;
        }
        let (slope, intercept) = match free {
            Free::Both => {
                let determinant = hss * hii - hsi * hsi;
                (
                    (hsi * gi - hii * gs) / determinant,
                    (hsi * gs - hss * gi) / determinant,
                )
            }
            Free::Slope => (-gs / hss, 0.0),
            Free::Intercept => (0.0, -gi / hii),
        };
        (Line { slope, intercept }, gs * slope + gi * intercept)
    }

    /// The line of least loss, started from `slope` and intercept 0.
    fn solve(&self, slope: f64, free: Free) -> Result<Line, MetricsError> {
        let mut line = Line {
            slope,
            intercept: 0.0,
        };
        let mut length = f64::INFINITY;
        for _ in 0..STEPS {
            let (step, descent) = self.step(line, free);
            length = step.slope.abs() + step.intercept.abs();
            let stride = if length <= 0.01 {
                // No z moves by more than 0.01, so the Hessian changes by at most 1 % and full steps converge. A line search
                // would stumble over the rounding of the loss here.
                1.0
            } else {
                self.stride(line, step, descent)
            };
            line = line.moved(stride, step);
            if length <= 1e-10 || !length.is_finite() {
                break;
            }
        }
        // Nearly flat losses keep stepping by their rounding error.
        if length <= 1e-6 {
            Ok(line)
        } else {
            Err(MetricsError::NotConverged { iterations: STEPS })
        }
    }

    /// The longest of the strides 1, 1/2, 1/4, … that gains enough (Armijo's rule).
    fn stride(&self, line: Line, step: Line, descent: f64) -> f64 {
        let current = self.loss(line);
        let mut stride = 1.0;
        while stride > 1e-10
            && self.loss(line.moved(stride, step)) > current + 1e-4 * stride * descent
        {
            stride /= 2.0;
        }
        stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_keeps_its_tails() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1e4), 1.0);
        assert_eq!(sigmoid(-1e4), 0.0);
        assert!((sigmoid(-700.0) / (-700.0_f64).exp() - 1.0).abs() < 1e-15);
        assert_eq!(Platt::IDENTITY.score(-2.0), sigmoid(-2.0));
    }

    #[test]
    fn separable_logits_get_a_finite_slope() -> Result<(), MetricsError> {
        let fit = Platt::fit(&[true, true, false, false], &[3.0, 2.0, -2.0, -3.0])?;
        assert!(fit.slope > 0.1 && fit.slope < 10.0, "{fit:?}");
        // At the optimum the mean score is the mean target.
        let mean: f64 = [3.0, 2.0, -2.0, -3.0].map(|x| fit.score(x)).iter().sum();
        assert!((mean - 2.0).abs() < 1e-9);
        Ok(())
    }

    #[test]
    fn inverted_logits_do_not_turn_the_model_round() -> Result<(), MetricsError> {
        let labels = [true, true, false, false, false];
        let logits = [-3.0, -2.0, 2.0, 3.0, 4.0];
        let line = Platt::fit(&labels, &logits)?;
        // The logits' mean is 0.8; -3 is the farthest from it.
        assert!((line.slope - Platt::MIN_SPREAD / 3.8).abs() < 1e-15);
        let mean: f64 = logits.map(|logit| line.score(logit)).iter().sum();
        assert!((mean - (2.0 * 0.75 + 3.0 * 0.2)).abs() < 1e-9);
        let temperature = Platt::fit_temperature(&labels, &logits)?;
        assert!((temperature.slope - Platt::MIN_SPREAD / 4.0).abs() < 1e-15);
        Ok(())
    }

    #[test]
    fn equal_logits_leave_the_slope_alone() -> Result<(), MetricsError> {
        for level in [0.0, 0.1, -7.3, 1e8] {
            let fit = Platt::fit(&[true, false, false], &[level; 3])?;
            assert_eq!(fit.slope, 1.0);
            // Mean of the smoothed targets 2/3, 1/4, 1/4.
            assert!((fit.score(level) - 7.0 / 18.0).abs() < 1e-6, "{fit:?}");
        }
        assert_eq!(
            Platt::fit_temperature(&[true, false], &[0.0, 0.0])?,
            Platt::IDENTITY
        );
        Ok(())
    }

    #[test]
    fn wild_logits_settle() -> Result<(), MetricsError> {
        let labels = [true, false, true, false, true, false];
        for logits in [
            [-1e6, 1e6, 1e-6, 0.0, 5.0, 7.0],
            [1e6, -1e6, 1e-6, 0.0, 5.0, 7.0],
            [1e150, 1.0, -1.0, 0.0, 2.0, -1e150],
            [1e-9, 2e-9, 3e-9, -4e-9, 5e-9, 1.0],
            [100.0, 100.1, 100.2, 100.05, 100.15, 99.0],
        ] {
            assert!(Platt::fit(&labels, &logits)?.slope > 0.0);
            assert!(Platt::fit_temperature(&labels, &logits)?.slope > 0.0);
        }
        Ok(())
    }

    #[test]
    fn one_class_is_refused() {
        let refusal = MetricsError::OneClass {
            positives: 2,
            negatives: 0,
        };
        assert_eq!(Platt::fit(&[true, true], &[0.0, 1.0]), Err(refusal));
        assert!(Platt::fit_temperature(&[], &[]).is_err());
        assert!(matches!(
            Platt::fit(&[true, false], &[0.0, f64::INFINITY]),
            Err(MetricsError::NonFiniteScore { index: 1, .. })
        ));
    }
}
