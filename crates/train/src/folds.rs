//! Cross-validation: every image judged by a model that never saw it, nor an image of its group.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use osteon_collective::Environment;
use osteon_data::{Dataset, Entry, Groups, Split, SplitOptions, fold_images, fold_splits};
use osteon_files::write_atomic;
use osteon_metrics::{average_precision, roc_auc, sigmoid};
use osteon_model::{Predictor, Subset};
use serde::{Deserialize, Serialize};

use crate::config::Monitor;
use crate::subsets::{Fields, subsets};
use crate::trainer::{prepare, train_on};
use crate::{Config, Event, Observer, Plan, StopReason, TrainError};

/// An image's score from the fold that did not know it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFold {
    /// The image's name in the data set.
    pub id: String,
    /// Whether it is fractured.
    pub fractured: bool,
    /// The fold that judged it, counted from 1.
    pub fold: usize,
    /// What belongs together with it: of one number are images of one group. `None` in tables of earlier programs.
    #[serde(default)]
    pub group: Option<usize>,
    /// Calibrated on that fold's val, 0..=1; the logit's uncalibrated probability where val is what is judged.
    pub score: f64,
    /// The network's own number, to which `osteon shrink --refit --scores` fits. `None` in tables of earlier programs.
    #[serde(default)]
    pub logit: Option<f64>,
    /// What else is known of it: a column each.
    #[serde(skip)]
    pub fields: Fields,
}

/// One fold's figures on the images it was not trained or chosen on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldFigures {
    /// Counted from 1.
    pub fold: usize,
    /// Images judged.
    pub films: usize,
    /// Fractured ones among them.
    pub fractured: usize,
    /// ROC-AUC.
    pub roc_auc: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
}

/// What a cross-validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// Each fold that is done.
    pub folds: Vec<FoldFigures>,
    /// ROC-AUC over all images' out-of-fold scores.
    pub roc_auc: Option<f64>,
    /// Average precision over them.
    pub average_precision: Option<f64>,
    /// The same by what else is known of the images: source, region, view.
    pub subsets: Vec<Subset>,
    /// Whether it was stopped before all folds were done.
    pub interrupted: bool,
    /// This process's number among those that trained together; 0 wrote the files.
    #[serde(skip)]
    pub rank: usize,
}

