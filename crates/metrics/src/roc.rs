//! The ROC curve, the area under it or under its first part, and DeLong's interval of the area.

mod part;

pub(crate) use part::{Limits, partial, sensitivity_where, specificity_where};
pub use part::{partial_auc, sensitivity_at_specificity, specificity_at_sensitivity};

use serde::{Deserialize, Serialize};

use crate::calibration::sigmoid;
use crate::interval::{wilson_bounds, z_value};
use crate::ranked::Ranked;
use crate::{Estimate, MetricsError, check};

/// One point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Images with `score >= threshold` are called fractured; `None` at the curve's origin, where none is.
    pub threshold: Option<f64>,
    /// 1 − specificity, in [0, 1].
    pub false_positive_rate: f64,
    /// Sensitivity, in [0, 1].
    pub true_positive_rate: f64,
}

/// The ROC curve: (0, 0), then one point per distinct score in descending order, the last being (1, 1).
///
/// Tied images move together, so a tie of both classes is one slanted step. Empty when a class is absent: a rate is then
/// undefined. Source: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006) 861, algorithm 1.
///
/// # Errors
/// Unequal lengths; a score that is not finite.
pub fn roc_curve(labels: &[bool], scores: &[f64]) -> Result<Vec<RocPoint>, MetricsError> {
    let ranked = Ranked::new(labels, scores)?;
    if ranked.lacks_a_class() {
        return Ok(Vec::new());
    }
    let origin = RocPoint {
        threshold: None,
        false_positive_rate: 0.0,
        true_positive_rate: 0.0,
    };
    let rest = ranked.cumulative().map(|(tie, tp, fp)| RocPoint {
        threshold: Some(tie.score),
        false_positive_rate: fp as f64 / ranked.negatives as f64,
        true_positive_rate: tp as f64 / ranked.positives as f64,
    });
    Ok(std::iter::once(origin).chain(rest).collect())
}

