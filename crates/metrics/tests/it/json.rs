//! The JSON that `osteon evaluate --json` is made of.

use osteon_metrics::{Calibrated, Platt, Summary, SummaryOptions};
use serde_json::json;

#[test]
fn a_summary_has_the_documented_keys() {
    let summary = Summary::new(
        &[true, true, false, false],
        &[0.75, 0.5, 0.25, 0.0],
        None,
        0.5,
        0.95,
        SummaryOptions::default(),
    )
    .unwrap();
    let value = serde_json::to_value(&summary).unwrap();
    let keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for key in [
        "confusion",
        "accuracy",
        "sensitivity",
        "specificity",
        "precision",
        "npv",
        "f1",
        "roc_auc",
        "average_precision",
        "brier",
        "ece",
        "threshold",
        "balanced_accuracy",
        "kappa",
        "mcc",
        "partial_auc",
        "sensitivity_at_90_specificity",
        "specificity_at_90_sensitivity",
        "calibration",
    ] {
        assert!(keys.contains(&key), "{key} is missing from {keys:?}");
    }
    assert_eq!(
        value["confusion"],
        json!({"tp": 2, "fn": 0, "fp": 0, "tn": 2})
    );
    assert_eq!(value["f1"], json!({"value": 1.0, "low": 1.0, "high": 1.0}));
    assert_eq!(value["images"], json!(4));
    assert_eq!(value["brier"], json!(0.09375));
    assert_eq!(value["calibration"]["brier"]["value"], json!(0.09375));
    assert_eq!(value["calibration"]["prevalence"], json!(0.5));
    let back: Summary = serde_json::from_value(value).unwrap();
    assert_eq!(back, summary);
}

/// As `evaluate --json` and model files had it before the later figures came.
#[test]
fn an_older_summary_still_reads() {
    let rate = json!({"value": 0.5, "low": 0.25, "high": 0.75});
    let old = json!({
        "images": 4, "confusion": {"tp": 1, "fn": 1, "fp": 1, "tn": 1},
        "accuracy": rate, "sensitivity": rate, "specificity": rate, "precision": rate, "npv": rate, "f1": rate,
        "roc_auc": rate, "average_precision": rate,
        "brier": 0.25, "ece": 0.125, "log_loss": null, "threshold": 0.5,
    });
    let read: Summary = serde_json::from_value(old).unwrap();
    assert_eq!((read.accuracy.high, read.brier), (Some(0.75), Some(0.25)));
    assert_eq!((read.resampled_groups, read.kappa.value), (None, None));
    assert_eq!(read.calibration, Calibrated::default());
}

#[test]
fn undefined_is_null() {
    let healthy = Summary::new(
        &[false],
        &[0.25],
        None,
        0.5,
        0.95,
        SummaryOptions::default(),
    )
    .unwrap();
    let value = serde_json::to_value(&healthy).unwrap();
    let undefined = json!({"value": null, "low": null, "high": null});
    for key in [
        "sensitivity",
        "precision",
        "f1",
        "roc_auc",
        "average_precision",
    ] {
        assert_eq!(value[key], undefined, "{key}");
    }
    assert_eq!(value["specificity"]["value"], json!(1.0));
    let back: Summary = serde_json::from_value(value).unwrap();
    assert_eq!(back, healthy);
}

#[test]
fn a_calibration_is_two_numbers() {
    assert_eq!(
        serde_json::to_value(Platt::IDENTITY).unwrap(),
        json!({"slope": 1.0, "intercept": 0.0})
    );
}
