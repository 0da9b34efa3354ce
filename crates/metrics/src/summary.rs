//! All figures of one evaluation.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bootstrap::{Strata, check_plan, percentiles};
use crate::ranked::Ranked;
use crate::roc::delong_ranked;
use crate::{Confusion, Estimate, MetricsError, brier, ece, log_loss, pr, wilson};

/// How a [`Summary`] takes its bootstrap intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryOptions {
    /// Bootstrap replicates, at least 1.
    pub replicates: usize,
    /// Seed of the bootstrap: the same data, options and seed give the same bits on any number of threads.
    pub seed: u64,
}

impl Default for SummaryOptions {
    /// 1000 replicates, seed 0.
    fn default() -> Self {
        Self {
            replicates: 1000,
            seed: 0,
        }
    }
}

/// The figures of one evaluation at one threshold. As JSON, the keys of `osteon evaluate --json`.
///
/// Each figure is `None` exactly where its own function says so; an evaluation of no images is all `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Images judged.
    pub images: u64,
    /// Counts at the threshold.
    pub confusion: Confusion,
    /// [`Confusion::accuracy`], with Wilson's interval.
    pub accuracy: Estimate,
    /// [`Confusion::sensitivity`], with Wilson's interval.
    pub sensitivity: Estimate,
    /// [`Confusion::specificity`], with Wilson's interval.
    pub specificity: Estimate,
    /// [`Confusion::precision`], with Wilson's interval.
    pub precision: Estimate,
    /// [`Confusion::npv`], with Wilson's interval.
    pub npv: Estimate,
    /// [`Confusion::f1`], with the stratified bootstrap's interval.
    pub f1: Estimate,
    /// [`roc_auc`](crate::roc_auc), with DeLong's interval.
    pub roc_auc: Estimate,
    /// [`average_precision`](crate::average_precision), with the stratified bootstrap's interval.
    pub average_precision: Estimate,
    /// [`brier`].
    pub brier: Option<f64>,
    /// [`ece`] over [`Summary::ECE_BINS`] bins.
    pub ece: Option<f64>,
    /// [`log_loss`].
    pub log_loss: Option<f64>,
    /// The threshold used: `score >= threshold` means fractured.
    pub threshold: f64,
}

impl Summary {
    /// Bins of the calibration error, as in Guo et al., "On calibration of modern neural networks", ICML 2017.
    pub const ECE_BINS: usize = 15;

    /// Judges scores, which must be probabilities, against labels.
    ///
    /// # Errors
    /// Unequal lengths; a score that is not a probability; a threshold that is not finite; a confidence that does not lie
    /// strictly between 0 and 1; no replicates.
    pub fn new(
        labels: &[bool],
        scores: &[f64],
        threshold: f64,
        confidence: f64,
        options: SummaryOptions,
    ) -> Result<Self, MetricsError> {
        check_plan(options.replicates, confidence)?;
        let confusion = Confusion::at_threshold(labels, scores, threshold)?;
        let Confusion { tp, fn_, fp, tn } = confusion;
        let ranked = Ranked::new(labels, scores)?;
        let (f1, average_precision) =
            resampled(labels, scores, &ranked, threshold, confidence, options);
        Ok(Self {
            images: confusion.total(),
            confusion,
            accuracy: wilson(tp + tn, confusion.total(), confidence)?,
            sensitivity: wilson(tp, tp + fn_, confidence)?,
            specificity: wilson(tn, tn + fp, confidence)?,
            precision: wilson(tp, tp + fp, confidence)?,
            npv: wilson(tn, tn + fn_, confidence)?,
            f1,
            roc_auc: delong_ranked(&ranked, confidence)?,
            average_precision,
            brier: brier(labels, scores)?,
            ece: ece(labels, scores, Self::ECE_BINS)?,
            log_loss: log_loss(labels, scores)?,
            threshold,
        })
    }
}