/// Trains `folds` runs in folders `fold-1` … of the plan's run folder, and writes `out_of_fold.csv` and `folds.json` there.
///
/// The images of train and val are divided anew, groups kept whole and values of `train.balance` shared out; images of test stay apart. In
/// each fold one part is judged, the next one is val, which chooses epoch and threshold, and the rest is learned from: no score comes from a
/// model that was chosen on it. With [`Monitor::LastEpoch`] nothing is chosen: the part that is judged is val, all the rest is learned from,
/// and scores are uncalibrated.
/// With `resume` folds that are done are not run again.
pub fn cross_validate(
    plan: &Plan,
    folds: usize,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<CrossValidation, TrainError> {
    let config = &plan.config;
    let device = prepare(config)?;
    let catalog = config.data.catalog()?;
    let apart = |entry: &&Entry| catalog.is_divided() && entry.split == Split::Test;
    let entries: Vec<Entry> = catalog
        .entries()
        .iter()
        .filter(|entry| !apart(entry))
        .cloned()
        .collect();
    let groups = Groups::known(&entries).numbers();
    let options = SplitOptions {
        seed: config.train.seed,
        balance: Some(config.train.balance.clone()).filter(|field| !field.is_empty()),
        ..SplitOptions::default()
    };
    let chooses = config.train.monitor != Monitor::LastEpoch;
    let ids = entries.iter().map(|entry| entry.id.as_str());
    let group_of: HashMap<&str, usize> = ids.zip(groups.iter().copied()).collect();
    let parts = fold_images(&entries, &groups, folds, &options)?;
    if Environment::read()?.is_none_or(|environment| environment.is_main()) {
        observer.on(&Event::Catalogued {
            catalog: &catalog,
            shared: &[],
        });
        note_config(plan)?;
    }
    let mut scores = Vec::new();
    let (mut interrupted, mut rank) = (false, 0);
    for fold in 0..folds {
        let run = plan.run.join(format!("fold-{}", fold + 1));
        let done = run.join(SCORES);
        if plan.resume && done.exists() {
            scores.extend(read_scores(&done)?);
            continue;
        }
        if stop.load(Ordering::Relaxed) {
            interrupted = true;
            break;
        }
        observer.on(&Event::Fold {
            fold: fold + 1,
            folds,
        });
        let mut divided = entries.clone();
        for (entry, split) in divided.iter_mut().zip(splits(&parts, folds, fold, chooses)) {
            entry.split = split;
        }
        let divided = catalog.redivided(divided)?;
        let mut config = config.clone();
        config.train.init = of_fold_init(&config.train.init, fold + 1);
        let of_fold = Plan {
            config: config.clone(),
            resume: plan.resume && run.join("config.toml").exists(),
            run: run.clone(),
            force: plan.force,
        };
        let outcome = train_on(&of_fold, &divided, observer, stop)?;
        rank = outcome.rank;
        if outcome.reason == StopReason::Interrupted {
            interrupted = true;
            break;
        }
        let predictor = Predictor::open(&outcome.model, device)?;
        let films = divided.split(if chooses { Split::Test } else { Split::Val })?;
        let score = |logit| {
            if chooses {
                predictor.info().calibration.score(logit)
            } else {
                sigmoid(logit)
            }
        };
        let mut judged = judge(&predictor, films, &config, &score)?;
        for row in &mut judged {
            row.fold = fold + 1;
            row.group = group_of.get(row.id.as_str()).copied();
        }
        if rank == 0 {
            write_scores(&done, &judged)?;
        }
        scores.extend(judged);
    }
    note_fields(&mut scores, &entries);
    let found = CrossValidation {
        rank,
        ..figures(&scores, interrupted)?
    };
    if rank > 0 {
        return Ok(found);
    }
    write_scores(&plan.run.join(SCORES), &scores)?;
    // Invariant: plain numbers have a JSON form.
    let text = serde_json::to_vec_pretty(&found).unwrap_or_default();
    write_atomic(&plan.run.join("folds.json"), &text)?;
    Ok(found)
}

/// What each image is for in a fold. Where nothing is chosen, val is what is judged, and all else is learned from.
fn splits(parts: &[usize], folds: usize, fold: usize, chooses: bool) -> Vec<Split> {
    if chooses {
        return fold_splits(parts, folds, fold);
    }
    let use_of = |&part: &usize| {
        if part == fold {
            Split::Val
        } else {
            Split::Train
        }
    };
    parts.iter().map(use_of).collect()
}

/// What a fold's model says of its images; fold and group are still to be noted.
fn judge(
    predictor: &Predictor,
    entries: &[Entry],
    config: &Config,
    score: &dyn Fn(f64) -> f64,
) -> Result<Vec<OutOfFold>, TrainError> {
    let preprocess = &predictor.info().preprocess;
    let films = Dataset::load(entries, &config.data.decoder(), preprocess, &|| {})?;
    let films = Arc::new(films);
    let values = predictor.logits(&films, &|_| {})?;
    let rows = films.ids().iter().zip(films.truths()).zip(values);
    Ok(rows
        .map(|((id, fractured), logit)| OutOfFold {
            id: id.clone(),
            fractured,
            fold: 0,
            group: None,
            score: score(logit),
            logit: Some(logit),
            fields: Fields::new(),
        })
        .collect())
}

/// Puts what else is known of the images beside their scores.
fn note_fields(scores: &mut [OutOfFold], entries: &[Entry]) {
    let known: HashMap<&str, &Fields> = entries
        .iter()
        .map(|entry| (entry.id.as_str(), &entry.fields))
        .collect();
    for score in scores {
        if let Some(&fields) = known.get(score.id.as_str()) {
            score.fields.clone_from(fields);
        }
    }
}

/// What a fold begins from: `{fold}` in `train.init` stands for its number, so that each begins from the same fold of another cross-validation.
fn of_fold_init(init: &Path, fold: usize) -> PathBuf {
    match init.to_str() {
        Some(text) => PathBuf::from(text.replace("{fold}", &fold.to_string())),
        None => init.to_owned(),
    }
}

/// The config of all folds, which going on needs: those that have not begun have none of their own yet.
fn note_config(plan: &Plan) -> Result<(), TrainError> {
    let path = plan.run.join("config.toml");
    if !plan.resume && path.exists() {
        return Err(TrainError::RunExists {
            path: plan.run.clone(),
        });
    }
    Ok(write_atomic(&path, plan.config.to_toml()?.as_bytes())?)
}

const SCORES: &str = "out_of_fold.csv";

fn figures(scores: &[OutOfFold], interrupted: bool) -> Result<CrossValidation, TrainError> {
    let of = |scores: &[&OutOfFold]| -> Result<_, TrainError> {
        let labels: Vec<bool> = scores.iter().map(|s| s.fractured).collect();
        let values: Vec<f64> = scores.iter().map(|s| s.score).collect();
        Ok((
            roc_auc(&labels, &values)?,
            average_precision(&labels, &values)?,
        ))
    };
    let mut folds = Vec::new();
    let last = scores.iter().map(|s| s.fold).max().unwrap_or(0);
    for fold in 1..=last {
        let of_fold: Vec<&OutOfFold> = scores.iter().filter(|s| s.fold == fold).collect();
        let (roc_auc, average_precision) = of(&of_fold)?;
        folds.push(FoldFigures {
            fold,
            films: of_fold.len(),
            fractured: of_fold.iter().filter(|s| s.fractured).count(),
            roc_auc,
            average_precision,
        });
    }
    let (roc_auc, average_precision) = of(&scores.iter().collect::<Vec<_>>())?;
    let labels: Vec<bool> = scores.iter().map(|s| s.fractured).collect();
    let values: Vec<f64> = scores.iter().map(|s| s.score).collect();
    // In tables of earlier programs an image without a group stands for itself.
    let alone = |(i, s): (usize, &OutOfFold)| s.group.unwrap_or(usize::MAX - i);
    let groups: Vec<usize> = scores.iter().enumerate().map(alone).collect();
    let fields: Vec<Fields> = scores.iter().map(|s| s.fields.clone()).collect();
    Ok(CrossValidation {
        folds,
        roc_auc,
        average_precision,
        subsets: subsets(&labels, &values, &groups, &fields)?,
        interrupted,
        rank: 0,
    })
}

/// Columns of the table that say nothing of the image itself.
pub(crate) const COLUMNS: [&str; 6] = ["id", "fractured", "fold", "group", "score", "logit"];

fn write_scores(path: &Path, scores: &[OutOfFold]) -> Result<(), TrainError> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for score in scores {
        names.extend(score.fields.keys().map(String::as_str));
    }
    names.retain(|name| !COLUMNS.contains(name));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| writer.write_record(record).map_err(|e| table(path, e));
    write(
        COLUMNS
            .into_iter()
            .chain(names.iter().copied())
            .map(str::to_owned)
            .collect(),
    )?;
    for score in scores {
        let optional = |value: Option<String>| value.unwrap_or_default();
        let mut record = vec![
            score.id.clone(),
            score.fractured.to_string(),
            score.fold.to_string(),
            optional(score.group.map(|group| group.to_string())),
            score.score.to_string(),
            optional(score.logit.map(|logit| logit.to_string())),
        ];
        record.extend(
            names
                .iter()
                .map(|name| optional(score.fields.get(*name).cloned())),
        );
        write(record)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| table(path, e.into_error().into()))?;
    Ok(write_atomic(path, &bytes)?)
}

fn read_scores(path: &Path) -> Result<Vec<OutOfFold>, TrainError> {
    let mut reader = csv::Reader::from_path(path).map_err(|e| table(path, e))?;
    let rows = reader.deserialize().collect::<Result<_, _>>();
    rows.map_err(|e| table(path, e))
}

fn table(path: &Path, source: csv::Error) -> TrainError {
    TrainError::Table {
        path: PathBuf::from(path),
        source,
    }
}
