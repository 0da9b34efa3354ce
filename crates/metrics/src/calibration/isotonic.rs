//! A calibration of any rising shape.

use serde::{Deserialize, Serialize};

use crate::ranked::Ranked;
use crate::{MetricsError, check};

/// A calibration that never falls, in straight pieces between knots: of all rising functions the one of least squared error
/// on the images it was fitted to, found by pooling adjacent violators.
///
/// It follows any shape, where [`Platt`](super::Platt) knows one, and needs more images for it: about a thousand. It can answer
/// exactly 0 or 1, which the log loss of one surprise makes dear, and it gives images of one flat piece one score, which the
/// area under the ROC curve feels.
/// Sources: Zadrozny & Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD 2002;
/// de Leeuw, Hornik & Mair, "Isotone optimization in R: pool-adjacent-violators algorithm", J. Statistical Software 32 (2009) 5.
///
/// As JSON `{"knots": [[logit, probability], …]}`; what breaks the rules of [`Isotonic::new`] is not read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Isotonic {
    /// Invariant: not empty, finite, logits rising strictly, probabilities in [0, 1] and never falling.
    knots: Vec<(f64, f64)>,
}

/// What a file may say, before it is checked.
#[derive(Deserialize)]
#[serde(rename = "Isotonic", deny_unknown_fields)]
struct Stored {
    knots: Vec<(f64, f64)>,
}

impl TryFrom<Stored> for Isotonic {
    type Error = MetricsError;

    fn try_from(stored: Stored) -> Result<Self, MetricsError> {
        Self::new(stored.knots)
    }
}

/// Neighbouring scores that share one probability.
struct Block {
    low: f64,
    high: f64,
    positives: u64,
    images: u64,
}

impl Block {
    /// Whether this block's share of fractures is at least that of `next`; exact, in integers.
    fn violates(&self, next: &Self) -> bool {
        u128::from(self.positives) * u128::from(next.images)
            >= u128::from(next.positives) * u128::from(self.images)
    }
}

impl Isotonic {
    /// The function through these (logit, probability) knots.
    ///
    /// # Errors
    /// No knots; a knot that is not finite, whose logit does not lie above the one before, or whose probability lies outside
    /// [0, 1] or below the one before.
    pub fn new(knots: Vec<(f64, f64)>) -> Result<Self, MetricsError> {
        if knots.is_empty() {
            return Err(MetricsError::NoKnots);
        }
        let (mut below, mut least) = (f64::NEG_INFINITY, 0.0);
        for (index, &(logit, probability)) in knots.iter().enumerate() {
            let fits = logit.is_finite() && logit > below && (least..=1.0).contains(&probability);
            if !fits {
                return Err(MetricsError::BadKnot {
                    index,
                    logit,
                    probability,
                });
            }
            (below, least) = (logit, probability);
        }
        Ok(Self { knots })
    }

    /// Fits to validation images. Images of one logit count as one point of their mean, so their order does not matter.
    ///
    /// The knots are the ends of the flat pieces, at most twice as many as there are pieces. O(n log n).
    ///
    /// # Errors
    /// Unequal lengths; a logit that is not finite; one class only.
    pub fn fit(labels: &[bool], logits: &[f64]) -> Result<Self, MetricsError> {
        let ranked = Ranked::new(labels, logits)?;
        if ranked.lacks_a_class() {
            return Err(MetricsError::OneClass {
                positives: ranked.positives as usize,
                negatives: ranked.negatives as usize,
            });
        }
        let mut blocks: Vec<Block> = Vec::new();
        for tie in ranked.ties.iter().rev() {
            let mut block = Block {
                low: tie.score,
                high: tie.score,
                positives: tie.positives,
                images: tie.positives + tie.negatives,
            };
            while let Some(last) = blocks.pop_if(|last| last.violates(&block)) {
                block.low = last.low;
                block.positives += last.positives;
                block.images += last.images;
            }
            blocks.push(block);
        }
        let mut knots = Vec::with_capacity(2 * blocks.len());
        for block in blocks {
            let probability = block.positives as f64 / block.images as f64;
            knots.push((block.low, probability));
            if block.high > block.low {
                knots.push((block.high, probability));
            }
        }
        Self::new(knots)
    }

