//! Batches on the device, made by the loader's threads or by the device itself.

use osteon_data::{Films, LoadOptions};
use tch::{Device, Tensor};

use super::RunFilms;
use crate::TrainError;
use crate::device_films::{DeviceFilms, to_device};

/// This process's part of a batch.
pub(super) struct Portion {
    /// N×1×H×W, normalised, on the device.
    pub films: Tensor,
    /// N, on the device.
    pub targets: Tensor,
    /// Which films.
    pub indices: Vec<usize>,
    /// Films of the batch over all processes.
    pub global_len: usize,
}

/// Where batches come from.
pub(super) enum Feed {
    /// Made by threads, then copied.
    Host,
    /// Made where the films are.
    Device(DeviceFilms),
}

impl Feed {
    /// Films move to the device if they are to and its memory suffices.
    pub fn new(films: &Films, device: Device, on_device: bool) -> Result<Self, TrainError> {
        if !on_device {
            return Ok(Self::Host);
        }
        match DeviceFilms::new(films, None, device) {
            Ok(films) => Ok(Self::Device(films)),
            // Too many for it: they stay where they are, and travel batch by batch.
            Err(TrainError::Torch { source }) if source.to_string().contains("out of memory") => {
                Ok(Self::Host)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether films are on the device.
    pub fn is_on_device(&self) -> bool {
        matches!(self, Self::Device(_))
    }

    /// Batches as `options` say.
    pub fn portions<'a>(
        &'a self,
        films: &RunFilms,
        options: LoadOptions,
        device: Device,
    ) -> Box<dyn Iterator<Item = Result<Portion, TrainError>> + 'a> {
        match self {
            Self::Host => {
                let portion = move |batch: Result<osteon_data::Batch, _>| {
                    let batch = batch?;
                    let (films, targets) = to_device(&batch, device)?;
                    Ok(Portion {
                        films,
                        targets,
                        indices: batch.indices.clone(),
                        global_len: batch.global_len,
                    })
                };
                Box::new(films.train.loader(options).map(portion))
            }
            Self::Device(resident) => {
                let portion = |batch: osteon_data::RecipeBatch| {
                    let (films, targets) = resident.batch(&batch.recipes)?;
                    Ok(Portion {
                        films,
                        targets,
                        indices: batch.recipes.iter().map(|r| r.turn.film).collect(),
                        global_len: batch.global_len,
                    })
                };
                Box::new(films.train.recipes(options).map(portion))
            }
        }
    }
}
