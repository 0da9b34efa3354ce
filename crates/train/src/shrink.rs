//! A model file of half the size.

use std::path::Path;
use std::time::Duration;

use osteon_data::Split;
use osteon_model::{ModelInfo, Storage, load, save_as};

use crate::scores::Scores;
use crate::team::Team;
use crate::trainer::{Judged, fit, read};
use crate::{Config, Observer, TrainError, choose_device};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrunk {
    /// Bytes of the file there was, and of the new one.
    pub bytes: (u64, u64),
    /// ROC-AUC on val before and after; after only where val was judged again.
    pub val_roc_auc: (Option<f64>, Option<f64>),
}

/// Writes a model with its weights in 16 bits. With a config, its films of val are judged by the rounded weights, and calibration, operating points,
/// doubt band and figures are fitted to that, so that the header is true of the weights in the file to the last digit; they must be the films that the
/// model was chosen on. Without one the header stays as it is, true but for the rounding.
///
/// With `scores`, a table of out-of-fold logits as [`cross_validate`](crate::cross_validate) writes it, calibration, operating points and doubt band are fitted
/// to those in place of val's answers: some eight times as many, for five folds. The promises then are of models made by the same recipe, of
/// which this is one; the figures are of this model on val.
///
/// # Errors
/// If the model or the films do not read, a weight is too large for 16 bits, or the films are others.
pub fn shrink(
    model: &Path,
    out: &Path,
    refit: Option<(&Config, Option<&Path>)>,
    observer: &mut dyn Observer,
) -> Result<Shrunk, TrainError> {
    let device = match refit {
        Some((config, _)) => choose_device(&config.train.device)?,
        None => osteon_model::Device::Cpu,
    };
    let (net, mut info) = load(model, device)?;
    let before = val_auc(&info);
    net.round_to(Storage::Half)?;
    if let Some((config, scores)) = refit {
        // Before the films, which take long: a table that does not read is said at once.
        let scores = scores.map(Scores::read).transpose()?;
        let mut config = config.clone();
        config.preprocess.clone_from(&info.preprocess);
        let catalog = config.data.catalog()?;
        let films = read(Split::Val, catalog.split(Split::Val)?, &config, observer)?;
        if films.fingerprint() != info.training_data.val_fingerprint {
            return Err(TrainError::OtherVal {
                path: model.to_owned(),
                data: catalog.name(),
            });
        }
        let team = Team::join(device, Duration::from_secs_f64(config.train.rank_timeout))?;
        let judged = Judged::new(&net, &films, &team)?;
        team.close()?;
        match &scores {
            None => judged.describe(&mut info, &config)?,
            Some(scores) => {
                fit(&scores.judged, scores.on, &mut info, &config)?;
                info.metrics.out_of_fold = Some(scores.judged.summary(&info)?);
                info.metrics.val = Some(judged.summary(&info)?);
            }
        }
        // It was of the weights as they were.
        info.metrics.test = None;
    }
    save_as(out, &net, &info, Storage::Half)?;
    let size = |path: &Path| {
        let io = |source| TrainError::Io {
            action: "look at",
            path: path.to_owned(),
            source,
        };
        Ok::<u64, TrainError>(std::fs::metadata(path).map_err(io)?.len())
    };
    Ok(Shrunk {
        bytes: (size(model)?, size(out)?),
        val_roc_auc: (before, refit.and_then(|_| val_auc(&info))),
    })
}

fn val_auc(info: &ModelInfo) -> Option<f64> {
    info.metrics.val.as_ref()?.roc_auc.value
}
