//! The event files of a run, read by TensorBoard's own reader.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::python::python_with;
use crate::{assert_code, osteon, trained};

/// What TensorBoard shows under a tag, and the kind and key of `metrics.jsonl` that it comes from.
const TAGS: [(&str, &str, &str); 12] = [
    ("loss/step", "step", "loss"),
    ("lr", "step", "lr"),
    ("loss/train", "epoch", "train_loss"),
    ("loss/val", "epoch", "val_loss"),
    ("val/roc_auc", "epoch", "val_roc_auc"),
    ("val/sensitivity", "epoch", "val_sensitivity"),
    ("val/specificity", "epoch", "val_specificity"),
    ("val/accuracy", "epoch", "val_accuracy"),
    ("val/average_precision", "epoch", "val_average_precision"),
    ("val/f1", "epoch", "val_f1"),
    ("val/brier", "epoch", "val_brier"),
    ("images_per_second", "epoch", "images_per_second"),
];

const READ: &str = "
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
tags = events.Tags()['scalars']
print(json.dumps({tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags}))
";

type Scalars = BTreeMap<String, Vec<(u64, f64)>>;

fn read_by_tensorboard(python: &Path, run: &Path) -> Scalars {
    let output = Command::new(python)
        .args(["-c", READ])
        .arg(run)
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("Traceback"), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What the same tags must hold by `metrics.jsonl`; what is undefined there has no point.
fn by_metrics(run: &Path) -> Scalars {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).expect("reads");
    let mut scalars = Scalars::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        for (tag, kind, key) in TAGS {
            if let (true, Some(value)) = (line["kind"] == kind, line[key].as_f64()) {
                let step = line["step"].as_u64().expect("step");
                let points = scalars.entry(tag.to_owned()).or_default();
                points.push((step, value));
            }
        }
    }
    scalars
}

fn assert_same(run: &Path, python: &Path) {
    let (theirs, ours) = (read_by_tensorboard(python, run), by_metrics(run));
    for (tag, points) in &ours {
        let read = theirs
            .get(tag)
            .unwrap_or_else(|| panic!("no tag {tag}: {theirs:?}"));
        let steps = |points: &[(u64, f64)]| points.iter().map(|p| p.0).collect::<Vec<_>>();
        assert_eq!(steps(read), steps(points), "{tag}");
        for (theirs, ours) in read.iter().zip(points) {
            // Event files hold f32.
            assert!(
                (theirs.1 - ours.1).abs() <= 1e-6 * ours.1.abs().max(1.0),
                "{tag}: {theirs:?} {ours:?}"
            );
        }
    }
    assert!(ours.contains_key("loss/val") && ours.contains_key("val/roc_auc"));
}

/// A resumed run writes a second file; TensorBoard shows both as one curve.
#[test]
fn tensorboard_reads_what_metrics_jsonl_holds() {
    let python = match python_with("tensorboard") {
        Ok(python) => python,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let dir = trained();
    let run = dir.path().join("run");
    assert_same(&run, &python);
    // File names tell runs apart by the second and the process.
    let set = "--set train.epochs=4 --set train.log_every=2";
    let resumed = osteon(
        dir.path(),
        &format!("train --resume --force --run run {set}"),
    );
    assert_code(&resumed, 0);
    let files = std::fs::read_dir(&run).expect("lists").flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().contains("tfevents"));
    assert_eq!(files.count(), 2);
    assert_same(&run, &python);
    assert_eq!(by_metrics(&run)["loss/val"].len(), 4);
    assert!(by_metrics(&run).contains_key("loss/step"));
}
