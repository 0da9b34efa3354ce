//! Decisions of two models, compared by the images they disagree on.

use serde::{Deserialize, Serialize};

use crate::interval::{wilson_bounds, z_value};
use crate::{Estimate, MetricsError, check};

/// Two models' right and wrong decisions on the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Images compared.
    pub images: u64,
    /// Images decided rightly by both.
    pub both: u64,
    /// Images decided rightly by a alone.
    pub only_a: u64,
    /// Images decided rightly by b alone.
    pub only_b: u64,
    /// Two-sided p-value of McNemar's exact test: were the models equally good, each image that just one of them decides
    /// rightly would fall to either with probability 1/2, and at least so uneven a split would come up this often. 1 where no
    /// image divides them; `None` without images.
    pub exact: Option<f64>,
    /// The same with half the probability of the split itself, which the exact test counts whole and is therefore timid:
    /// the value to report. Rejects a true equality no more often than it says in practice, though that is not proven.
    pub mid_p: Option<f64>,
    /// Share decided rightly by a less that by b, in [−1, 1], with Newcombe's interval. All `None` without images.
    pub difference: Estimate,
}

/// [`McNemar`] over all images and over each class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedDecisions {
    /// All images: the difference is one of accuracies.
    pub accuracy: McNemar,
    /// Fractured images alone: the difference is one of sensitivities.
    pub sensitivity: McNemar,
    /// Unfractured images alone: the difference is one of specificities.
    pub specificity: McNemar,
}

impl McNemar {
    /// From counts: images right by both, by a alone, by b alone, by neither.
    ///
    /// p-values from the binomial distribution B(only_a + only_b, 1/2): exact p = min(1, 2 P(X ≤ k)) with k the lesser count,
    /// mid-p = 2 P(X ≤ k) − P(X = k). The interval is method 10 of Newcombe, which squares and adds the distances from
    /// each share to its Wilson limits, with a correction for their correlation; it does not collapse where no image divides the
    /// models. Counts saturate at the end of `u64`.
    ///
    /// Sources: McNemar, Psychometrika 12 (1947) 153; Fagerland, Lydersen & Laake, "The McNemar test for binary matched-pairs
    /// data: mid-p and asymptotic are better than exact conditional", BMC Medical Research Methodology 13 (2013) 91; Newcombe,
    /// "Improved confidence intervals for the difference between binomial proportions based on paired data", Statistics in
    /// Medicine 17 (1998) 2635.
    ///
    /// The airway reactivity of 21 children before and after a transplantation, an example of Fagerland, Lydersen & Laake,
    /// "Recommended tests and confidence intervals for paired binomial proportions", Statistics in Medicine 33 (2014) 2850:
    ///
    /// ```
    /// use osteon_metrics::McNemar;
    ///
    /// let children = McNemar::from_counts(1, 1, 7, 12, 0.95)?;
    /// let round = |figure: Option<f64>| figure.map(|value| (value * 1e3).round() / 1e3);
    /// assert_eq!((round(children.exact), round(children.mid_p)), (Some(0.07), Some(0.039)));
    /// let found = children.difference;
    /// assert_eq!((round(found.low), round(found.high)), (Some(-0.507), Some(-0.026)));
    /// # Ok::<(), osteon_metrics::MetricsError>(())
    /// ```
    ///
    /// # Errors
    /// A confidence that does not lie strictly between 0 and 1.
    pub fn from_counts(
        both: u64,
        only_a: u64,
        only_b: u64,
        neither: u64,
        confidence: f64,
    ) -> Result<Self, MetricsError> {
        let z = z_value(confidence)?;
        let images = [only_a, only_b, neither]
            .into_iter()
            .fold(both, u64::saturating_add);
        let tail = (images > 0).then(|| half_tail(only_a.min(only_b), only_a.abs_diff(only_b)));
        Ok(Self {
            images,
            both,
            only_a,
            only_b,
            exact: tail.map(|(below, point)| (2.0 * (below + point)).min(1.0)),
            mid_p: tail.map(|(below, point)| (2.0 * below + point).min(1.0)),
            difference: newcombe([both, only_a, only_b, neither].map(|count| count as f64), z),
        })
    }
}

/// Compares two models' decisions, `true` meaning "called fractured", on all images and on each class.
///
/// ```
/// use osteon_metrics::mcnemar;
///
/// let labels = [true, true, true, false, false];
/// let found = mcnemar(&labels, &[true; 5], &[true, false, false, false, true], 0.95)?;
/// assert_eq!((found.sensitivity.only_a, found.sensitivity.only_b), (2, 0));
/// assert_eq!((found.specificity.only_a, found.specificity.only_b), (0, 1));
/// // Two against none is what a coin gives in half of all cases.
/// assert_eq!(found.sensitivity.exact, Some(0.5));
/// # Ok::<(), osteon_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// Unequal lengths; a confidence that does not lie strictly between 0 and 1.
pub fn mcnemar(
    labels: &[bool],
    decisions_a: &[bool],
    decisions_b: &[bool],
    confidence: f64,
) -> Result<PairedDecisions, MetricsError> {
    check::lengths(labels.len(), decisions_a.len())?;
    check::lengths(labels.len(), decisions_b.len())?;
    // By class: right by both, by a alone, by b alone, by neither.
    let mut counts = [[0_u64; 4]; 2];
    for ((fractured, a), b) in labels.iter().zip(decisions_a).zip(decisions_b) {
        let outcome = usize::from(a != fractured) * 2 + usize::from(b != fractured);
        counts[usize::from(*fractured)][outcome] += 1;
    }
    let [unfractured, fractured] = counts;
    let table = |[both, only_a, only_b, neither]: [u64; 4]| {
        McNemar::from_counts(both, only_a, only_b, neither, confidence)
    };
    Ok(PairedDecisions {
        accuracy: table(std::array::from_fn(|outcome| {
            unfractured[outcome] + fractured[outcome]
        }))?,
        sensitivity: table(fractured)?,
        specificity: table(unfractured)?,
    })
}

