//! `metrics.jsonl` and the TensorBoard file of a run.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use osteon_files::FileError;
use serde::Serialize;
use serde_json::Value;

use crate::tensorboard::EventFile;
use crate::{EpochRecord, RunDir, TrainError};

/// Whoever follows `metrics.jsonl` sees a step at most so late; it is written whole each time, and more often it would cost.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// What a run has measured, in memory and on disk.
pub(crate) struct Log {
    /// Where to; `None` in a process that is not the first of its team.
    files: Option<(PathBuf, EventFile)>,
    lines: Vec<u8>,
    /// When metrics.jsonl was last written, if it was.
    written: Option<Instant>,
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
    /// Opens the log. In a run that goes on after `step` steps and `epoch` whole epochs, later lines belong to steps that are taken
    /// again, and go.
    pub fn open(run: &RunDir, epoch: u64, step: u64) -> Result<Self, TrainError> {
        let path = run.metrics();
        let mut lines = Vec::new();
        if step > 0 {
            // A run killed before its first epoch ended may have no log yet.
            let text = match std::fs::read_to_string(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
                read => read.map_err(|source| FileError::new("read", &path, source))?,
            };
            let stays = |line: &&str| {
                serde_json::from_str::<Value>(line).is_ok_and(|line| {
                    let number = |key: &str| line[key].as_u64().unwrap_or(u64::MAX);
                    if line["kind"] == "epoch" {
                        number("epoch") <= epoch
                    } else {
                        number("step") <= step
                    }
                })
            };
            for line in text.lines().filter(stays) {
                lines.extend(line.bytes().chain([b'\n']));
            }
        }
        let mut events = EventFile::create(run.path())?;
        if step > 0 {
            events.go_on_after(step)?;
        }
        Ok(Self {
            files: Some((path, events)),
            lines,
            written: None,
        })
    }

    /// A log that nobody reads.
    pub fn nowhere() -> Self {
        Self {
            files: None,
            lines: Vec::new(),
            written: None,
        }
    }

    /// Notes a step; it reaches metrics.jsonl with the next checkpoint, or before where none comes soon.
    pub fn step(&mut self, epoch: u64, step: u64, loss: f64, lr: f64) -> Result<(), TrainError> {
        self.push(&Line::Step {
            epoch,
            step,
            loss,
            lr,
        });
        if self
            .written
            .is_none_or(|then| then.elapsed() >= WRITE_EVERY)
        {
            self.write()?;
        }
        self.scalars(step, &[("loss/step", Some(loss)), ("lr", Some(lr))])
    }

    /// Notes an epoch and writes the file, whole.
    pub fn epoch(&mut self, record: &EpochRecord) -> Result<(), TrainError> {
        self.push(&Line::Epoch(record));
        self.write()?;
        self.scalars(
            record.step,
            &[
                ("loss/train", Some(record.train_loss)),
                ("loss/val", Some(record.val_loss)),
                ("val/roc_auc", record.val_roc_auc),
                ("val/sensitivity", record.val_sensitivity),
                ("val/specificity", record.val_specificity),
                ("val/accuracy", record.val_accuracy),
                ("val/average_precision", record.val_average_precision),
                ("val/f1", record.val_f1),
                ("val/brier", record.val_brier),
                ("images_per_second", Some(record.images_per_second)),
            ],
        )
    }

    /// Writes metrics.jsonl, whole.
    pub fn write(&mut self) -> Result<(), TrainError> {
        if let Some((path, _)) = &self.files {
            osteon_files::write_atomic(path, &self.lines)?;
            self.written = Some(Instant::now());
        }
        Ok(())
    }

    fn scalars(&mut self, step: u64, values: &[(&str, Option<f64>)]) -> Result<(), TrainError> {
        match &mut self.files {
            Some((_, events)) => events.scalars(step, values),
            None => Ok(()),
        }
    }

    fn push(&mut self, line: &Line<'_>) {
        // Invariant: a flat record of numbers has a JSON form.
        if serde_json::to_writer(&mut self.lines, line).is_ok() {
            self.lines.push(b'\n');
        }
    }
}
