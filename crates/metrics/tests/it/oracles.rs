//! Figures against scikit-learn, SciPy, statsmodels and NumPy: `tests/oracles/make_oracles.py` says how they were made.

use std::collections::BTreeMap;

use osteon_metrics::{
    Confusion, Platt, Summary, SummaryOptions, average_precision, brier, clopper_pearson, delong,
    delong_variance, ece, ece_equal_mass, log_loss, partial_auc, pr_curve, roc_auc, roc_curve,
    sensitivity_at_specificity, specificity_at_sensitivity, wilson, z_value,
};
use serde::Deserialize;

/// For formulas evaluated in another order of operations.
const EXACT: f64 = 1e-12;
/// For optima: how far the oracle's own root finder goes.
const OPTIMUM: f64 = 1e-8;
/// For scikit-learn's sigmoid calibration, a quasi-Newton fit that stops early.
const LOOSE: f64 = 1e-3;

#[derive(Deserialize)]
pub struct Oracles {
    pub confidence: f64,
    pub cases: Vec<Case>,
    wilson: Vec<Interval>,
    clopper_pearson: Vec<Interval>,
    partial: Vec<f64>,
    targets: Vec<f64>,
    pub grouped: Grouped,
    normal: Vec<(f64, f64)>,
    pub bootstrap: Bootstrap,
}

#[derive(Deserialize)]
pub struct Case {
    name: String,
    pub labels: Vec<bool>,
    pub scores: Vec<f64>,
    pub threshold: f64,
    confusion: Confusion,
    accuracy: Option<f64>,
    sensitivity: Option<f64>,
    specificity: Option<f64>,
    precision: Option<f64>,
    npv: Option<f64>,
    f1: Option<f64>,
    f2: Option<f64>,
    balanced_accuracy: Option<f64>,
    kappa: Option<f64>,
    mcc: Option<f64>,
    roc_auc: Option<f64>,
    partial_auc: Vec<Option<f64>>,
    at_target: Vec<Option<(f64, f64)>>,
    average_precision: Option<f64>,
    brier: Option<f64>,
    log_loss: Option<f64>,
    ece_10: Option<f64>,
    ece_15: Option<f64>,
    equal_mass_4: Option<f64>,
    equal_mass_15: Option<f64>,
    delong_variance: Option<f64>,
    delong: Option<(f64, f64)>,
    roc: Vec<(f64, f64)>,
    pr: Vec<(f64, f64, f64)>,
    platt: Option<Fit>,
    temperature: Option<f64>,
}

