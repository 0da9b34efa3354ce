//! `metrics.jsonl` and the TensorBoard file of a run.

use serde::Serialize;
use serde_json::Value;

use crate::tensorboard::EventFile;
use crate::{EpochRecord, RunDir, TrainError};

/// What a run has measured, in memory and on disk.
pub(crate) struct Log {
    path: std::path::PathBuf,
    lines: Vec<u8>,
    events: EventFile,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Step {
        epoch: u64,
        step: u64,
        loss: f64,
        lr: f64,
    },
    Epoch(&'a EpochRecord),
}

impl Log {
    /// Opens the log; in a resumed run lines up to `epochs_done` are kept, later ones belong to an epoch that is run again.
    pub fn open(run: &RunDir, epochs_done: u64) -> Result<Self, TrainError> {
        let path = run.metrics();
        let mut lines = Vec::new();
        if epochs_done > 0 {
            let text = std::fs::read_to_string(&path).map_err(|source| TrainError::Io {
                action: "read",
                path: path.clone(),
                source,
            })?;
            for line in text.lines() {
                let epoch = serde_json::from_str::<Value>(line)
                    .ok()
                    .and_then(|v| v["epoch"].as_u64());
                if epoch.is_some_and(|epoch| epoch <= epochs_done) {
                    lines.extend(line.bytes().chain([b'\n']));
                }
            }
        }
        Ok(Self {
            path,
            lines,
            events: EventFile::create(run.path())?,
        })
    }

    /// Notes a step; it reaches the disk with its epoch.
    pub fn step(&mut self, epoch: u64, step: u64, loss: f64, lr: f64) -> Result<(), TrainError> {
        self.push(&Line::Step {
            epoch,
            step,
            loss,
            lr,
        });
        self.events
            .scalars(step, &[("loss/step", Some(loss)), ("lr", Some(lr))])
    }

    /// Notes an epoch and writes the file, whole.
    pub fn epoch(&mut self, record: &EpochRecord) -> Result<(), TrainError> {
        self.push(&Line::Epoch(record));
        osteon_data::write_atomic(&self.path, &self.lines)?;
        self.events.scalars(
            record.step,
            &[
                ("loss/train", Some(record.train_loss)),
                ("loss/val", Some(record.val_loss)),
                ("val/roc_auc", record.val_roc_auc),
                ("val/sensitivity", record.val_sensitivity),
                ("val/specificity", record.val_specificity),
                ("val/accuracy", record.val_accuracy),
                ("images_per_second", Some(record.images_per_second)),
            ],
        )
    }

    fn push(&mut self, line: &Line<'_>) {
        // Invariant: a flat record of numbers has a JSON form.
        if serde_json::to_writer(&mut self.lines, line).is_ok() {
            self.lines.push(b'\n');
        }
    }
}
