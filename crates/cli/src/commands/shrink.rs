//! `osteon shrink`: a model file of half the size.

use std::path::{Path, PathBuf};

use osteon_data::Split;
use osteon_evaluate::{Request, evaluate};
use osteon_model::{Device, Predictor, Storage, load, save_as};
use osteon_train::config::Layers;
use osteon_train::{Config, Refit, TrainError, Written, choose_device, shrink};
use serde::Serialize;

use super::train::plan::flags;
use crate::args::ShrinkArgs;
use crate::chosen::model_path;
use crate::exit::{Ending, UsageError};
use crate::output;
use crate::progress::{EvaluationProgress, TrainProgress};

/// What `shrink --json` prints. AUCs on val are `null` where they are not known.
#[derive(Serialize)]
struct Report<'a> {
    model: &'a Path,
    out: &'a Path,
    bytes_before: u64,
    bytes: u64,
    val_roc_auc_before: Option<f64>,
    val_roc_auc: Option<f64>,
}

pub fn run(args: &ShrinkArgs) -> anyhow::Result<Ending> {
    let models = models(&args.model);
    let config = args.refit.then(|| config(args)).transpose()?;
    let only = match &args.only {
        None => None,
        Some(text) => Some(text.split_once('=').ok_or_else(|| {
            UsageError(format!(
                "--only {text}: it takes COLUMN=VALUE, such as source=fracatlas"
            ))
        })?),
    };
    let refit = config.as_ref().map(|config| Refit {
        config,
        scores: args.scores.as_deref(),
        only,
    });
    let out = Written {
        path: &args.out,
        name: args.name.as_deref(),
    };
    let done = shrink(&models, out, refit, &mut TrainProgress::new(1))?;
    if let Some(config) = &config {
        judge_boxes(&args.out, config)?;
    }
    let report = Report {
        model: &args.model,
        out: &args.out,
        bytes_before: done.bytes.0,
        bytes: done.bytes.1,
        val_roc_auc_before: done.val_roc_auc.0,
        val_roc_auc: done.val_roc_auc.1,
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&text(&report))?;
    }
    Ok(Ending::Done)
}

/// Judges the boxes that a model gives on val, where any are known, and writes what is found into its file.
fn judge_boxes(file: &Path, config: &Config) -> anyhow::Result<()> {
    let predictor = Predictor::open(file, choose_device(&config.train.device)?)?;
    let catalog = config.data.catalog()?;
    let request = Request {
        model: Some(file),
        explain: true,
        ..Request::new(&predictor, &catalog, Split::Val)
    };
    let Some(boxes) = evaluate(&request, &EvaluationProgress::default())?
        .judgement
        .boxes
    else {
        return Ok(());
    };
    let (net, mut info) = load(file, Device::Cpu)?;
    info.metrics.boxes = Some(boxes);
    Ok(save_as(file, &net, &info, Storage::Half)?)
}

/// The model that was named; of the folder of a cross-validation the models of its folds.
fn models(given: &Path) -> Vec<PathBuf> {
    let mut folds = Vec::new();
    loop {
        let fold = given.join(format!("fold-{}", folds.len() + 1));
        let model = fold.join("model.safetensors");
        if !model.is_file() {
            break;
        }
        folds.push(model);
    }
    if folds.is_empty() {
        vec![model_path(given)]
    } else {
        folds
    }
}

/// The config of the run that the model lies in, or the one given, with what the flags change.
fn config(args: &ShrinkArgs) -> anyhow::Result<Config> {
    let model = model_path(&args.model);
    let beside = model.with_file_name("config.toml");
    let file = args.config.clone().unwrap_or(beside);
    if !file.is_file() {
        let said = format!(
            "{} lies in no run folder: name the config it was trained with by --config",
            model.display()
        );
        return Err(UsageError(said).into());
    }
    let mut layers = Layers {
        file: Some(file),
        set: args.set.clone(),
    };
    layers.set.extend(flags(args.data.as_deref(), None)?);
    Ok(layers.resolve().map_err(TrainError::from)?)
}

fn text(report: &Report<'_>) -> String {
    let auc = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.5}"));
    let sizes = format!(
        "{}: {:.2} MiB, from {:.2} MiB",
        report.out.display(),
        mebibytes(report.bytes),
        mebibytes(report.bytes_before)
    );
    if report.val_roc_auc.is_none() {
        return sizes;
    }
    let (now, before) = (auc(report.val_roc_auc), auc(report.val_roc_auc_before));
    format!("{sizes}\nROC-AUC on val: {now}, from {before}")
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
