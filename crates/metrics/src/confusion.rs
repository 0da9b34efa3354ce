//! The confusion matrix and the figures read off it.

use serde::{Deserialize, Serialize};

use crate::{MetricsError, check};

/// Counts of the four outcomes; *positive* is *fractured*.
///
/// Every figure is a ratio of counts and is `None` when its denominator is 0; all lie in [0, 1] but [`Confusion::kappa`] and
/// [`Confusion::mcc`], which lie in [−1, 1]. Definitions as in Altman & Bland,
/// "Diagnostic tests 1: sensitivity and specificity", BMJ 308 (1994) 1552, and "Diagnostic tests 2: predictive values",
/// BMJ 309 (1994) 102.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Fractured, called fractured.
    pub tp: u64,
    /// Fractured, called unfractured: a missed fracture.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Unfractured, called fractured: a false alarm.
    pub fp: u64,
    /// Unfractured, called unfractured.
    pub tn: u64,
}

impl Confusion {
    /// Counts the outcomes of the rule "fractured when `score >= threshold`".
    ///
    /// # Errors
    /// Unequal lengths, a score that is not finite, a threshold that is not finite.
    pub fn at_threshold(
        labels: &[bool],
        scores: &[f64],
        threshold: f64,
    ) -> Result<Self, MetricsError> {
        check::scores(labels, scores)?;
        check::threshold(threshold)?;
        Ok(Self::count(
            labels.iter().copied(),
            scores.iter().map(|score| *score >= threshold),
        ))
    }

    /// Counts the outcomes of decisions already taken; `true` means "called fractured".
    ///
    /// # Errors
    /// Unequal lengths.
    pub fn from_decisions(labels: &[bool], decisions: &[bool]) -> Result<Self, MetricsError> {
        check::lengths(labels.len(), decisions.len())?;
        Ok(Self::count(
            labels.iter().copied(),
            decisions.iter().copied(),
        ))
    }

    fn count(labels: impl Iterator<Item = bool>, decisions: impl Iterator<Item = bool>) -> Self {
        let mut counts = Self::default();
        for outcome in labels.zip(decisions) {
            match outcome {
                (true, true) => counts.tp += 1,
                (true, false) => counts.fn_ += 1,
                (false, true) => counts.fp += 1,
                (false, false) => counts.tn += 1,
            }
        }
        counts
    }

