//! All figures of one evaluation.

mod fallback;

use serde::{Deserialize, Serialize};

use crate::bootstrap::{Groups, check_plan, percentiles};
use crate::ranked::Ranked;
use crate::resample::{Board, Figures, Terms};
use crate::roc::delong_ranked;
use crate::{Confusion, Estimate, MetricsError, check, wilson};
use fallback::{Counted, Fallback, Scale};

/// How a [`Summary`] takes its bootstrap intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryOptions {
    /// Bootstrap replicates, at least 1.
    pub replicates: usize,
    /// Seed of the bootstrap: the same data, options and seed give the same bits on any number of threads.
    pub seed: u64,
}

impl Default for SummaryOptions {
    /// 2000 replicates, the most that Carpenter & Bithell (Statistics in Medicine 19 (2000) 1141) advise for intervals of 90 to 95 %;
    /// seed 0.
    fn default() -> Self {
        Self {
            replicates: 2000,
            seed: 0,
        }
    }
}

/// The figures of one evaluation at one threshold. As JSON, the keys of `osteon evaluate --json`.
///
/// Each figure is `None` exactly where its own function says so; an evaluation of no images is all `None`. A file written before a
/// figure was added reads, with the figure undefined.
///
/// # Intervals
///
/// *Without groups*, or with one image in each, images count as independent: rates that are shares of counted images have Wilson's
/// interval ([`wilson`]), the area under the ROC curve has DeLong's ([`delong`](crate::delong)), all else the stratified bootstrap's
/// ([`stratified`](crate::stratified)).
///
/// *With groups* of which any has two images, every interval is that of the bootstrap of whole groups
/// ([`grouped`](crate::grouped)): the formulas take copies for independent evidence, and are then too narrow. Where that bootstrap
/// says nothing, because no replicate differs from another (no fracture missed, say) or because more than half of them lack a class,
/// the interval is Wilson's with as many trials as there are *groups* that bear on the figure: those with a fractured image for
/// sensitivity, average precision and sensitivity at a specificity, with one that is or is called so for F1; with an unfractured one for specificity and specificity at a
/// sensitivity; with an image called fractured for precision and one called unfractured for NPV; the scarcer class's for the areas,
/// balanced accuracy, kappa and MCC; all for accuracy, Brier score and calibration errors. So a group counts as one image however many
/// it has: the most careful reading, wide and never of no width. It holds for shares, and for means of values in [0, 1], whose
/// variance is at most that of a share of the same mean; for the rest (F1, average precision, calibration errors; kappa and MCC, put
/// from [−1, 1] on [0, 1]) it is a convention. Log loss has no bound, and then no interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Images judged.
    pub images: u64,
    /// The groups that the intervals are drawn from; `None` where they take images as independent.
    #[serde(default)]
    pub resampled_groups: Option<u64>,
    /// Counts at the threshold.
    pub confusion: Confusion,
    /// [`Confusion::accuracy`]; Wilson.
    pub accuracy: Estimate,
    /// [`Confusion::sensitivity`]; Wilson.
    pub sensitivity: Estimate,
    /// [`Confusion::specificity`]; Wilson.
    pub specificity: Estimate,
    /// [`Confusion::precision`]; Wilson.
    pub precision: Estimate,
    /// [`Confusion::npv`]; Wilson.
    pub npv: Estimate,
    /// [`Confusion::f1`]; bootstrap.
    pub f1: Estimate,
    /// [`Confusion::balanced_accuracy`]; bootstrap.
    #[serde(default)]
    pub balanced_accuracy: Estimate,
    /// [`Confusion::kappa`]; bootstrap.
    #[serde(default)]
    pub kappa: Estimate,
    /// [`Confusion::mcc`]; bootstrap.
    #[serde(default)]
    pub mcc: Estimate,
    /// [`roc_auc`](crate::roc_auc); DeLong.
    pub roc_auc: Estimate,
    /// [`partial_auc`](crate::partial_auc) up to a false-positive rate of [`Summary::PARTIAL_FPR`]; bootstrap.
    #[serde(default)]
    pub partial_auc: Estimate,
    /// [`average_precision`](crate::average_precision); bootstrap.
    pub average_precision: Estimate,
    /// [`sensitivity_at_specificity`](crate::sensitivity_at_specificity) at [`Summary::TARGET`]; bootstrap.
    #[serde(default)]
    pub sensitivity_at_90_specificity: Estimate,
    /// [`specificity_at_sensitivity`](crate::specificity_at_sensitivity) at [`Summary::TARGET`]; bootstrap.
    #[serde(default)]
    pub specificity_at_90_sensitivity: Estimate,
    /// [`brier`](crate::brier). With its interval in `calibration`.
    pub brier: Option<f64>,
    /// [`ece`](crate::ece) over [`Summary::ECE_BINS`] bins. With its interval in `calibration`.
    pub ece: Option<f64>,
    /// [`log_loss`](crate::log_loss). With its interval in `calibration`.
    pub log_loss: Option<f64>,
    /// How far the scores can be believed as probabilities.
    #[serde(default)]
    pub calibration: Calibrated,
    /// The threshold used: `score >= threshold` means fractured.
    pub threshold: f64,
}

