//! `metrics.jsonl`: what a run has measured, a JSON object a line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An epoch as measured. A figure that is undefined, or was NaN when it was written, is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochPoint {
    /// Counted from 1.
    pub epoch: u64,
    /// Mean loss on the training images, as augmented.
    pub train_loss: Option<f64>,
    /// Mean loss on val.
    pub val_loss: Option<f64>,
    /// ROC-AUC on val, 0 to 1.
    pub val_roc_auc: Option<f64>,
    /// Sensitivity on val, 0 to 1.
    pub val_sensitivity: Option<f64>,
    /// Specificity on val, 0 to 1.
    pub val_specificity: Option<f64>,
    /// Learning rate at the end of the epoch.
    pub lr: Option<f64>,
    /// Whether it was the best so far: the last such epoch is the best of all.
    pub best: bool,
}

/// A logged step.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepPoint {
    /// Counted from 1 within the run.
    pub step: u64,
    /// Loss of the step.
    pub loss: Option<f64>,
    /// Learning rate of the step.
    pub lr: Option<f64>,
}

/// A step of the learning-rate finder.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LrPoint {
    /// Learning rate of the step, above 0.
    pub lr: f64,
    /// Its loss.
    pub loss: Option<f64>,
    /// The loss, smoothed over the steps so far.
    pub smoothed: Option<f64>,
}

/// What a `metrics.jsonl` holds that figures are drawn of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics {
    /// Lines of kind `epoch`, by epoch; of an epoch that was run twice, the later line.
    pub epochs: Vec<EpochPoint>,
    /// Lines of kind `step`, as they come.
    pub steps: Vec<StepPoint>,
    /// Lines of kind `find_lr`, as they come.
    pub find_lr: Vec<LrPoint>,
}

/// Reads the lines of a `metrics.jsonl`. Lines of other kinds are passed over, and so are lines that are no JSON (a file that is being
/// written may end in half a line) or hold something else under a known name.
#[must_use]
pub fn read_metrics(jsonl: &str) -> Metrics {
    let mut metrics = Metrics::default();
    for line in jsonl.lines() {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        match value.get("kind").and_then(Value::as_str) {
            Some("epoch") => metrics.epochs.extend(read::<EpochPoint>(value)),
            Some("step") => metrics.steps.extend(read::<StepPoint>(value)),
            Some("find_lr") => metrics.find_lr.extend(read::<LrPoint>(value)),
            _ => {}
        }
    }
    // The sort is stable: reversed, the later of two lines stands first and is the one that stays.
    metrics.epochs.reverse();
    metrics.epochs.sort_by_key(|point| point.epoch);
    metrics.epochs.dedup_by_key(|point| point.epoch);
    metrics
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_each_kind_are_told_apart_and_the_rest_passed_over() {
        let text = r#"{"kind":"plan","threads":2}
{"kind":"step","epoch":1,"step":20,"loss":0.7,"lr":0.001}
{"kind":"epoch","epoch":1,"step":40,"train_loss":0.69,"val_loss":null,"val_roc_auc":null,"lr":0.001,"best":true,"seconds":3.5}
{"kind":"find_lr","lr":1e-5,"loss":0.7,"smoothed":0.69}
{"kind":"epoch","epoch":"two"}
no JSON

{"kind":"epoch","epoch":2,"train_lo"#;
        let read = read_metrics(text);
        assert_eq!(
            (read.epochs.len(), read.steps.len(), read.find_lr.len()),
            (1, 1, 1)
        );
        let epoch = read.epochs[0];
        assert_eq!((epoch.epoch, epoch.best), (1, true));
        assert_eq!((epoch.train_loss, epoch.val_loss), (Some(0.69), None));
        assert!((read.find_lr[0].lr - 1e-5).abs() < 1e-12);
    }

    #[test]
    fn an_epoch_run_twice_counts_once_by_its_later_line() {
        let text = "{\"kind\":\"epoch\",\"epoch\":2,\"train_loss\":0.5}\n{\"kind\":\"epoch\",\"epoch\":1}\n{\"kind\":\"epoch\",\"epoch\":2,\"train_loss\":0.4}\n";
        let epochs = read_metrics(text).epochs;
        assert_eq!(epochs.iter().map(|e| e.epoch).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(epochs[1].train_loss, Some(0.4));
    }
}