/// F1 and average precision from the same replicates.
///
/// The data are sorted once: a replicate is only how often each distinct score was drawn, by class. It makes the draws of
/// [`stratified`](crate::stratified) and gives its results to the bit.
fn resampled(
    labels: &[bool],
    scores: &[f64],
    ranked: &Ranked,
    threshold: f64,
    confidence: f64,
    options: SummaryOptions,
) -> (Estimate, Estimate) {
    let strata = Strata::new(
        labels,
        scores.iter().map(|score| ranked.index_of(*score) as u32),
    );
    let flagged = ranked.ties.partition_point(|tie| tie.score >= threshold);
    let figures = |counts: &[[u32; 2]]| {
        let average = pr::area(
            ranked.positives,
            counts
                .iter()
                .map(|[fractured, not]| (u64::from(*fractured), u64::from(*not))),
        );
        (f1(ranked, &counts[..flagged]), average)
    };
    let (f1s, averages): (Vec<_>, Vec<_>) = (0..options.replicates as u64)
        .into_par_iter()
        .map_init(
            || vec![[0_u32; 2]; ranked.ties.len()],
            |counts, replicate| {
                counts.fill([0; 2]);
                strata.draw(options.seed, replicate, |fractured, tie| {
                    counts[tie as usize][usize::from(!fractured)] += 1;
                });
                figures(counts)
            },
        )
        .unzip();
    let data: Vec<[u32; 2]> = ranked
        .ties
        .iter()
        .map(|tie| [tie.positives as u32, tie.negatives as u32])
        .collect();
    let (f1, average) = figures(&data);
    (
        percentiles(f1, &f1s, confidence),
        percentiles(average, &averages, confidence),
    )
}

/// F1 when exactly the images counted in `flagged` are called fractured.
fn f1(ranked: &Ranked, flagged: &[[u32; 2]]) -> Option<f64> {
    let mut confusion = Confusion::default();
    for [fractured, not] in flagged {
        confusion.tp += u64::from(*fractured);
        confusion.fp += u64::from(*not);
    }
    confusion.fn_ = ranked.positives - confusion.tp;
    confusion.tn = ranked.negatives - confusion.fp;
    confusion.f1()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{average_precision, stratified};

    fn options() -> SummaryOptions {
        SummaryOptions {
            replicates: 200,
            seed: 7,
        }
    }

    #[test]
    fn counting_gives_what_resorting_gives() -> Result<(), MetricsError> {
        let labels: Vec<bool> = (0..120_u32).map(|i| i % 3 == 0).collect();
        let scores: Vec<f64> = (0..120_u32)
            .map(|i| f64::from((i * 37 % 50) + if i % 3 == 0 { 20 } else { 0 }) / 70.0)
            .collect();
        let summary = Summary::new(&labels, &scores, 0.5, 0.9, options())?;
        let average = stratified(&labels, &scores, 200, 0.9, 7, |labels, scores| {
            average_precision(labels, scores).ok().flatten()
        })?;
        let f1 = stratified(&labels, &scores, 200, 0.9, 7, |labels, scores| {
            Confusion::at_threshold(labels, scores, 0.5).ok()?.f1()
        })?;
        assert_eq!(summary.average_precision, average);
        assert_eq!(summary.f1, f1);
        Ok(())
    }

    #[test]
    fn nothing_and_one_class_are_no_errors() -> Result<(), MetricsError> {
        let nothing = Summary::new(&[], &[], 0.5, 0.95, options())?;
        assert_eq!(nothing.images, 0);
        for figure in [nothing.accuracy, nothing.f1, nothing.roc_auc] {
            assert_eq!(figure, Estimate::UNDEFINED);
        }
        assert_eq!(nothing.brier, None);
        let healthy = Summary::new(&[false, false], &[0.2, 0.1], 0.5, 0.95, options())?;
        assert_eq!(healthy.specificity.value, Some(1.0));
        assert_eq!(healthy.sensitivity, Estimate::UNDEFINED);
        assert_eq!(healthy.f1, Estimate::UNDEFINED);
        assert_eq!(healthy.average_precision, Estimate::UNDEFINED);
        Ok(())
    }

    #[test]
    fn bad_input_is_named() {
        let none = SummaryOptions {
            replicates: 0,
            seed: 0,
        };
        assert_eq!(
            Summary::new(&[true], &[0.5], 0.5, 0.95, none),
            Err(MetricsError::NoReplicates)
        );
        assert!(matches!(
            Summary::new(&[true], &[2.0], 0.5, 0.95, options()),
            Err(MetricsError::NotAProbability { index: 0, .. })
        ));
    }
}