/// How far scores can be believed as probabilities; intervals as [`Summary`] says.
///
/// The calibration errors are biased upwards, in a replicate once more than in the data (it lacks a third of the images): their
/// intervals lean upwards, and can lie above the value where calibration is good.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Calibrated {
    /// [`brier`](crate::brier); bootstrap.
    pub brier: Estimate,
    /// [`log_loss`](crate::log_loss); bootstrap.
    pub log_loss: Estimate,
    /// [`ece`](crate::ece) over [`Summary::ECE_BINS`] bins; bootstrap.
    pub ece: Estimate,
    /// [`ece_equal_mass`](crate::ece_equal_mass) over [`Summary::ECE_BINS`] bins; bootstrap.
    pub ece_equal_mass: Estimate,
    /// Mean score. Calibration in the large is how near it is to the prevalence.
    pub mean_score: Option<f64>,
    /// Share of fractured images.
    pub prevalence: Option<f64>,
}

impl Summary {
    /// Bins of the calibration errors, as in Guo et al., "On calibration of modern neural networks", ICML 2017.
    pub const ECE_BINS: usize = 15;

    /// The largest false-positive rate of `partial_auc`: where a department would work, at most one healthy image in ten recalled.
    pub const PARTIAL_FPR: f64 = 0.1;

    /// The recall held in `sensitivity_at_90_specificity` and its twin.
    pub const TARGET: f64 = 0.9;

    /// Judges scores, which must be probabilities, against labels. `groups[i]` is any number that image `i` shares with those that are
    /// not independent of it, such as images of one patient.
    ///
    /// # Errors
    /// Unequal lengths; a score that is not a probability; a threshold that is not finite; a confidence that does not lie
    /// strictly between 0 and 1; no replicates.
    pub fn new(
        labels: &[bool],
        scores: &[f64],
        groups: Option<&[usize]>,
        threshold: f64,
        confidence: f64,
        options: SummaryOptions,
    ) -> Result<Self, MetricsError> {
        check_plan(options.replicates, confidence)?;
        check::probabilities(labels, scores)?;
        check::threshold(threshold)?;
        if let Some(groups) = groups {
            check::groups(labels.len(), groups.len())?;
        }
        let groups = groups
            .map(Groups::new)
            .filter(|groups| groups.count < labels.len());
        let ranked = Ranked::new(labels, scores)?;
        let terms = Terms {
            threshold,
            bins: Self::ECE_BINS,
            max_fpr: Self::PARTIAL_FPR,
            target: Self::TARGET,
        };
        let board = Board::new(&ranked, terms);
        let replicates = match &groups {
            None => board.stratified(options.replicates, options.seed),
            Some(groups) => {
                let place =
                    |(label, score): (&bool, &f64)| (ranked.index_of(*score), usize::from(!*label));
                let images: Vec<_> = labels.iter().zip(scores).map(place).collect();
                board.grouped(&images, groups, options.replicates, options.seed)
            }
        };
        let source = Source {
            point: board.point(),
            replicates,
            confidence,
            fallback: groups
                .as_ref()
                .map(|groups| Fallback::new(labels, scores, groups, threshold)),
        };
        let mean = check::ratio(scores.iter().sum(), scores.len() as f64);
        let mut summary = source.summary(threshold, mean)?;
        if groups.is_none() {
            let Confusion { tp, fn_, fp, tn } = summary.confusion;
            summary.accuracy = wilson(tp + tn, summary.images, confidence)?;
            summary.sensitivity = wilson(tp, tp + fn_, confidence)?;
            summary.specificity = wilson(tn, tn + fp, confidence)?;
            summary.precision = wilson(tp, tp + fp, confidence)?;
            summary.npv = wilson(tn, tn + fn_, confidence)?;
            summary.roc_auc = delong_ranked(&ranked, confidence)?;
        }
        summary.resampled_groups = groups.map(|groups| groups.count as u64);
        Ok(summary)
    }
}

