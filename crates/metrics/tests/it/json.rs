//! The JSON that `osteon evaluate --json` is made of.

use osteon_metrics::{Platt, Summary, SummaryOptions};
use serde_json::json;

#[test]
fn a_summary_has_the_documented_keys() {
    let summary = Summary::new(
        &[true, true, false, false],
        &[0.75, 0.5, 0.25, 0.0],
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
    let back: Summary = serde_json::from_value(value).unwrap();
    assert_eq!(back, summary);
}

#[test]
fn undefined_is_null() {
    let healthy = Summary::new(&[false], &[0.25], 0.5, 0.95, SummaryOptions::default()).unwrap();
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
