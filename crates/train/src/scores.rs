//! A table of out-of-fold logits, to fit calibration, operating points and promises to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use osteon_model::{Decided, Decision, FittedOn, FittedSource, ModelInfo, Subset};
use serde::Deserialize;

use crate::TrainError;
use crate::folds::COLUMNS;
use crate::subsets::{Fields, subsets};
use crate::trainer::Judged;

/// Answers of models that had not seen the images.
pub(crate) struct Scores {
    /// What is fitted to: all rows, or those that were asked for.
    pub judged: Judged,
    pub on: FittedOn,
    /// All rows.
    all: Judged,
    /// The columns that are no scores, of all rows.
    fields: Vec<Fields>,
}

/// A row: what is needed of it; other columns are read over.
#[derive(Deserialize)]
struct Row {
    fractured: String,
    logit: f64,
    /// What belongs together; without it each image stands for itself.
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    fold: Option<String>,
}

impl Scores {
    /// Reads the columns `fractured` (true or false) and `logit`, and `group` and `fold` where they are there. `only` names a column and the value
    /// that rows must have to be fitted to.
    pub fn read(path: &Path, only: Option<(&str, &str)>) -> Result<Self, TrainError> {
        let fault = |line: Option<u64>, problem: String| TrainError::Scores {
            path: path.to_owned(),
            line,
            problem,
        };
        let table = |source| TrainError::Table {
            path: path.to_owned(),
            source,
        };
        let mut reader = csv::Reader::from_path(path).map_err(table)?;
        let head = reader.headers().map_err(table)?.clone();
        for needed in ["fractured", "logit"] {
            if !head.iter().any(|name| name == needed) {
                let there: Vec<&str> = head.iter().collect();
                return Err(fault(
                    Some(1),
                    format!("there is no column {needed}, only {}", there.join(", ")),
                ));
            }
        }
        let none = || Judged {
            labels: Vec::new(),
            logits: Vec::new(),
            groups: Vec::new(),
        };
        let mut judged = none();
        let mut groups = BTreeMap::new();
        let mut folds = Vec::new();
        let mut fields: Vec<Fields> = Vec::new();
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(table)? {
            let line = record.position().map(csv::Position::line);
            let row: Row = record.deserialize(Some(&head)).map_err(table)?;
            judged.labels.push(match row.fractured.as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                other => {
                    let problem = format!("fractured is {other:?}, neither true nor false");
                    return Err(fault(line, problem));
                }
            });
            if !row.logit.is_finite() {
                return Err(fault(line, "the logit is no finite number".to_owned()));
            }
            judged.logits.push(row.logit);
            // An image without a group is one of its own.
            let own = format!("\0{}", judged.labels.len());
            let name = row.group.filter(|name| !name.is_empty()).unwrap_or(own);
            let next = groups.len();
            judged.groups.push(*groups.entry(name).or_insert(next));
            folds.push(row.fold.filter(|fold| !fold.is_empty()));
            let named = head.iter().zip(record.iter());
            fields.push(
                named
                    .filter(|(name, _)| !COLUMNS.contains(name))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            );
        }
        let chosen: Vec<usize> = match only {
            None => (0..fields.len()).collect(),
            Some((field, value)) => {
                let is = |&i: &usize| fields[i].get(field).is_some_and(|found| found == value);
                let rows: Vec<usize> = (0..fields.len()).filter(is).collect();
                if rows.is_empty() {
                    return Err(TrainError::NoSuchRows {
                        path: path.to_owned(),
                        field: field.to_owned(),
                        value: value.to_owned(),
                    });
                }
                rows
            }
        };
        let all = judged;
        let judged = Judged {
            labels: chosen.iter().map(|&i| all.labels[i]).collect(),
            logits: chosen.iter().map(|&i| all.logits[i]).collect(),
            groups: chosen.iter().map(|&i| all.groups[i]).collect(),
        };
        let folds: BTreeSet<&String> = chosen.iter().filter_map(|&i| folds[i].as_ref()).collect();
        let counted = judged.counted();
        if counted.fractured == 0 || counted.fractured == counted.images {
            let problem = format!(
                "{} of its {} images are fractured: both classes are needed",
                counted.fractured, counted.images
            );
            return Err(fault(None, problem));
        }
        let on = FittedOn {
            source: FittedSource::OutOfFold,
            folds: (!folds.is_empty()).then_some(folds.len() as u64),
            ..counted
        };
        Ok(Self {
            judged,
            on,
            all,
            fields,
        })
    }

    /// Figures by the columns that are no scores, of all rows, and what a model that was fitted to some of them decides.
    pub fn subsets(&self, info: &ModelInfo) -> Result<Vec<Subset>, TrainError> {
        let score = |&logit: &f64| info.calibration.score(logit);
        let scores: Vec<f64> = self.all.logits.iter().map(score).collect();
        let mut found = subsets(&self.all.labels, &scores, &self.all.groups, &self.fields)?;
        let rule = info.rule(None)?;
        for subset in &mut found {
            let mut decided = Decided::default();
            for (i, fields) in self.fields.iter().enumerate() {
                if fields.get(&subset.field) != Some(&subset.value) {
                    continue;
                }
                let count = match (rule.decide(scores[i]), self.all.labels[i]) {
                    (Decision::Fractured, true) => &mut decided.found,
                    (Decision::Fractured, false) => &mut decided.false_alarms,
                    (Decision::NotFractured, true) => &mut decided.missed,
                    (Decision::NotFractured, false) => &mut decided.cleared,
                    _ => &mut decided.doubt,
                };
                *count += 1;
            }
            subset.decisions = Some(decided);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scores, String> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("scores.csv");
        std::fs::write(&path, text).expect("writes");
        Scores::read(&path, None).map_err(|error| {
            error
                .to_string()
                .replace(&format!("{}/", dir.path().display()), "")
        })
    }

    #[test]
    fn groups_and_folds_are_taken_where_they_are_there() {
        let text = "id,fractured,fold,group,score,logit\na,true,1,7,0.9,2.5\nb,false,1,7,0.1,-2\nc,0,2,,0.2,-1.5\nd,0,2,,0.2,-1\n";
        let found = read(text).expect("reads");
        assert_eq!(found.judged.labels, [true, false, false, false]);
        assert_eq!(found.judged.groups, [0, 0, 1, 2]);
        assert!((found.judged.logits[0] - 2.5).abs() < 1e-12);
        assert_eq!(
            found.on.to_string(),
            "out-of-fold scores over 2 folds: 4 images, 1 fractured"
        );
        let plain = read("logit,fractured\n1,1\n-1,0\n").expect("reads");
        assert_eq!(
            plain.on.to_string(),
            "out-of-fold scores: 2 images, 1 fractured"
        );
    }

    #[test]
    fn faults_have_their_line() {
        for (text, said) in [
            (
                "id,fractured,score\na,true,0.5\n",
                "scores.csv, line 1: there is no column logit, only id, fractured, score",
            ),
            (
                "fractured,logit\ntrue,1\nyes,2\n",
                "scores.csv, line 3: fractured is \"yes\", neither true nor false",
            ),
            (
                "fractured,logit\ntrue,NaN\n",
                "scores.csv, line 2: the logit is no finite number",
            ),
            (
                "fractured,logit\ntrue,1\n",
                "scores.csv: 1 of its 1 images are fractured: both classes are needed",
            ),
        ] {
            assert_eq!(read(text).err().as_deref(), Some(said));
        }
        assert!(
            read("fractured,logit\ntrue,much\n")
                .err()
                .expect("refused")
                .contains("line: 2")
        );
    }
}