/// What estimates are read from.
struct Source {
    point: Figures,
    replicates: Vec<Figures>,
    confidence: f64,
    /// Where groups were drawn.
    fallback: Option<Fallback>,
}

impl Source {
    /// Every figure with its bootstrap interval.
    fn summary(&self, threshold: f64, mean_score: Option<f64>) -> Result<Summary, MetricsError> {
        use Counted::{All, Both, Called, Concerned, Fractured, Spared, Unfractured};
        let share = |counted, figure: fn(&Figures) -> Option<f64>| {
            self.estimate(counted, Scale::Share, figure)
        };
        let correlation =
            |figure: fn(&Figures) -> Option<f64>| self.estimate(Both, Scale::Correlation, figure);
        let calibration = Calibrated {
            brier: share(All, |f| f.brier)?,
            log_loss: self.estimate(All, Scale::Unbounded, |f| f.log_loss)?,
            ece: share(All, |f| f.ece)?,
            ece_equal_mass: share(All, |f| f.ece_equal_mass)?,
            mean_score,
            prevalence: self.point.confusion.prevalence(),
        };
        Ok(Summary {
            images: self.point.confusion.total(),
            resampled_groups: None,
            confusion: self.point.confusion,
            accuracy: share(All, |f| f.confusion.accuracy())?,
            sensitivity: share(Fractured, |f| f.confusion.sensitivity())?,
            specificity: share(Unfractured, |f| f.confusion.specificity())?,
            precision: share(Called, |f| f.confusion.precision())?,
            npv: share(Spared, |f| f.confusion.npv())?,
            f1: share(Concerned, |f| f.confusion.f1())?,
            balanced_accuracy: share(Both, |f| f.confusion.balanced_accuracy())?,
            kappa: correlation(|f| f.confusion.kappa())?,
            mcc: correlation(|f| f.confusion.mcc())?,
            roc_auc: share(Both, |f| f.roc_auc)?,
            partial_auc: share(Both, |f| f.partial_auc)?,
            average_precision: share(Fractured, |f| f.average_precision)?,
            sensitivity_at_90_specificity: share(Fractured, |f| f.sensitivity_at)?,
            specificity_at_90_sensitivity: share(Unfractured, |f| f.specificity_at)?,
            brier: calibration.brier.value,
            ece: calibration.ece.value,
            log_loss: calibration.log_loss.value,
            calibration,
            threshold,
        })
    }

    fn estimate(
        &self,
        counted: Counted,
        scale: Scale,
        figure: fn(&Figures) -> Option<f64>,
    ) -> Result<Estimate, MetricsError> {
        let figures: Vec<_> = self.replicates.iter().map(figure).collect();
        let found = percentiles(figure(&self.point), &figures, self.confidence);
        match &self.fallback {
            Some(fallback) => fallback.where_needed(found, counted, scale, self.confidence),
            None => Ok(found),
        }
    }
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
        let summary = Summary::new(&labels, &scores, None, 0.5, 0.9, options())?;
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
        let nothing = Summary::new(&[], &[], None, 0.5, 0.95, options())?;
        assert_eq!(nothing.images, 0);
        for figure in [nothing.accuracy, nothing.f1, nothing.roc_auc] {
            assert_eq!(figure, Estimate::UNDEFINED);
        }
        assert_eq!(nothing.brier, None);
        let healthy = Summary::new(&[false, false], &[0.2, 0.1], None, 0.5, 0.95, options())?;
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
            Summary::new(&[true], &[0.5], None, 0.5, 0.95, none),
            Err(MetricsError::NoReplicates)
        );
        assert!(matches!(
            Summary::new(&[true], &[2.0], None, 0.5, 0.95, options()),
            Err(MetricsError::NotAProbability { index: 0, .. })
        ));
    }
}