#[derive(Deserialize)]
struct Interval {
    successes: u64,
    trials: u64,
    confidence: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Fit {
    slope: f64,
    intercept: f64,
    sklearn_slope: f64,
    sklearn_intercept: f64,
}

#[derive(Deserialize)]
pub struct Bootstrap {
    pub case: usize,
    pub f1: (f64, f64),
    pub average_precision: (f64, f64),
}

/// Images that are in the data three times, and the intervals of a bootstrap of images.
#[derive(Deserialize)]
pub struct Grouped {
    pub labels: Vec<bool>,
    pub scores: Vec<f64>,
    pub groups: Vec<usize>,
    pub threshold: f64,
    pub intervals: BTreeMap<String, (f64, f64)>,
}

pub fn oracles() -> Oracles {
    serde_json::from_str(include_str!("../oracles/oracles.json")).unwrap()
}

/// Equal within a tolerance relative to values above 1, and undefined together.
#[track_caller]
fn same(what: &str, case: &Case, found: Option<f64>, expected: Option<f64>, tolerance: f64) {
    let agree = match (found, expected) {
        (None, None) => true,
        (Some(a), Some(b)) => (a - b).abs() <= tolerance * b.abs().max(1.0),
        _ => false,
    };
    assert!(
        agree,
        "{what} of {:?}: found {found:?}, expected {expected:?}",
        case.name
    );
}

#[test]
fn counts_and_their_ratios() {
    for case in &oracles().cases {
        let counts = Confusion::at_threshold(&case.labels, &case.scores, case.threshold).unwrap();
        assert_eq!(counts, case.confusion, "{}", case.name);
        for (what, found, expected) in [
            ("accuracy", counts.accuracy(), case.accuracy),
            ("sensitivity", counts.sensitivity(), case.sensitivity),
            ("specificity", counts.specificity(), case.specificity),
            ("precision", counts.precision(), case.precision),
            ("npv", counts.npv(), case.npv),
            ("f1", counts.f1(), case.f1),
            ("f2", counts.f_beta(2.0), case.f2),
            (
                "balanced accuracy",
                counts.balanced_accuracy(),
                case.balanced_accuracy,
            ),
            ("kappa", counts.kappa(), case.kappa),
            ("mcc", counts.mcc(), case.mcc),
        ] {
            same(what, case, found, expected, EXACT);
        }
    }
}

#[test]
fn areas_and_calibration() {
    for case in &oracles().cases {
        let (labels, scores) = (&case.labels, &case.scores);
        for (what, found, expected) in [
            ("roc_auc", roc_auc(labels, scores), case.roc_auc),
            (
                "average precision",
                average_precision(labels, scores),
                case.average_precision,
            ),
            ("brier", brier(labels, scores), case.brier),
            ("log loss", log_loss(labels, scores), case.log_loss),
            ("ece over 10", ece(labels, scores, 10), case.ece_10),
            ("ece over 15", ece(labels, scores, 15), case.ece_15),
            (
                "ece over 4 of equal mass",
                ece_equal_mass(labels, scores, 4),
                case.equal_mass_4,
            ),
            (
                "ece over 15 of equal mass",
                ece_equal_mass(labels, scores, 15),
                case.equal_mass_15,
            ),
        ] {
            same(what, case, found.unwrap(), expected, EXACT);
        }
    }
}

#[test]
fn parts_of_the_curve() {
    let oracles = oracles();
    for case in &oracles.cases {
        let (labels, scores) = (&case.labels, &case.scores);
        for (max_fpr, expected) in oracles.partial.iter().zip(&case.partial_auc) {
            let found = partial_auc(labels, scores, *max_fpr).unwrap();
            same(&format!("area to {max_fpr}"), case, found, *expected, EXACT);
        }
        for (target, expected) in oracles.targets.iter().zip(&case.at_target) {
            let sensitivity = sensitivity_at_specificity(labels, scores, *target).unwrap();
            let specificity = specificity_at_sensitivity(labels, scores, *target).unwrap();
            let what = format!("at {target}");
            same(&what, case, sensitivity, expected.map(|pair| pair.0), EXACT);
            same(&what, case, specificity, expected.map(|pair| pair.1), EXACT);
        }
    }
}

/// The counts of a replicate give what the functions give: here on the data themselves, every figure at once.
#[test]
fn a_summary_says_what_the_functions_say() {
    let options = SummaryOptions {
        replicates: 1,
        seed: 0,
    };
    for case in &oracles().cases {
        let (labels, scores) = (&case.labels, &case.scores);
        let summary = Summary::new(labels, scores, None, case.threshold, 0.95, options).unwrap();
        let partial = partial_auc(labels, scores, Summary::PARTIAL_FPR).unwrap();
        let sensitivity = sensitivity_at_specificity(labels, scores, Summary::TARGET).unwrap();
        let specificity = specificity_at_sensitivity(labels, scores, Summary::TARGET).unwrap();
        for (what, found, expected) in [
            ("accuracy", summary.accuracy, case.accuracy),
            ("sensitivity", summary.sensitivity, case.sensitivity),
            ("specificity", summary.specificity, case.specificity),
            ("precision", summary.precision, case.precision),
            ("npv", summary.npv, case.npv),
            ("f1", summary.f1, case.f1),
            (
                "balanced",
                summary.balanced_accuracy,
                case.balanced_accuracy,
            ),
            ("kappa", summary.kappa, case.kappa),
            ("mcc", summary.mcc, case.mcc),
            ("roc_auc", summary.roc_auc, case.roc_auc),
            ("ap", summary.average_precision, case.average_precision),
            ("partial", summary.partial_auc, partial),
            ("at", summary.sensitivity_at_90_specificity, sensitivity),
            ("at", summary.specificity_at_90_sensitivity, specificity),
            ("brier", summary.calibration.brier, case.brier),
            ("log loss", summary.calibration.log_loss, case.log_loss),
            ("ece", summary.calibration.ece, case.ece_15),
            (
                "mass",
                summary.calibration.ece_equal_mass,
                case.equal_mass_15,
            ),
        ] {
            same(what, case, found.value, expected, EXACT);
        }
        assert_eq!(summary.confusion, case.confusion);
        assert_eq!(summary.brier, summary.calibration.brier.value);
    }
}

#[test]
fn curves() {
    for case in &oracles().cases {
        let roc = roc_curve(&case.labels, &case.scores).unwrap();
        assert_eq!(roc.len(), case.roc.len(), "{}", case.name);
        for (point, (fpr, tpr)) in roc.iter().zip(&case.roc) {
            same(
                "fpr",
                case,
                Some(point.false_positive_rate),
                Some(*fpr),
                EXACT,
            );
            same(
                "tpr",
                case,
                Some(point.true_positive_rate),
                Some(*tpr),
                EXACT,
            );
        }
        let pr = pr_curve(&case.labels, &case.scores).unwrap();
        assert_eq!(pr.len(), case.pr.len(), "{}", case.name);
        for (point, (threshold, precision, recall)) in pr.iter().zip(&case.pr) {
            same(
                "threshold",
                case,
                Some(point.threshold),
                Some(*threshold),
                EXACT,
            );
            same(
                "precision",
                case,
                Some(point.precision),
                Some(*precision),
                EXACT,
            );
            same("recall", case, Some(point.recall), Some(*recall), EXACT);
        }
    }
}

#[test]
fn delong_intervals() {
    let oracles = oracles();
    for case in &oracles.cases {
        let variance = delong_variance(&case.labels, &case.scores).unwrap();
        same("variance", case, variance, case.delong_variance, EXACT);
        let found = delong(&case.labels, &case.scores, oracles.confidence).unwrap();
        same("area", case, found.value, case.roc_auc, EXACT);
        // Where the variance is 0 or undefined this crate falls back to another interval: see the unit tests.
        if let Some((low, high)) = case.delong {
            same("low", case, found.low, Some(low), EXACT);
            same("high", case, found.high, Some(high), EXACT);
        }
    }
}

#[test]
fn intervals_of_proportions() {
    let oracles = oracles();
    for row in &oracles.wilson {
        let found = wilson(row.successes, row.trials, row.confidence).unwrap();
        assert!((found.low.unwrap() - row.low).abs() < EXACT, "{found:?}");
        assert!((found.high.unwrap() - row.high).abs() < EXACT, "{found:?}");
    }
    for row in &oracles.clopper_pearson {
        let found = clopper_pearson(row.successes, row.trials, row.confidence).unwrap();
        for (found, expected) in [(found.low, row.low), (found.high, row.high)] {
            let found = found.unwrap();
            assert!(
                (found - expected).abs() < EXACT,
                "{} of {} at {}: {found} {expected}",
                row.successes,
                row.trials,
                row.confidence
            );
        }
    }
    for (confidence, z) in &oracles.normal {
        assert!((z_value(*confidence).unwrap() / z - 1.0).abs() < EXACT);
    }
}

#[test]
fn calibration_fits() {
    let mut seen = 0;
    for case in &oracles().cases {
        let logits: Vec<f64> = case.scores.iter().map(|score| 6.0 * score - 2.0).collect();
        if let Some(fit) = &case.platt {
            let found = Platt::fit(&case.labels, &logits).unwrap();
            let (slope, intercept) = (Some(found.slope), Some(found.intercept));
            same("slope", case, slope, Some(fit.slope), OPTIMUM);
            same("intercept", case, intercept, Some(fit.intercept), OPTIMUM);
            same("slope", case, slope, Some(fit.sklearn_slope), LOOSE);
            same(
                "intercept",
                case,
                intercept,
                Some(fit.sklearn_intercept),
                LOOSE,
            );
            seen += 1;
        }
        if let Some(slope) = case.temperature.filter(|slope| *slope > 0.01) {
            let found = Platt::fit_temperature(&case.labels, &logits).unwrap();
            same("1/T", case, Some(found.slope), Some(slope), OPTIMUM);
            assert!(found.intercept == 0.0);
        }
    }
    assert!(seen >= 5);
}
