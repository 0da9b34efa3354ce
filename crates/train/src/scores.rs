//! A table of out-of-fold logits, to fit calibration, operating points and promises to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use osteon_model::{FittedOn, FittedSource};
use serde::Deserialize;

use crate::TrainError;
use crate::trainer::Judged;

/// Answers of models that had not seen the images.
pub(crate) struct Scores {
    pub judged: Judged,
    pub on: FittedOn,
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
    /// Reads the columns `fractured` (true or false) and `logit`, and `group` and `fold` where they are there.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
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
        let mut judged = Judged {
            labels: Vec::new(),
            logits: Vec::new(),
            groups: Vec::new(),
        };
        let mut groups = BTreeMap::new();
        let mut folds = BTreeSet::new();
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
            folds.extend(row.fold.filter(|fold| !fold.is_empty()));
        }
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
        Ok(Self { judged, on })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scores, String> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("scores.csv");
        std::fs::write(&path, text).expect("writes");
        Scores::read(&path).map_err(|error| {
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
