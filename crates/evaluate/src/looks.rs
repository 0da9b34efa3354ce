//! How often a test set was looked at: `judgements.jsonl` in the model's run, a line an evaluation.
//!
//! A test set that is looked at until a model pleases is no test set. Nobody is stopped from looking, but every look is written down.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use osteon_report::judgement::Judgement;
use serde::{Deserialize, Serialize};

use crate::Observer;

/// Of the model that ships with the program, whose looks nobody counts.
pub const NOWHERE: &str = "The model that ships with the program lies in no run folder: this look at test was not written down, and how many there were before is not known.";

const FILE: &str = "judgements.jsonl";

/// A line of `judgements.jsonl`.
#[derive(Debug, Serialize, Deserialize)]
struct Look {
    judged_at: String,
    split: String,
    data: String,
    /// SHA-256 over id, label and content of the images: which test set this was.
    data_fingerprint: String,
    weights_sha256: String,
    images: u64,
    sensitivity: Option<f64>,
    specificity: Option<f64>,
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
}

/// The run folder that a model file lies in, if it is in one.
pub fn run_of(model: &Path) -> Option<PathBuf> {
    let folder = model.parent()?;
    folder.join("config.toml").is_file().then(|| {
        // A bare file name has the empty path as its parent.
        if folder.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            folder.to_owned()
        }
    })
}

/// Writes the evaluation down and says how often this test set was judged in this run, this time included; by any model of the run, since
/// a retrained model was chosen knowing the earlier result. `None` where there is no run, or it cannot be written (the observer is told).
pub fn record(run: Option<&Path>, judgement: &Judgement, observer: &dyn Observer) -> Option<u64> {
    let file = run?.join(FILE);
    match append(&file, judgement) {
        Ok(looks) => Some(looks),
        Err(error) => {
            observer.look_not_recorded(&file, &error);
            None
        }
    }
}

fn append(path: &Path, judgement: &Judgement) -> std::io::Result<u64> {
    let summary = &judgement.summary;
    let look = Look {
        judged_at: judgement.judged_at.clone(),
        split: judgement.split.clone(),
        data: judgement.data.name.clone(),
        data_fingerprint: judgement.data.fingerprint.clone(),
        weights_sha256: judgement.model.weights_sha256.clone(),
        images: summary.images,
        sensitivity: summary.sensitivity.value,
        specificity: summary.specificity.value,
        roc_auc: summary.roc_auc.value,
        average_precision: summary.average_precision.value,
    };
    let mut file: File = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    // Two evaluations at once write two lines.
    file.lock()?;
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    let before = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Look>(line).ok())
        .filter(|known| known.data_fingerprint == look.data_fingerprint)
        .count() as u64;
    let mut line = serde_json::to_string(&look)?;
    // A line cut off by a kill must not swallow this one.
    if !text.is_empty() && !text.ends_with('\n') {
        line.insert(0, '\n');
    }
    line.push('\n');
    file.write_all(line.as_bytes())?;
    file.sync_all()?;
    Ok(before + 1)
}
