//! A model file of half the size.

use std::path::Path;
use std::time::Duration;

use osteon_data::Split;
use osteon_model::{ModelInfo, Storage, load, save_as};

use crate::team::Team;
use crate::trainer::{Judged, read};
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
/// # Errors
/// If the model or the films do not read, a weight is too large for 16 bits, or the films are others.
pub fn shrink(
    model: &Path,
    out: &Path,
    refit: Option<&Config>,
    observer: &mut dyn Observer,
) -> Result<Shrunk, TrainError> {
    let device = match refit {
        Some(config) => choose_device(&config.train.device)?,
        None => osteon_model::Device::Cpu,
    };
    let (net, mut info) = load(model, device)?;
    let before = val_auc(&info);
    net.round_to(Storage::Half)?;
    if let Some(config) = refit {
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
        judged.describe(&mut info, &config)?;
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
