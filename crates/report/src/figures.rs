//! The figures of a summary, in the order they are shown: **the one place where a new figure is added**. The page's tables and
//! `figures.csv` follow it.

use osteon_metrics::{Estimate, Summary};

use crate::text::Unit;

/// A figure with all that is said of it.
pub(crate) struct Figure {
    /// As in the JSON.
    pub key: &'static str,
    /// As people say it.
    pub name: &'static str,
    /// What it means, in a line.
    pub means: &'static str,
    pub unit: Unit,
    pub estimate: Estimate,
    /// What it was counted over …
    pub n: u64,
    /// … and what these are.
    pub of: &'static str,
    /// Why it is undefined, where it is.
    pub undefined: &'static str,
}

const ALL: &str = "images";
const FRACTURED: &str = "fractured";
const WHOLE: &str = "not fractured";
const ONE_CLASS: &str = "needs images of both classes";

/// Every figure of a summary.
pub(crate) fn figures(s: &Summary) -> Vec<Figure> {
    use Unit::{Index, Nats, Share};
    let c = &s.confusion;
    let (all, fractured, whole) = (c.total(), c.positives(), c.negatives());
    let (flagged, passed) = (c.tp.saturating_add(c.fp), c.tn.saturating_add(c.fn_));
    // (key, name, what it means, unit, the figure, counted over, what these are, why it may be undefined)
    [
        ("sensitivity", "Sensitivity", "of the fractured images, the share that is found", Share, s.sensitivity, fractured, FRACTURED, "no fractured image"),
        ("specificity", "Specificity", "of the unfractured images, the share that is called so", Share, s.specificity, whole, WHOLE, "no unfractured image"),
        ("roc_auc", "ROC-AUC", "how often a fractured image scores above an unfractured one; 0.5 is chance", Index, s.roc_auc, all, ALL, ONE_CLASS),
        ("precision", "Precision (PPV)", "of the images called fractured, the share that is", Share, s.precision, flagged, "called fractured", "nothing was called fractured"),
        ("npv", "NPV", "of the images called not fractured, the share that is not", Share, s.npv, passed, "called not fractured", "nothing was called not fractured"),
        ("accuracy", "Accuracy", "share of right calls; flatters where one class is rare", Share, s.accuracy, all, ALL, "no image"),
        ("f1", "F1", "harmonic mean of precision and sensitivity", Index, s.f1, all, ALL, "neither a fracture nor a call of one"),
        ("average_precision", "Average precision", "area under precision over sensitivity; chance has the share of fractures", Index, s.average_precision, all, ALL, "no fractured image"),
        ("balanced_accuracy", "Balanced accuracy", "mean of sensitivity and specificity; 50 % is chance", Share, s.balanced_accuracy, all, ALL, ONE_CLASS),
        ("kappa", "Cohen's kappa", "agreement with the labels beyond chance; 1 is best, 0 is chance", Index, s.kappa, all, ALL, "calls and labels are all of one class"),
        ("mcc", "Matthews correlation", "correlation of call and label; 1 is best, 0 is chance", Index, s.mcc, all, ALL, "calls or labels are all of one class"),
        ("partial_auc", "Partial ROC-AUC", "area under the ROC curve where at most 10 % of the unfractured are called fractured, on a scale (McClish) where 0.5 is chance and 1 perfect", Index, s.partial_auc, all, ALL, ONE_CLASS),
        ("sensitivity_at_90_specificity", "Sensitivity at 90 % specificity", "found at a threshold that passes 90 % of the unfractured; the threshold is read off these images, so it flatters a little", Share, s.sensitivity_at_90_specificity, all, ALL, ONE_CLASS),
        ("specificity_at_90_sensitivity", "Specificity at 90 % sensitivity", "passed at a threshold that finds 90 % of the fractured; the threshold is read off these images, so it flatters a little", Share, s.specificity_at_90_sensitivity, all, ALL, ONE_CLASS),
        ("mean_score", "Mean score", "where scores are probabilities, near the share of fractures", Share, alone(s.calibration.mean_score), all, ALL, "no image"),
        ("prevalence", "Share of fractures", "of the images, the share that is fractured", Share, alone(s.calibration.prevalence), all, ALL, "no image"),
        ("brier", "Brier score", "mean squared error of the score as a probability; 0 is best", Index, taken(s.brier, s.calibration.brier), all, ALL, "no image"),
        ("log_loss", "Log loss", "cost of confident errors; 0 is best", Nats, taken(s.log_loss, s.calibration.log_loss), all, ALL, "no image"),
        ("ece", "Calibration error (ECE)", "how far scores lie from the share of fractures, on average over 15 bins; 0 is best, small sets look worse than they are", Index, taken(s.ece, s.calibration.ece), all, ALL, "no image"),
        ("ece_equal_mass", "Calibration error, bins of equal mass", "the same with as many images in each bin", Index, s.calibration.ece_equal_mass, all, ALL, "no image"),
    ]
    .into_iter()
    .map(|(key, name, means, unit, estimate, n, of, undefined)| Figure { key, name, means, unit, estimate, n, of, undefined })
    .collect()
}

/// A figure by its key.
pub(crate) fn figure(s: &Summary, key: &str) -> Option<Figure> {
    figures(s).into_iter().find(|figure| figure.key == key)
}

/// A figure with its interval; without, in a judgement that was written before intervals were taken of it.
fn taken(value: Option<f64>, estimate: Estimate) -> Estimate {
    if estimate.value.is_some() {
        estimate
    } else {
        alone(value)
    }
}

/// A figure of which no interval is taken.
fn alone(value: Option<f64>) -> Estimate {
    Estimate {
        value,
        ..Estimate::UNDEFINED
    }
}
