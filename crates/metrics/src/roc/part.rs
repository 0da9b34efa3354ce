//! A part of the ROC curve: the area where few are falsely called fractured, and single points that hold a target.

use crate::ranked::Ranked;
use crate::{MetricsError, check};

/// The area under the ROC curve up to a false-positive rate of `max_fpr` in (0, 1], standardised after McClish so that 0.5 is
/// chance and 1 is perfect: (1 + (A − m²/2) / (m − m²/2)) / 2 with m = `max_fpr` and the area A itself.
///
/// Between two points of the curve it is interpolated linearly, as scikit-learn's `roc_auc_score(max_fpr=…)` does. In [0, 1]; below
/// 0.5 for what is worse than chance, though not antisymmetric about it: the worst is (1 − m) / (2 − m). With `max_fpr` 1 it is
/// [`roc_auc`](crate::roc_auc). `None` when a class is absent.
/// Source: McClish, "Analyzing a portion of the ROC curve", Medical Decision Making 9 (1989) 190.
///
/// # Errors
/// Unequal lengths; a score that is not finite; a limit outside (0, 1].
pub fn partial_auc(
    labels: &[bool],
    scores: &[f64],
    max_fpr: f64,
) -> Result<Option<f64>, MetricsError> {
    // Written so that NaN fails.
    if !(max_fpr > 0.0 && max_fpr <= 1.0) {
        return Err(MetricsError::BadRate { limit: max_fpr });
    }
    let ranked = Ranked::new(labels, scores)?;
    Ok(partial(
        ranked.positives,
        ranked.negatives,
        max_fpr,
        ranked.counts(),
    ))
}

/// [`partial_auc`] of (fractured, unfractured) counts by descending score.
pub(crate) fn partial(
    positives: u64,
    negatives: u64,
    max_fpr: f64,
    counts: impl Iterator<Item = (u64, u64)>,
) -> Option<f64> {
    if positives == 0 || negatives == 0 {
        return None;
    }
    // In units of one pair of images, doubled to keep the halves of ties whole.
    let limit = max_fpr * negatives as f64;
    let (mut tp, mut fp, mut twice) = (0, 0, 0_u128);
    let mut rest = 0.0;
    for (fractured, unfractured) in counts {
        if (fp + unfractured) as f64 > limit {
            let width = limit - fp as f64;
            let rise = fractured as f64 * (width / unfractured as f64);
            rest = width * (2.0 * tp as f64 + rise);
            break;
        }
        twice += u128::from(unfractured) * u128::from(2 * tp + fractured);
        tp += fractured;
        fp += unfractured;
    }
    let area = f64::midpoint(twice as f64, rest) / (positives as f64 * negatives as f64);
    let chance = max_fpr * max_fpr / 2.0;
    let standard = 0.5 * (1.0 + (area - chance) / (max_fpr - chance));
    Some(standard.clamp(0.0, 1.0))
}

/// The best sensitivity among the thresholds whose specificity on these data is at least `target`.
///
/// A value that is reached, at the threshold of [`for_specificity`](crate::for_specificity), and not interpolated between two
/// points of the curve: with few unfractured images it can lie well below what interpolation promises. 0 when only a threshold
/// above every score holds the target. As the threshold is chosen on the data it is judged on, the figure is optimistic with few
/// images; it says how scores rank, not how a fixed threshold will do. `None` when a class is absent.
/// Source: Pepe, *The Statistical Evaluation of Medical Tests for Classification and Prediction*, 2003, chapter 4 (ROC(t), on the
/// empirical curve).
///
/// # Errors
/// Unequal lengths; a score that is not finite; a target outside [0, 1].
pub fn sensitivity_at_specificity(
    labels: &[bool],
    scores: &[f64],
    target: f64,
) -> Result<Option<f64>, MetricsError> {
    check::target(target)?;
    let ranked = Ranked::new(labels, scores)?;
    let limits = Limits::new(ranked.positives, ranked.negatives, target);
    Ok(sensitivity_where(&limits, ranked.counts()))
}

/// The best specificity among the thresholds whose sensitivity on these data is at least `target`: that of
/// [`for_sensitivity`](crate::for_sensitivity), otherwise as [`sensitivity_at_specificity`].
///
/// # Errors
/// Unequal lengths; a score that is not finite; a target outside [0, 1].
pub fn specificity_at_sensitivity(
    labels: &[bool],
    scores: &[f64],
    target: f64,
) -> Result<Option<f64>, MetricsError> {
    check::target(target)?;
    let ranked = Ranked::new(labels, scores)?;
    let limits = Limits::new(ranked.positives, ranked.negatives, target);
    Ok(specificity_where(&limits, ranked.counts()))
}

