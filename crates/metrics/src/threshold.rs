//! Where to put the decision threshold. Choose it on the validation images, never on the test images.

use serde::{Deserialize, Serialize};

use crate::ranked::Ranked;
use crate::{MetricsError, check};

/// A threshold and what it does on the data it was chosen on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// Images with `score >= threshold` are called fractured. Always finite.
    ///
    /// It lies midway between two neighbouring distinct scores, so rounding of scores does not move the point. Beyond the
    /// outermost scores the neighbours are 0 and 1 when all scores are probabilities, else one unit away. A threshold above a
    /// score of exactly 1 is the next number above 1.
    pub threshold: f64,
    /// Recall of the fractured at this threshold, in [0, 1].
    pub sensitivity: f64,
    /// Recall of the unfractured at this threshold, in [0, 1].
    pub specificity: f64,
}

/// The threshold of largest Youden index, sensitivity + specificity − 1; compared in integers, so ties are exact. Among equals
/// the lowest threshold, that of the highest sensitivity: a missed fracture costs more than a second look.
///
/// `None` when a class is absent. Source: Youden, "Index for rating diagnostic tests", Cancer 3 (1950) 32.
///
/// # Errors
/// Unequal lengths; a score that is not finite.
pub fn youden(labels: &[bool], scores: &[f64]) -> Result<Option<OperatingPoint>, MetricsError> {
    let ranked = Ranked::new(labels, scores)?;
    // P·N times the index, less a constant.
    let index = |cut: &Cut| {
        i128::from(cut.tp) * i128::from(ranked.negatives)
            - i128::from(cut.fp) * i128::from(ranked.positives)
    };
    // `max_by_key` takes the last among equals, and the cuts come by descending threshold.
    Ok(point(&ranked, cuts(&ranked).max_by_key(index)))
}

/// The highest threshold whose sensitivity is at least `target`: of all that find enough fractures, the most specific.
///
/// `None` when a class is absent. A target of 0 gives a threshold above every score.
///
/// # Errors
/// Unequal lengths; a score that is not finite; a target outside [0, 1].
pub fn for_sensitivity(
    labels: &[bool],
    scores: &[f64],
    target: f64,
) -> Result<Option<OperatingPoint>, MetricsError> {
    check::target(target)?;
    let ranked = Ranked::new(labels, scores)?;
    let enough = |cut: &Cut| cut.tp as f64 / ranked.positives as f64 >= target;
    Ok(point(&ranked, cuts(&ranked).find(enough)))
}

/// The lowest threshold whose specificity is at least `target`: of all that spare enough unfractured images, the most sensitive.
///
/// `None` when a class is absent. A target of 0 gives a threshold at or below every score.
///
/// # Errors
/// Unequal lengths; a score that is not finite; a target outside [0, 1].
pub fn for_specificity(
    labels: &[bool],
    scores: &[f64],
    target: f64,
) -> Result<Option<OperatingPoint>, MetricsError> {
    check::target(target)?;
    let ranked = Ranked::new(labels, scores)?;
    let enough = |cut: &Cut| (ranked.negatives - cut.fp) as f64 / ranked.negatives as f64 >= target;
    Ok(point(&ranked, cuts(&ranked).filter(enough).last()))
}

/// A way to cut the ranking in two: the first `flagged` distinct scores are called fractured.
#[derive(Clone, Copy)]
struct Cut {
    flagged: usize,
    tp: u64,
    fp: u64,
}

/// Every cut, by descending threshold, from none flagged to all flagged.
fn cuts(ranked: &Ranked) -> impl Iterator<Item = Cut> {
    let none = Cut {
        flagged: 0,
        tp: 0,
        fp: 0,
    };
    let rest = ranked
        .cumulative()
        .enumerate()
        .map(|(index, (_, tp, fp))| Cut {
            flagged: index + 1,
            tp,
            fp,
        });
    std::iter::once(none).chain(rest)
}

fn point(ranked: &Ranked, cut: Option<Cut>) -> Option<OperatingPoint> {
    if ranked.lacks_a_class() {
        return None;
    }
    let cut = cut?;
    let (positives, negatives) = (ranked.positives, ranked.negatives);
    Some(OperatingPoint {
        threshold: between(ranked, cut.flagged)?,
        sensitivity: cut.tp as f64 / positives as f64,
        specificity: (negatives - cut.fp) as f64 / negatives as f64,
    })
}