/// (P(X < k), P(X = k)) for X binomial with 2k + `excess` trials of probability 1/2.
///
/// Terms are summed relative to the largest and divided by the sum of all, so nothing underflows that matters; about 20 √n
/// of them are not 0.
fn half_tail(k: u64, excess: u64) -> (f64, f64) {
    let trials = 2.0 * k as f64 + excess as f64;
    let middle = (trials / 2.0).floor();
    // Hoeffding: P(X <= k) is at most exp(-excess^2 / 2n), here less than the least number above 0.
    if excess as f64 * (excess as f64 / trials.max(1.0)) > 1500.0 {
        return (0.0, 0.0);
    }
    let (mut below, mut point, mut all) = (0.0, 0.0, 0.0);
    let (mut successes, mut term) = (middle, 1.0_f64);
    while term > 0.0 {
        // The distribution is symmetric: each term but the middle one of an even number of trials has a twin.
        all += if 2.0 * successes < trials {
            2.0 * term
        } else {
            term
        };
        if successes < k as f64 {
            below += term;
        } else if successes <= k as f64 {
            point = term;
        }
        term *= successes / (trials - successes + 1.0);
        successes -= 1.0;
    }
    (below / all, point / all)
}

/// Newcombe's method 10 for the counts right by both, by a alone, by b alone, by neither.
fn newcombe([both, only_a, only_b, neither]: [f64; 4], z: f64) -> Estimate {
    let n = both + only_a + only_b + neither;
    let difference = (only_a - only_b) / n;
    if n <= 0.0 {
        return Estimate::UNDEFINED;
    }
    let (a, b) = ((both + only_a) / n, (both + only_b) / n);
    let ((low_a, high_a), (low_b, high_b)) = (wilson_bounds(a, n, z), wilson_bounds(b, n, z));
    let correlation = {
        let cross = both * neither - only_a * only_b;
        let corrected = if cross > 0.0 {
            (cross - n / 2.0).max(0.0)
        } else {
            cross
        };
        let scale = ((both + only_a) * (only_b + neither)).sqrt()
            * ((both + only_b) * (only_a + neither)).sqrt();
        check::ratio(corrected, scale).unwrap_or(0.0)
    };
    // Not below 0 but by rounding: the correlation is at most 1.
    let reach = |one: f64, other: f64| {
        (one * one - 2.0 * correlation * one * other + other * other)
            .max(0.0)
            .sqrt()
    };
    let low = difference - reach(a - low_a, high_b - b);
    let high = difference + reach(high_a - a, b - low_b);
    Estimate::new(
        difference,
        low.clamp(-1.0, difference),
        high.clamp(difference, 1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_judged_by_the_binomial_distribution() -> Result<(), MetricsError> {
        let near = |found: McNemar, exact: f64, mid_p: f64| {
            assert!(found.exact.is_some_and(|p| (p - exact).abs() < 1e-15));
            assert!(found.mid_p.is_some_and(|p| (p - mid_p).abs() < 1e-15));
        };
        // B(8, 1/2): P(X <= 1) = 9/256.
        near(
            McNemar::from_counts(1, 1, 7, 12, 0.95)?,
            18.0 / 256.0,
            10.0 / 256.0,
        );
        // An even split: everything is at least so uneven.
        near(McNemar::from_counts(5, 4, 4, 5, 0.95)?, 1.0, 1.0);
        near(McNemar::from_counts(5, 2, 1, 5, 0.95)?, 1.0, 5.0 / 8.0);
        Ok(())
    }

    #[test]
    fn no_disagreement_and_no_image() -> Result<(), MetricsError> {
        let same = McNemar::from_counts(90, 0, 0, 10, 0.95)?;
        assert_eq!((same.exact, same.mid_p), (Some(1.0), Some(1.0)));
        assert_eq!(same.difference.value, Some(0.0));
        assert!(same.difference.low < Some(0.0) && same.difference.high > Some(0.0));
        let none = McNemar::from_counts(0, 0, 0, 0, 0.95)?;
        assert_eq!((none.exact, none.mid_p), (None, None));
        assert_eq!(none.difference, Estimate::UNDEFINED);
        Ok(())
    }

    #[test]
    fn many_images_neither_underflow_nor_take_long() -> Result<(), MetricsError> {
        let found = McNemar::from_counts(0, 10_000_000, 10_010_000, 0, 0.95)?;
        // z = 10,000 / sqrt(20,010,000) = 2.2355
        assert!(
            found.mid_p.is_some_and(|p| (p - 0.025_386).abs() < 1e-5),
            "{found:?}"
        );
        let sure = McNemar::from_counts(0, u64::MAX, 3, 0, 0.95)?;
        assert_eq!(sure.exact, Some(0.0));
        Ok(())
    }
}
