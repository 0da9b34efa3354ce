//! A model file of half the size.

use std::path::{Path, PathBuf};
use std::time::Duration;

use osteon_data::{Dataset, Split};
use osteon_files::FileError;
use osteon_model::{ModelInfo, Storage, load, save_as};

use crate::average::average;
use crate::config::Monitor;
use crate::scores::Scores;
use crate::team::Team;
use crate::trainer::{Judged, fit, learned_from, read};
use crate::{Config, Observer, TrainError, choose_device};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrunk {
    /// Bytes of the files there were, and of the new one.
    pub bytes: (u64, u64),
    /// ROC-AUC on val before and after; after only where val was judged again.
    pub val_roc_auc: (Option<f64>, Option<f64>),
}

/// What calibration, operating points, doubt band and figures are fitted to anew.
#[derive(Debug, Clone, Copy)]
pub struct Refit<'a> {
    /// Whose val is judged, and by whose rules it is fitted.
    pub config: &'a Config,
    /// A table of out-of-fold logits as [`cross_validate`](crate::cross_validate) writes it, to fit to in place of val's answers.
    pub scores: Option<&'a Path>,
    /// A column of that table and the value that rows must have to be fitted to: one source of several.
    pub only: Option<(&'a str, &'a str)>,
}

/// What is written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The model file.
    pub path: &'a Path,
    /// What the model is to be called; `None`: as before.
    pub name: Option<&'a str>,
}

/// Writes a model with its weights in 16 bits. With `refit` its images of val are judged by the rounded weights, and calibration, operating points,
/// doubt band and figures are fitted to that, so that the header is true of the weights in the file to the last digit; they must be the images that the
/// model was chosen on. Without, the header stays as it is, true but for the rounding.
///
/// With [`Refit::scores`] calibration, operating points and doubt band are fitted to those in place of val's answers: some eight times as many, for
/// five folds. The promises then are of models made by the same recipe, of which this is one; the figures are of this model on val.
///
/// Several models, the folds of one cross-validation, are averaged: their mean has learned from all their images, so it can be fitted to
/// out-of-fold scores alone, and its val is one that the folds did not have. Without `refit` it is calibrated on nothing: to begin another training from.
///
/// # Errors
/// If a model or the images do not read, a weight is too large for 16 bits, the images are others, or several models are no folds.
pub fn shrink(
    models: &[PathBuf],
    out: Written<'_>,
    refit: Option<Refit<'_>>,
    observer: &mut dyn Observer,
) -> Result<Shrunk, TrainError> {
    let device = match refit {
        Some(Refit { config, .. }) => choose_device(&config.train.device)?,
        None => osteon_model::Device::Cpu,
    };
    // Before the images, which take long: a table that does not read is said at once.
    let scores = match refit {
        Some(Refit { scores, only, .. }) => {
            scores.map(|path| Scores::read(path, only)).transpose()?
        }
        None => None,
    };
    let (net, mut info) = match models {
        [model] => load(model, device)?,
        _ if refit.is_some() && scores.is_none() => return Err(TrainError::AverageUnfitted),
        _ => average(models, device)?,
    };
    let mut before = val_auc(&info);
    if refit.is_none() {
        net.round_to(Storage::Half)?;
    }
    if let Some(Refit { config, .. }) = refit {
        let mut config = config.clone();
        config.preprocess.clone_from(&info.preprocess);
        let catalog = config.data.catalog()?;
        let films = read(Split::Val, catalog.split(Split::Val)?, &config, observer)?;
        take_val(&mut info, models, &films, &catalog.name())?;
        let team = Team::join(device, Duration::from_secs_f64(config.train.rank_timeout))?;
        if info.training_data.averaged.is_some() {
            before = Judged::new(&net, &films, &team)?.metrics()?.roc_auc;
        }
        net.round_to(Storage::Half)?;
        let judged = Judged::new(&net, &films, &team)?;
        team.close()?;
        match &scores {
            None => judged.describe(&mut info, &config)?,
            Some(scores) => {
                fit(&scores.judged, scores.on, &mut info, &config)?;
                info.metrics.out_of_fold = Some(scores.judged.summary(&info)?);
                info.metrics.subsets = scores.subsets(&info)?;
                info.metrics.val = Some(judged.summary(&info)?);
                let known = &mut info.training_data;
                if known.averaged.is_some() || config.train.monitor == Monitor::LastEpoch {
                    known.val_apart = true;
                    known.val_films.clear();
                    known.val_hashes.clear();
                }
            }
        }
        // It was of the weights as they were.
        info.metrics.test = None;
    }
    if let Some(name) = out.name {
        info.name = Some(name.to_owned());
    }
    save_as(out.path, &net, &info, Storage::Half)?;
    let size = |path: &Path| {
        let io = |source| FileError::new("look at", path, source);
        Ok::<u64, TrainError>(std::fs::metadata(path).map_err(io)?.len())
    };
    let mut before_bytes = 0;
    for model in models {
        before_bytes += size(model)?;
    }
    Ok(Shrunk {
        bytes: (before_bytes, size(out.path)?),
        val_roc_auc: (before, refit.and_then(|_| val_auc(&info))),
    })
}

/// Sees to it that the images are the val that the header knows, or, of an average, that no fold learned from them; then they become its val.
fn take_val(
    info: &mut ModelInfo,
    models: &[PathBuf],
    films: &Dataset,
    data: &str,
) -> Result<(), TrainError> {
    let known = &mut info.training_data;
    if known.averaged.is_none() {
        if films.fingerprint() == known.val_fingerprint {
            return Ok(());
        }
        return Err(TrainError::OtherVal {
            path: models.first().cloned().unwrap_or_default(),
            data: data.to_owned(),
        });
    }
    let learned = learned_from(known, films);
    if learned > 0 {
        return Err(TrainError::ValLearned {
            images: learned,
            data: data.to_owned(),
        });
    }
    films.fingerprint().clone_into(&mut known.val_fingerprint);
    known.val_images = films.len() as u64;
    known.val_fractured = films.fractured() as u64;
    Ok(())
}

fn val_auc(info: &ModelInfo) -> Option<f64> {
    info.metrics.val.as_ref()?.roc_auc.value
}