/// The threshold that flags exactly the first `flagged` distinct scores. `None` without scores.
fn between(ranked: &Ranked, flagged: usize) -> Option<f64> {
    let highest = ranked.ties.first()?.score;
    let lowest = ranked.ties.last()?.score;
    let probabilities = lowest >= 0.0 && highest <= 1.0;
    let above = match flagged.checked_sub(1) {
        Some(last) => ranked.ties.get(last)?.score,
        None if probabilities => 1.0,
        None => highest + 1.0,
    };
    let below = match ranked.ties.get(flagged) {
        Some(tie) => tie.score,
        None if probabilities => 0.0,
        None => lowest - 1.0,
    };
    let middle = f64::midpoint(above, below);
    if flagged == ranked.ties.len() {
        // All flagged: the threshold may be the lowest score itself, as it is for a score of 0.
        return Some(middle.min(lowest));
    }
    // The midpoint of two adjacent floats can be the lower one, which must stay below the threshold.
    Some(if middle > below {
        middle
    } else {
        below.next_up()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Confusion;

    const LABELS: [bool; 6] = [true, true, false, true, false, false];
    const SCORES: [f64; 6] = [0.9, 0.8, 0.6, 0.4, 0.4, 0.2];

    #[test]
    fn thresholds_lie_midway() -> Result<(), MetricsError> {
        let near = |point: Option<OperatingPoint>, threshold: f64, sensitivity: f64| {
            assert!(
                point.is_some_and(|point| (point.threshold - threshold).abs() < 1e-12
                    && (point.sensitivity - sensitivity).abs() < 1e-12),
                "{point:?}"
            );
        };
        near(youden(&LABELS, &SCORES)?, 0.7, 2.0 / 3.0);
        near(
            for_sensitivity(&LABELS, &SCORES, 2.0 / 3.0)?,
            0.7,
            2.0 / 3.0,
        );
        near(for_sensitivity(&LABELS, &SCORES, 0.7)?, 0.3, 1.0);
        near(for_sensitivity(&LABELS, &SCORES, 0.0)?, 0.95, 0.0);
        near(for_specificity(&LABELS, &SCORES, 1.0)?, 0.7, 2.0 / 3.0);
        near(for_specificity(&LABELS, &SCORES, 0.0)?, 0.1, 1.0);
        Ok(())
    }

    #[test]
    fn equal_youden_prefers_sensitivity() -> Result<(), MetricsError> {
        // Cutting after the first or after the third image gives the same index, 1/2.
        let point = youden(&[true, false, true, false], &[0.9, 0.7, 0.5, 0.1])?;
        assert!(point.is_some_and(|point| point.sensitivity == 1.0));
        Ok(())
    }

    #[test]
    fn the_edges_of_the_scale_still_separate() -> Result<(), MetricsError> {
        // An unfractured image with score 1: only a threshold above 1 spares it.
        let (labels, scores) = ([false, true], [1.0, 0.0]);
        let none = for_specificity(&labels, &scores, 1.0)?;
        assert_eq!(none.map(|point| point.threshold), Some(1.0_f64.next_up()));
        let all = for_sensitivity(&labels, &scores, 1.0)?;
        assert_eq!(all.map(|point| point.threshold), Some(0.0));
        // Adjacent floats.
        let tight = [0.5_f64.next_up(), 0.5];
        let point = for_specificity(&[true, false], &tight, 1.0)?;
        assert_eq!(point.map(|point| point.threshold), Some(tight[0]));
        Ok(())
    }

    #[test]
    fn the_point_holds_for_any_scores() -> Result<(), MetricsError> {
        let logits = [-1e300, 3.0, 3.0, -2.5, 0.0, 1e300];
        for target in [0.0, 0.3, 0.5, 0.9, 1.0] {
            for point in [
                for_sensitivity(&LABELS, &logits, target)?,
                for_specificity(&LABELS, &logits, target)?,
                youden(&LABELS, &logits)?,
            ]
            .into_iter()
            .flatten()
            {
                let counts = Confusion::at_threshold(&LABELS, &logits, point.threshold)?;
                assert_eq!(counts.sensitivity(), Some(point.sensitivity));
                assert_eq!(counts.specificity(), Some(point.specificity));
            }
        }
        Ok(())
    }

    #[test]
    fn one_class_is_undefined_and_bad_targets_are_named() -> Result<(), MetricsError> {
        assert_eq!(youden(&[true], &[0.5])?, None);
        assert_eq!(for_sensitivity(&[], &[], 0.9)?, None);
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(
                for_specificity(&LABELS, &SCORES, bad),
                Err(MetricsError::BadTarget { .. })
            ));
        }
        Ok(())
    }
}