/// What a target in [0, 1] means in images, for both recalls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    positives: u64,
    negatives: u64,
    /// False alarms that the target allows at most.
    most_fp: u64,
    /// Fractures that the target asks for at least.
    least_tp: u64,
}

impl Limits {
    pub fn new(positives: u64, negatives: u64, target: f64) -> Self {
        Self {
            positives,
            negatives,
            most_fp: negatives - least(negatives, target),
            least_tp: least(positives, target),
        }
    }
}

/// The least k of `n` with k / n ≥ `target`, as the quotient rounds: 0.9 of 10 is 9.
fn least(n: u64, target: f64) -> u64 {
    let holds = |k: u64| n == 0 || k as f64 / n as f64 >= target;
    let mut k = ((target * n as f64) as u64).min(n);
    while k > 0 && holds(k - 1) {
        k -= 1;
    }
    while k < n && !holds(k) {
        k += 1;
    }
    k
}

/// [`sensitivity_at_specificity`] of (fractured, unfractured) counts by descending score.
pub(crate) fn sensitivity_where(
    limits: &Limits,
    counts: impl Iterator<Item = (u64, u64)>,
) -> Option<f64> {
    let (mut tp, mut fp) = (0, 0);
    for (fractured, unfractured) in counts {
        fp += unfractured;
        if fp > limits.most_fp {
            break;
        }
        tp += fractured;
    }
    (limits.negatives > 0)
        .then(|| check::ratio(tp as f64, limits.positives as f64))
        .flatten()
}

/// [`specificity_at_sensitivity`] of (fractured, unfractured) counts by descending score.
pub(crate) fn specificity_where(
    limits: &Limits,
    mut counts: impl Iterator<Item = (u64, u64)>,
) -> Option<f64> {
    let (mut tp, mut fp) = (0, 0);
    while tp < limits.least_tp {
        let Some((fractured, unfractured)) = counts.next() else {
            break;
        };
        tp += fractured;
        fp += unfractured;
    }
    (limits.positives > 0)
        .then(|| {
            check::ratio(
                limits.negatives.saturating_sub(fp) as f64,
                limits.negatives as f64,
            )
        })
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [bool; 6] = [true, true, false, true, false, false];
    const SCORES: [f64; 6] = [0.9, 0.8, 0.6, 0.4, 0.4, 0.2];

    #[test]
    fn a_target_counts_images() {
        assert_eq!(least(10, 0.9), 9);
        assert_eq!(least(10, 0.91), 10);
        assert_eq!(least(3, 2.0 / 3.0), 2);
        assert_eq!((least(7, 0.0), least(7, 1.0), least(0, 0.5)), (0, 7, 0));
        // 0.1 × 3 rounds above 0.3.
        assert_eq!(least(1000, 0.1 * 3.0), 301);
    }

    #[test]
    fn points_are_reached_and_not_interpolated() -> Result<(), MetricsError> {
        let two_thirds = Some(2.0 / 3.0);
        assert_eq!(
            sensitivity_at_specificity(&LABELS, &SCORES, 1.0)?,
            two_thirds
        );
        // Between 1/3 and 2/3 of specificity nothing is gained.
        assert_eq!(
            sensitivity_at_specificity(&LABELS, &SCORES, 0.4)?,
            two_thirds
        );
        assert_eq!(
            sensitivity_at_specificity(&LABELS, &SCORES, 0.3)?,
            Some(1.0)
        );
        assert_eq!(
            specificity_at_sensitivity(&LABELS, &SCORES, 1.0)?,
            Some(1.0 / 3.0)
        );
        assert_eq!(
            specificity_at_sensitivity(&LABELS, &SCORES, 0.6)?,
            Some(1.0)
        );
        Ok(())
    }

    #[test]
    fn the_ends_of_the_partial_area() -> Result<(), MetricsError> {
        let labels = [true, true, false, false];
        let perfect = partial_auc(&labels, &[0.9, 0.8, 0.2, 0.1], 0.1)?;
        assert_eq!(perfect, Some(1.0));
        // The worst is not 0 but (1 − m) / (2 − m).
        let worst = partial_auc(&labels, &[0.1, 0.2, 0.8, 0.9], 0.5)?;
        assert!(worst.is_some_and(|worst| (worst - 1.0 / 3.0).abs() < 1e-15));
        // One step of all images: the diagonal.
        let chance = partial_auc(&labels, &[0.5; 4], 0.3)?;
        assert!(chance.is_some_and(|chance| (chance - 0.5).abs() < 1e-15));
        assert_eq!(partial_auc(&[true], &[0.5], 0.1)?, None);
        for bad in [0.0, -0.1, 1.1, f64::NAN] {
            assert!(matches!(
                partial_auc(&labels, &[0.5; 4], bad),
                Err(MetricsError::BadRate { .. })
            ));
        }
        Ok(())
    }
}