/// Area under the ROC curve, in [0, 1]: the probability that a fractured image outscores an unfractured one, ties counting
/// half (the Mann–Whitney statistic U / (P·N)).
///
/// Counted in integers after one sort, O(n log n), so ties are exact. `None` when a class is absent.
/// Source: Hanley & McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982) 29.
///
/// # Errors
/// Unequal lengths; a score that is not finite.
pub fn roc_auc(labels: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricsError> {
    Ok(area(&Ranked::new(labels, scores)?))
}

pub(crate) fn area(ranked: &Ranked) -> Option<f64> {
    area_of(ranked.positives, ranked.negatives, ranked.counts())
}

/// The area under the curve of (fractured, unfractured) counts by descending score; scores with no images change nothing.
pub(crate) fn area_of(
    positives: u64,
    negatives: u64,
    counts: impl Iterator<Item = (u64, u64)>,
) -> Option<f64> {
    // Twice U, to keep the halves of ties whole: for every tied group, the pairs it loses and those it shares.
    let (mut above, mut twice) = (0, 0_u128);
    for (fractured, unfractured) in counts {
        twice += u128::from(unfractured) * u128::from(2 * above + fractured);
        above += fractured;
    }
    check::ratio(twice as f64 / 2.0, positives as f64 * negatives as f64)
}

/// DeLong's variance of the area under the ROC curve, S₁₀/P + S₀₁/N, S₁₀ and S₀₁ being the sample variances of the placement
/// values: the share of unfractured images below each fractured one, and of fractured images above each unfractured one.
///
/// `None` with fewer than two images of a class. O(n log n): a placement value is a difference of midranks.
/// Sources: DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988) 837; Sun & Xu, "Fast implementation of DeLong's algorithm for
/// comparing the areas under correlated receiver operating characteristic curves", IEEE Signal Processing Letters 21 (2014) 1389.
///
/// # Errors
/// Unequal lengths; a score that is not finite.
pub fn delong_variance(labels: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricsError> {
    let ranked = Ranked::new(labels, scores)?;
    Ok(area(&ranked).and_then(|area| variance(&ranked, area)))
}

fn variance(ranked: &Ranked, area: f64) -> Option<f64> {
    if ranked.positives < 2 || ranked.negatives < 2 {
        return None;
    }
    let (positives, negatives) = (ranked.positives as f64, ranked.negatives as f64);
    let (mut fractured, mut unfractured) = (0.0, 0.0);
    for (tie, tp, fp) in ranked.cumulative() {
        let below = (ranked.negatives - fp) as f64 + tie.negatives as f64 / 2.0;
        let above = (tp - tie.positives) as f64 + tie.positives as f64 / 2.0;
        fractured += tie.positives as f64 * (below / negatives - area).powi(2);
        unfractured += tie.negatives as f64 * (above / positives - area).powi(2);
    }
    Some(fractured / (positives - 1.0) / positives + unfractured / (negatives - 1.0) / negatives)
}

/// The area under the ROC curve with DeLong's confidence interval (see [`delong_variance`]).
///
/// The interval is taken on the logit scale, logit(A) ± z·SE / (A(1−A)), and mapped back, so it never leaves [0, 1] and is
/// wider towards 0.5, where the truth of a high area more likely lies.
///
/// Where DeLong's variance says nothing (it is 0 at perfect or perfectly inverted separation and for constant scores, and
/// undefined with one image of a class) the interval is Wilson's for the area as a proportion of min(P, N) independent pairs:
/// a wide and honest answer in place of a zero-width one. All `None` when a class is absent.
///
/// # Errors
/// Unequal lengths; a score that is not finite; a confidence that does not lie strictly between 0 and 1.
pub fn delong(labels: &[bool], scores: &[f64], confidence: f64) -> Result<Estimate, MetricsError> {
    delong_ranked(&Ranked::new(labels, scores)?, confidence)
}

pub(crate) fn delong_ranked(ranked: &Ranked, confidence: f64) -> Result<Estimate, MetricsError> {
    let z = z_value(confidence)?;
    let Some(area) = area(ranked) else {
        return Ok(Estimate::UNDEFINED);
    };
    // A true variance is at least of the order of 1/(P·N)²; what is smaller is rounding around 0.
    let inside = area > 0.0 && area < 1.0;
    let (low, high) = match variance(ranked, area) {
        Some(variance) if variance > f64::EPSILON * f64::EPSILON && inside => {
            let logit = (area / (1.0 - area)).ln();
            let half = z * variance.sqrt() / (area * (1.0 - area));
            (
                sigmoid(logit - half).clamp(0.0, area),
                sigmoid(logit + half).clamp(area, 1.0),
            )
        }
        _ => wilson_bounds(area, ranked.positives.min(ranked.negatives) as f64, z),
    };
    Ok(Estimate::new(area, low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_of_both_classes_is_one_slanted_step() -> Result<(), MetricsError> {
        let (labels, scores) = ([true, false, true, false], [0.9, 0.5, 0.5, 0.1]);
        let points: Vec<_> = roc_curve(&labels, &scores)?
            .iter()
            .map(|point| (point.false_positive_rate, point.true_positive_rate))
            .collect();
        assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0)]);
        assert_eq!(roc_auc(&labels, &scores)?, Some(0.875));
        Ok(())
    }

    #[test]
    fn one_class_is_undefined() -> Result<(), MetricsError> {
        assert!(roc_curve(&[true, true], &[0.1, 0.2])?.is_empty());
        assert_eq!(roc_auc(&[false], &[0.1])?, None);
        assert_eq!(roc_auc(&[], &[])?, None);
        assert_eq!(
            delong(&[true, true], &[0.1, 0.2], 0.95)?,
            Estimate::UNDEFINED
        );
        Ok(())
    }

    #[test]
    fn degenerate_variance_gives_a_wide_interval() -> Result<(), MetricsError> {
        let labels = [true, true, true, false, false, false];
        let perfect = delong(&labels, &[0.9, 0.8, 0.7, 0.3, 0.2, 0.1], 0.95)?;
        assert_eq!((perfect.value, perfect.high), (Some(1.0), Some(1.0)));
        assert!(perfect.low.is_some_and(|low| low > 0.3 && low < 0.5));
        let constant = delong(&labels, &[0.3; 6], 0.95)?;
        assert_eq!(constant.value, Some(0.5));
        assert!(constant.low.is_some_and(|low| low < 0.2));
        let lonely = delong(&[true, false, false], &[0.5, 0.6, 0.4], 0.95)?;
        assert_eq!(lonely.value, Some(0.5));
        assert!(lonely.low.is_some());
        Ok(())
    }
}
