//! The precision–recall curve and average precision.

use serde::{Deserialize, Serialize};

use crate::MetricsError;
use crate::ranked::Ranked;

/// One point of a precision–recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrPoint {
    /// Images with `score >= threshold` are called fractured.
    pub threshold: f64,
    /// TP / (TP + FP), in [0, 1].
    pub precision: f64,
    /// Sensitivity, in [0, 1].
    pub recall: f64,
}

/// The precision–recall curve: one point per distinct score in descending order, recall growing to 1.
///
/// There is no point at recall 0: nothing is called fractured there, so precision is undefined. (scikit-learn appends the
/// convention "recall 0, precision 1".) Empty without fractured images.
/// Source: Davis & Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
///
/// # Errors
/// Unequal lengths; a score that is not finite.
pub fn pr_curve(labels: &[bool], scores: &[f64]) -> Result<Vec<PrPoint>, MetricsError> {
    let ranked = Ranked::new(labels, scores)?;
    if ranked.positives == 0 {
        return Ok(Vec::new());
    }
    Ok(ranked
        .cumulative()
        .map(|(tie, tp, fp)| PrPoint {
            threshold: tie.score,
            precision: tp as f64 / (tp + fp) as f64,
            recall: tp as f64 / ranked.positives as f64,
        })
        .collect())
}

/// Average precision, Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores in descending order, in (0, 1]: the step-wise area under the
/// precision–recall curve, not interpolated, as scikit-learn's `average_precision_score` defines it.
///
/// Tied images enter together. A coin's average precision is the prevalence, not 0.5. `None` without fractured images.
/// Source: Boyd, Eng & Page, "Area under the precision-recall curve: point estimates and confidence intervals", ECML 2013.
///
/// # Errors
/// Unequal lengths; a score that is not finite.
pub fn average_precision(labels: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricsError> {
    let ranked = Ranked::new(labels, scores)?;
    Ok(area(ranked.positives, ranked.counts()))
}

/// Average precision of (fractured, unfractured) counts by descending score; scores with no images change nothing.
pub(crate) fn area(positives: u64, counts: impl Iterator<Item = (u64, u64)>) -> Option<f64> {
    if positives == 0 {
        return None;
    }
    let (mut tp, mut flagged, mut sum) = (0, 0, 0.0);
    for (fractured, unfractured) in counts {
        tp += fractured;
        flagged += fractured + unfractured;
        if fractured > 0 {
            sum += fractured as f64 * (tp as f64 / flagged as f64);
        }
    }
    // Rounding may lift a perfect ranking's sum by a few ulps.
    Some((sum / positives as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tied_images_enter_together() -> Result<(), MetricsError> {
        let (labels, scores) = ([true, false, true, false], [0.9, 0.5, 0.5, 0.1]);
        // Half the recall at precision 1, the other half at 2/3.
        let average = average_precision(&labels, &scores)?;
        assert!(average.is_some_and(|value| (value - 5.0 / 6.0).abs() < 1e-15));
        let points: Vec<_> = pr_curve(&labels, &scores)?
            .iter()
            .map(|point| (point.recall, point.precision))
            .collect();
        assert_eq!(points, [(0.5, 1.0), (1.0, 2.0 / 3.0), (1.0, 0.5)]);
        Ok(())
    }

    #[test]
    fn no_fracture_is_undefined() -> Result<(), MetricsError> {
        assert_eq!(average_precision(&[false, false], &[0.1, 0.2])?, None);
        assert_eq!(average_precision(&[true], &[0.1])?, Some(1.0));
        assert!(pr_curve(&[false], &[0.1])?.is_empty());
        Ok(())
    }
}
