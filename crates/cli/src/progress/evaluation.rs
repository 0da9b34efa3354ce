//! A bar for each stage of an evaluation.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use osteon_data::{Split, Unreadable};
use osteon_evaluate::{Observer, Stage};

use super::bars::bar;
use super::words::{list_repaired, list_unreadable};

/// Shows an evaluation on stderr.
#[derive(Default)]
pub struct EvaluationProgress {
    /// Of the stage in progress.
    bar: Mutex<Option<ProgressBar>>,
}

impl EvaluationProgress {
    fn with(&self, action: impl FnOnce(&mut Option<ProgressBar>)) {
        // A poisoned lock holds a bar anyway.
        action(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Observer for EvaluationProgress {
    fn begin(&self, stage: Stage, total: usize) {
        let what = match stage {
            Stage::Reading(split) => format!("reading {split}"),
            Stage::Scoring(split) => format!("judging {split}"),
            Stage::Explaining => "explaining".to_owned(),
            Stage::Locating => "finding boxes".to_owned(),
            Stage::Drawing => "drawing".to_owned(),
            _ => "working".to_owned(),
        };
        self.with(|held| *held = Some(bar(&what, total)));
    }

    fn advance(&self, done: usize) {
        self.with(|held| {
            if let Some(bar) = held {
                bar.inc(done as u64);
            }
        });
    }

    fn finish(&self) {
        self.with(|held| {
            if let Some(bar) = held.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn unreadable(&self, split: Split, files: &[Unreadable]) {
        list_unreadable(split.name(), files);
    }

    fn repaired(&self, split: Split, ids: &[String]) {
        list_repaired(split.name(), ids);
    }

    fn look_not_recorded(&self, file: &Path, error: &io::Error) {
        eprintln!(
            "warning: this look at the test set could not be written down in {}: {error}",
            file.display()
        );
    }
}
