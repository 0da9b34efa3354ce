//! From a logit to the calibrated score, and where the line between the decisions lies. All of it is fitted on val.

use osteon_metrics::{Isotonic, MetricsError, Platt, for_sensitivity, youden};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How logits become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// The plain sigmoid.
    None,
    /// One number, the temperature (Guo et al. 2017): keeps the decision at 0.5 where it was.
    Temperature,
    /// Slope and intercept (Platt 1999): also corrects a shifted prevalence.
    Platt,
    /// The best rising curve (Zadrozny & Elkan 2002): needs many images, and gives images of one step the same score.
    Isotonic,
}

/// score = sigmoid(slope · logit + intercept), or the isotonic curve where there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// How the two numbers were found.
    pub method: CalibrationMethod,
    /// Above 0, so that calibration never turns the order of two images.
    pub slope: f64,
    /// In logits.
    pub intercept: f64,
    /// The curve of the method `isotonic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isotonic: Option<Isotonic>,
}

/// A threshold with what it was chosen for and what it reached on val.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// What it is for: `balanced`, `screening`, `fixed`.
    pub name: String,
    /// An image with this score or more is called fractured.
    pub threshold: f64,
    /// On val.
    pub sensitivity: Option<f64>,
    /// On val.
    pub specificity: Option<f64>,
}

impl Calibration {
    /// The plain sigmoid.
    pub const NONE: Self = Self {
        method: CalibrationMethod::None,
        slope: 1.0,
        intercept: 0.0,
        isotonic: None,
    };

    /// Fits on val. `labels`: true for fractured; `logits`: the network's, same length, both classes present.
    pub fn fit(
        method: CalibrationMethod,
        labels: &[bool],
        logits: &[f64],
    ) -> Result<Self, MetricsError> {
        let isotonic = match method {
            CalibrationMethod::Isotonic => Some(Isotonic::fit(labels, logits)?),
            _ => None,
        };
        let platt = match method {
            CalibrationMethod::None | CalibrationMethod::Isotonic => Platt::IDENTITY,
            CalibrationMethod::Temperature => Platt::fit_temperature(labels, logits)?,
            CalibrationMethod::Platt => Platt::fit(labels, logits)?,
        };
        Ok(Self {
            method,
            slope: platt.slope,
            intercept: platt.intercept,
            isotonic,
        })
    }

    /// The calibrated probability of a fracture, 0..=1.
    #[must_use]
    pub fn score(&self, logit: f64) -> f64 {
        if let Some(curve) = &self.isotonic {
            return curve.score(logit);
        }
        Platt {
            slope: self.slope,
            intercept: self.intercept,
        }
        .score(logit)
    }
}

impl OperatingPoint {
    /// The threshold with the greatest sensitivity + specificity on val (Youden 1950); 0.5 where val has one class only.
    pub fn youden(labels: &[bool], scores: &[f64]) -> Result<Self, MetricsError> {
        match youden(labels, scores)? {
            Some(point) => Ok(Self {
                name: "balanced".to_owned(),
                // Beyond the outermost score a midpoint may leave the range of probabilities.
                threshold: point.threshold.clamp(0.0, 1.0),
                sensitivity: Some(point.sensitivity),
                specificity: Some(point.specificity),
            }),
            None => Self::fixed(0.5, labels, scores),
        }
    }

    /// The highest threshold that finds at least this share of val's fractures, 0..=1; `None` where val has one class only.
    pub fn screening(
        sensitivity: f64,
        labels: &[bool],
        scores: &[f64],
    ) -> Result<Option<Self>, MetricsError> {
        let point = for_sensitivity(labels, scores, sensitivity)?;
        Ok(point.map(|point| Self {
            name: "screening".to_owned(),
            threshold: point.threshold.clamp(0.0, 1.0),
            sensitivity: Some(point.sensitivity),
            specificity: Some(point.specificity),
        }))
    }

    /// A threshold set by hand, with what it reaches on val.
    pub fn fixed(threshold: f64, labels: &[bool], scores: &[f64]) -> Result<Self, MetricsError> {
        let confusion = osteon_metrics::Confusion::at_threshold(labels, scores, threshold)?;
        Ok(Self {
            name: "fixed".to_owned(),
            threshold,
            sensitivity: confusion.sensitivity(),
            specificity: confusion.specificity(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_keeps_the_order_and_mends_the_scale() {
        let labels: Vec<bool> = (0..40).map(|i| i % 4 == 0).collect();
        // Overconfident by a factor of ten and shifted: right in three of four.
        let logits: Vec<f64> = (0..40)
            .map(|i| {
                if (i % 4 == 0) == (i % 5 != 0) {
                    9.0
                } else {
                    -2.0
                }
            })
            .collect();
        let fitted =
            Calibration::fit(CalibrationMethod::Platt, &labels, &logits).expect("both classes");
        assert!(fitted.slope > 0.0 && fitted.slope < 1.0, "{fitted:?}");
        let mean: f64 = logits.iter().map(|&l| fitted.score(l)).sum::<f64>() / 40.0;
        assert!(
            (mean - 0.25).abs() < 0.03,
            "calibrated in the large: {mean}"
        );
        assert!((Calibration::NONE.score(0.0) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn the_default_point_is_youden_s() {
        let point = OperatingPoint::youden(&[false, false, true, true], &[0.1, 0.2, 0.7, 0.9])
            .expect("finite");
        assert_eq!(
            (point.sensitivity, point.specificity),
            (Some(1.0), Some(1.0))
        );
        assert!(point.threshold > 0.2 && point.threshold <= 0.7);
    }
}