    /// The (logit, probability) knots, by rising logit; never empty.
    #[must_use]
    pub fn knots(&self) -> &[(f64, f64)] {
        &self.knots
    }

    /// The calibrated probability of a fracture, in [0, 1]: on the straight line between the two knots around `logit`, and
    /// the outermost knot's beyond them. NaN for NaN.
    #[must_use]
    pub fn score(&self, logit: f64) -> f64 {
        if logit.is_nan() {
            return f64::NAN;
        }
        let above = self.knots.partition_point(|knot| knot.0 <= logit);
        let left = above.checked_sub(1).and_then(|index| self.knots.get(index));
        match (left, self.knots.get(above)) {
            (Some(&(x0, p0)), Some(&(x1, p1))) => {
                // Halves, so that knots at both ends of the range of `f64` have a finite distance.
                let share = check::ratio(logit / 2.0 - x0 / 2.0, x1 / 2.0 - x0 / 2.0);
                (p0 + (p1 - p0) * share.unwrap_or(0.0)).clamp(p0, p1)
            }
            (Some(&(_, probability)), None) | (None, Some(&(_, probability))) => probability,
            // Invariant: there is at least one knot.
            (None, None) => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violators_are_pooled_and_ties_are_one_point() -> Result<(), MetricsError> {
        let labels = [false, true, false, false, true, true, true];
        let logits = [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0, 3.0];
        let fit = Isotonic::fit(&labels, &logits)?;
        let third = 1.0 / 3.0;
        assert_eq!(
            fit.knots(),
            [
                (-2.0, 0.0),
                (-1.0, third),
                (0.0, third),
                (1.0, 1.0),
                (3.0, 1.0)
            ]
        );
        assert_eq!(fit.score(-9.0), 0.0);
        assert_eq!(fit.score(9.0), 1.0);
        assert_eq!(fit.score(-0.5), third);
        assert!((fit.score(-1.5) - third / 2.0).abs() < 1e-15);
        Ok(())
    }

    #[test]
    fn inverted_logits_give_the_prevalence() -> Result<(), MetricsError> {
        let fit = Isotonic::fit(&[true, false, false, false], &[-1.0, 0.0, 1.0, 2.0])?;
        assert_eq!(fit.knots(), [(-1.0, 0.25), (2.0, 0.25)]);
        Ok(())
    }

    #[test]
    fn the_ends_of_the_range_have_a_middle() -> Result<(), MetricsError> {
        let wide = Isotonic::new(vec![(f64::MIN, 0.0), (f64::MAX, 1.0)])?;
        assert_eq!(wide.score(0.0), 0.5);
        assert_eq!(wide.score(f64::INFINITY), 1.0);
        assert!(wide.score(f64::NAN).is_nan());
        Ok(())
    }

    #[test]
    fn a_file_cannot_say_what_is_no_calibration() {
        assert_eq!(Isotonic::new(vec![]), Err(MetricsError::NoKnots));
        for bad in [
            vec![(0.0, 0.5), (0.0, 0.6)],
            vec![(0.0, 0.5), (1.0, 0.4)],
            vec![(0.0, 0.5), (1.0, 1.1)],
            vec![(0.0, 0.5), (f64::NAN, 0.6)],
            vec![(0.0, 0.5), (1.0, f64::NAN)],
        ] {
            assert!(matches!(
                Isotonic::new(bad),
                Err(MetricsError::BadKnot { index: 1, .. })
            ));
        }
        assert!(matches!(
            Isotonic::new(vec![(0.0, -0.1)]),
            Err(MetricsError::BadKnot { index: 0, .. })
        ));
    }
}
