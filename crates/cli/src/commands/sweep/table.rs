//! What came out of a sweep: as a table, as CSV and as JSON.

use std::path::Path;

use osteon_files::write_atomic;
use osteon_train::Config;
use serde::{Deserialize, Serialize};

use super::search::Trial;
use crate::args::SweepBy;

/// A finished trial: its `result.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    #[serde(flatten)]
    pub trial: Trial,
    /// Its run folder within the sweep's.
    pub run: String,
    /// Figures at its best epoch; `None` where undefined.
    pub val_roc_auc: Option<f64>,
    pub val_loss: Option<f64>,
    pub best_epoch: u64,
    pub epochs: u64,
    /// Why it has no figures: the loss ran away.
    pub failed: Option<String>,
}

impl Outcome {
    /// What trials are compared by, greater is better.
    fn merit(&self, by: SweepBy) -> f64 {
        let merit = match by {
            SweepBy::ValRocAuc => self.val_roc_auc,
            SweepBy::ValLoss => self.val_loss.map(|loss| -loss),
        };
        merit
            .filter(|merit| !merit.is_nan())
            .unwrap_or(f64::NEG_INFINITY)
    }
}

/// A sweep so far: its `sweep.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Sweep {
    pub by: SweepBy,
    /// Number of the best trial.
    pub best: Option<usize>,
    /// What is tried, finished or not.
    pub planned: Vec<Trial>,
    /// What every trial starts from.
    pub base: Config,
    /// Finished trials, the best first.
    pub trials: Vec<Outcome>,
}

impl Sweep {
    pub fn new(by: SweepBy, base: Config, planned: Vec<Trial>) -> Self {
        Self {
            by,
            best: None,
            planned,
            base,
            trials: Vec::new(),
        }
    }

    /// Adds a finished trial where it belongs.
    pub fn add(&mut self, outcome: Outcome) {
        self.trials.push(outcome);
        let by = self.by;
        self.trials.sort_by(|a, b| {
            let best_first = b.merit(by).total_cmp(&a.merit(by));
            best_first.then(a.trial.number.cmp(&b.trial.number))
        });
        let first = self.trials.first();
        self.best = first
            .filter(|first| first.merit(by).is_finite())
            .map(|first| first.trial.number);
    }

    /// Writes `sweep.json` and `sweep.csv`.
    pub fn write(&self, out: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        write_atomic(&out.join("sweep.json"), json.as_bytes())?;
        write_atomic(&out.join("sweep.csv"), &self.csv()?)?;
        Ok(())
    }

    fn keys(&self) -> Vec<&str> {
        let first = self.planned.first();
        first
            .into_iter()
            .flat_map(|trial| trial.values.iter().map(|(key, _)| key.as_str()))
            .collect()
    }

    fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let mut head = vec!["trial"];
        head.extend(self.keys());
        head.extend([
            "val_roc_auc",
            "val_loss",
            "best_epoch",
            "epochs",
            "run",
            "failed",
        ]);
        csv.write_record(head)?;
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
        for outcome in &self.trials {
            let mut row = vec![outcome.trial.number.to_string()];
            row.extend(outcome.trial.values.iter().map(|(_, value)| value.clone()));
            row.extend([
                number(outcome.val_roc_auc),
                number(outcome.val_loss),
                outcome.best_epoch.to_string(),
                outcome.epochs.to_string(),
                outcome.run.clone(),
                outcome.failed.clone().unwrap_or_default(),
            ]);
            csv.write_record(row)?;
        }
        Ok(csv.into_inner()?)
    }

    /// For people: columns as wide as they need, the best trial with a star.
    pub fn to_text(&self) -> String {
        let mut head = vec![String::new(), "trial".to_owned()];
        head.extend(self.keys().into_iter().map(ToOwned::to_owned));
        head.extend(["val AUC", "val loss", "best epoch"].map(ToOwned::to_owned));
        let figure =
            |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}"));
        let mut rows = vec![head];
        for outcome in &self.trials {
            let best = self.best == Some(outcome.trial.number);
            let mut row = vec![
                if best { "*" } else { "" }.to_owned(),
                outcome.trial.number.to_string(),
            ];
            row.extend(outcome.trial.values.iter().map(|(_, value)| value.clone()));
            row.extend([figure(outcome.val_roc_auc), figure(outcome.val_loss)]);
            row.push(match &outcome.failed {
                Some(_) => "failed".to_owned(),
                None => format!("{} of {}", outcome.best_epoch, outcome.epochs),
            });
            rows.push(row);
        }
        let columns = rows[0].len();
        let wide = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(wide).collect();
        let lines = rows.iter().map(|row| {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:>width$}"))
                .collect();
            cells.join("  ")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