    /// All images: TP + FN + FP + TN. (Sums saturate: the fields are public and may have been read from a file.)
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.positives().saturating_add(self.negatives())
    }

    /// Fractured images: TP + FN.
    #[must_use]
    pub const fn positives(&self) -> u64 {
        self.tp.saturating_add(self.fn_)
    }

    /// Unfractured images: FP + TN.
    #[must_use]
    pub const fn negatives(&self) -> u64 {
        self.fp.saturating_add(self.tn)
    }

    /// Share of right calls, (TP + TN) / total. `None` without images.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        share(self.tp.saturating_add(self.tn), self.total())
    }

    /// Recall of the fractured, TP / (TP + FN). `None` without fractured images.
    #[must_use]
    pub fn sensitivity(&self) -> Option<f64> {
        share(self.tp, self.positives())
    }

    /// Recall of the unfractured, TN / (TN + FP). `None` without unfractured images.
    #[must_use]
    pub fn specificity(&self) -> Option<f64> {
        share(self.tn, self.negatives())
    }

    /// Positive predictive value, TP / (TP + FP). `None` when nothing was called fractured.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.tp, self.tp.saturating_add(self.fp))
    }

    /// Negative predictive value, TN / (TN + FN). `None` when nothing was called unfractured.
    #[must_use]
    pub fn npv(&self) -> Option<f64> {
        share(self.tn, self.tn.saturating_add(self.fn_))
    }

    /// Harmonic mean of precision and sensitivity, 2 TP / (2 TP + FP + FN). `None` when TP, FP and FN are all 0.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        self.f_beta(1.0)
    }

    /// Weighted harmonic mean in which sensitivity counts `beta` times as much as precision,
    /// (1 + β²) TP / ((1 + β²) TP + β² FN + FP) (van Rijsbergen, *Information Retrieval*, 2nd ed. 1979, chapter 7).
    ///
    /// `None` when the denominator is 0, or when `beta` is negative or not finite.
    #[must_use]
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let square = beta * beta;
        if beta < 0.0 || !square.is_finite() {
            return None;
        }
        let hits = (1.0 + square) * self.tp as f64;
        let misses = square * self.fn_ as f64 + self.fp as f64;
        check::ratio(hits, hits + misses)
    }

    /// Mean of sensitivity and specificity (Brodersen et al., "The balanced accuracy and its posterior distribution",
    /// ICPR 2010). `None` when a class is absent.
    #[must_use]
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some(f64::midpoint(self.sensitivity()?, self.specificity()?))
    }

    /// Cohen's kappa: the agreement of calls and labels beyond that of chance, (pₒ − pₑ) / (1 − pₑ), in [−1, 1], with the share of
    /// right calls pₒ and the share pₑ that calls of the same frequencies would have by chance. In counts,
    /// 2 (TP·TN − FP·FN) / ((TP + FP)(FP + TN) + (TP + FN)(FN + TN)).
    ///
    /// `None` without images, and where labels and calls are all of one and the same class: chance alone then agrees always, and
    /// the ratio is 0/0. (scikit-learn gives NaN there, or what it is told to.) 0 when only one of the two is all of one class.
    /// Source: Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960) 37.
    #[must_use]
    pub fn kappa(&self) -> Option<f64> {
        let (called, spared) = self.calls();
        let (positives, negatives) = (self.positives() as f64, self.negatives() as f64);
        check::ratio(
            2.0 * self.determinant(),
            called * negatives + positives * spared,
        )
    }

    /// Matthews' correlation coefficient: Pearson's correlation of calls and labels,
    /// (TP·TN − FP·FN) / √((TP + FP)(TP + FN)(TN + FP)(TN + FN)), in [−1, 1].
    ///
    /// `None` where labels or calls are all of one class: the ratio is 0/0, a constant correlates with nothing. (scikit-learn says
    /// 0 there.)
    /// Source: Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme", Biochimica et
    /// Biophysica Acta 405 (1975) 442.
    #[must_use]
    pub fn mcc(&self) -> Option<f64> {
        let (called, spared) = self.calls();
        let (positives, negatives) = (self.positives() as f64, self.negatives() as f64);
        // Two roots: one product of four counts could overflow, and loses digits sooner.
        let scale = (called * positives).sqrt() * (spared * negatives).sqrt();
        check::ratio(self.determinant(), scale).map(|mcc| mcc.clamp(-1.0, 1.0))
    }

    /// How many were called fractured, and how many unfractured.
    fn calls(&self) -> (f64, f64) {
        (
            self.tp.saturating_add(self.fp) as f64,
            self.tn.saturating_add(self.fn_) as f64,
        )
    }

    /// TP·TN − FP·FN, subtracted before it is rounded.
    fn determinant(&self) -> f64 {
        let right = u128::from(self.tp) * u128::from(self.tn);
        let wrong = u128::from(self.fp) * u128::from(self.fn_);
        let size = right.abs_diff(wrong) as f64;
        if right < wrong { -size } else { size }
    }

    /// Share of fractured images, (TP + FN) / total. `None` without images.
    #[must_use]
    pub fn prevalence(&self) -> Option<f64> {
        share(self.positives(), self.total())
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    check::ratio(part as f64, whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_at_the_threshold_is_fractured() -> Result<(), MetricsError> {
        let counts = Confusion::at_threshold(
            &[true, true, false, false],
            &[0.5, 0.499_999, 0.5, 0.0],
            0.5,
        )?;
        let one_each = Confusion {
            tp: 1,
            fn_: 1,
            fp: 1,
            tn: 1,
        };
        assert_eq!(counts, one_each);
        Ok(())
    }

    #[test]
    fn nothing_divided_by_nothing_is_none() {
        let empty = Confusion::default();
        let figures = [
            empty.accuracy(),
            empty.sensitivity(),
            empty.specificity(),
            empty.precision(),
            empty.npv(),
            empty.f1(),
            empty.balanced_accuracy(),
            empty.prevalence(),
            empty.kappa(),
            empty.mcc(),
        ];
        assert!(figures.iter().all(Option::is_none));
        let only_wrong = Confusion {
            fn_: 3,
            ..Confusion::default()
        };
        assert_eq!(only_wrong.f1(), Some(0.0));
        assert_eq!(only_wrong.precision(), None);
        assert_eq!(only_wrong.f_beta(f64::NAN), None);
        assert_eq!(only_wrong.f_beta(-1.0), None);
    }

    #[test]
    fn agreement_by_chance_is_none_and_a_constant_correlates_with_nothing() {
        let counts = |tp, fn_, fp, tn| Confusion { tp, fn_, fp, tn };
        let all_right = counts(5, 0, 0, 0);
        assert_eq!((all_right.kappa(), all_right.mcc()), (None, None));
        let all_flagged = counts(3, 0, 2, 0);
        assert_eq!((all_flagged.kappa(), all_flagged.mcc()), (Some(0.0), None));
        let perfect = counts(3, 0, 0, 4);
        assert_eq!((perfect.kappa(), perfect.mcc()), (Some(1.0), Some(1.0)));
        let inverted = counts(0, 3, 3, 0);
        assert_eq!((inverted.kappa(), inverted.mcc()), (Some(-1.0), Some(-1.0)));
        let vast = counts(u64::MAX, 1, 1, u64::MAX);
        assert_eq!(vast.mcc(), Some(1.0));
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(
            Confusion::at_threshold(&[true], &[], 0.5),
            Err(MetricsError::LengthMismatch {
                labels: 1,
                scores: 0
            })
        );
        assert!(matches!(
            Confusion::at_threshold(&[true, false], &[0.1, f64::NAN], 0.5),
            Err(MetricsError::NonFiniteScore { index: 1, .. })
        ));
        assert!(matches!(
            Confusion::at_threshold(&[true], &[0.1], f64::NAN),
            Err(MetricsError::BadThreshold { .. })
        ));
        assert!(Confusion::from_decisions(&[true], &[true, false]).is_err());
    }
}
