//! The average of a cross-validation's models: one network that has learned from all their images.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use osteon_model::{Device, ModelInfo, Net, TrainingData, load};
use sha2::{Digest, Sha256};
use tch::TchError;

use crate::TrainError;

/// Averages the weights and running statistics of the models of a cross-validation's folds. Networks that began from the same weights and
/// learned from mostly the same images lie near enough to each other for their mean to be a network of the same kind, mostly a better one
/// (Wortsman et al. 2022, Model soups).
///
/// The header is that of a model that has learned from all their images, and has no val: it is calibrated on nothing yet.
///
/// # Errors
/// If a model does not read, or the models are not those of one cross-validation's folds.
pub(crate) fn average(models: &[PathBuf], device: Device) -> Result<(Net, ModelInfo), TrainError> {
    let [first, others @ ..] = models else {
        return Err(not_folds(Path::new(""), "there is none"));
    };
    let (net, info) = load(first, device)?;
    let mut of_all = vec![info.training_data.clone()];
    for path in others {
        let (other, known) = load(path, device)?;
        if known.architecture != info.architecture || known.preprocess != info.preprocess {
            return Err(not_folds(path, "its network or its input is another"));
        }
        tch::no_grad(|| {
            for ((_, mut sum), (_, tensor)) in net.tensors().into_iter().zip(other.tensors()) {
                let _ = sum.f_add_(&tensor)?;
            }
            Ok::<_, TchError>(())
        })?;
        of_all.push(known.training_data);
    }
    tch::no_grad(|| {
        for (_, mut sum) in net.tensors() {
            let _ = sum.f_div_scalar_(models.len() as f64)?;
        }
        Ok::<_, TchError>(())
    })?;
    let training_data = learned(&of_all).map_err(|at| {
        not_folds(
            &models[at],
            "its images of train and val are not those of the first",
        )
    })?;
    let info = ModelInfo {
        name: info.name,
        gate: info.gate,
        training_data,
        licence: info.licence,
        attribution: info.attribution,
        ..ModelInfo::new(info.architecture, info.preprocess)
    };
    Ok((net, info))
}

/// What all have learned from together; the place of the first that is of another set of images.
fn learned(folds: &[TrainingData]) -> Result<TrainingData, usize> {
    let whole = |fold: &TrainingData| &fold.train_films | &fold.val_films;
    // Invariant: there is one, or there would be no network.
    let first = folds.first().ok_or(0_usize)?;
    let all = whole(first);
    if let Some(at) = folds.iter().position(|fold| whole(fold) != all) {
        return Err(at);
    }
    let mut fingerprint = Sha256::new();
    for fold in folds {
        fingerprint.update(fold.train_fingerprint.as_bytes());
    }
    Ok(TrainingData {
        train_fingerprint: osteon_files::hex(&fingerprint.finalize()),
        val_fingerprint: String::new(),
        train_images: first.train_images + first.val_images,
        train_fractured: first.train_fractured + first.val_fractured,
        val_images: 0,
        val_fractured: 0,
        averaged: Some(folds.len() as u64),
        val_apart: false,
        train_films: all,
        val_films: BTreeSet::new(),
        train_hashes: &first.train_hashes | &first.val_hashes,
        val_hashes: BTreeSet::new(),
        ..first.clone()
    })
}

fn not_folds(path: &Path, problem: &'static str) -> TrainError {
    TrainError::NotFolds {
        path: path.to_owned(),
        problem,
    }
}
