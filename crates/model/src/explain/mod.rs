//! Where on a film a network's answer comes from: its own map of fractures, or Grad-CAM.

mod deletion;
mod grad_cam;
mod placement;

use std::fmt;
use std::path::Path;

use osteon_data::{DataError, DecodeError, DecodeScratch, Films};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

pub use self::deletion::{DELETED_SHARES, Deleted};
use self::grad_cam::grad_cam;
pub use self::placement::{Area, Placement};
use crate::{ModelError, Net, Prediction, Predictor};

/// Films that are explained at once.
const BATCH: usize = 8;

/// What a heatmap shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatKind {
    /// The network's own map: in every cell the sigmoid of its logit of a fracture there. The cells of `fracture_map` are 8×8 pixels of
    /// the fitted film. These numbers are not calibrated: they rank places and are no probabilities.
    FractureMap,
    /// Grad-CAM (Selvaraju et al. 2017): the network's finest feature maps weighted by the mean gradient of the logit, where they speak
    /// for a fracture, relative to the film's hottest cell. Says nothing of how likely a fracture is: the hottest cell is always 1.
    GradCam,
}

impl fmt::Display for HeatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FractureMap => "fracture map",
            Self::GradCam => "Grad-CAM",
        })
    }
}

/// Heat in cells over the square that the network was fed.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// Cells across.
    pub width: usize,
    /// Cells down.
    pub height: usize,
    /// Row by row, 0..=1.
    pub values: Vec<f32>,
    /// What they are.
    pub kind: HeatKind,
}

/// The answer for a film, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// As [`Predictor::predict_path`] gives it.
    pub prediction: Prediction,
    /// Where from.
    pub heatmap: Heatmap,
    /// Where the heatmap's cells are on the film.
    pub placement: Placement,
}

impl Heatmap {
    /// The hottest cell (x, y) with its heat, the first of equals; `None` if no cell has any heat.
    #[must_use]
    pub fn peak(&self) -> Option<(usize, usize, f32)> {
        let mut best: Option<(usize, f32)> = None;
        for (cell, &heat) in self.values.iter().enumerate() {
            if heat > best.map_or(0.0, |(_, most)| most) {
                best = Some((cell, heat));
            }
        }
        best.map(|(cell, heat)| (cell % self.width, cell / self.width, heat))
    }
}

impl Net {
    /// Heatmaps of N×1×H×W normalised films as N×h×w values in 0..=1 (f32); `kind` as for [`Predictor::explain_path`].
    ///
    /// # Errors
    /// If a fracture map is asked for and the network has none, or libtorch refuses.
    pub fn heat(
        &self,
        films: &Tensor,
        kind: Option<HeatKind>,
    ) -> Result<(Tensor, HeatKind), ModelError> {
        let mode = self.compute().judging();
        let own = self.architecture.map_cell().is_some();
        match kind {
            Some(HeatKind::GradCam) => {}
            None if !own => {}
            _ => {
                // A panic inside `no_grad` would leave gradients off for the thread; nothing in here panics.
                let answer = tch::no_grad(|| self.network.forward(films, mode))?;
                let Some(map) = answer.map else {
                    return Err(ModelError::NoMap {
                        architecture: self.architecture.name,
                    });
                };
                return Ok((map.f_sigmoid()?, HeatKind::FractureMap));
            }
        }
        let features = tch::no_grad(|| self.network.features(films, mode))?;
        let heat = grad_cam(self.network.as_ref(), &features, mode)?;
        Ok((heat, HeatKind::GradCam))
    }

    /// [`Net::heat`] of normalised pixels, film by film.
    fn heatmaps(
        &self,
        pixels: &[f32],
        (count, side): (usize, usize),
        kind: Option<HeatKind>,
    ) -> Result<Vec<Heatmap>, ModelError> {
        let (heat, kind) = self.heat(&self.input(pixels, count, side)?, kind)?;
        let size = heat.size();
        let (height, width) = (size[1] as usize, size[2] as usize);
        let flat = heat
            .f_to_device(Device::Cpu)?
            .f_to_kind(Kind::Float)?
            .f_contiguous()?;
        let mut values = vec![0.0; flat.numel()];
        let all = values.len();
        flat.f_copy_data(&mut values, all)?;
        let cells = values.chunks_exact(width * height);
        Ok(cells
            .map(|values| Heatmap {
                width,
                height,
                values: values.to_vec(),
                kind,
            })
            .collect())
    }
}

impl Predictor {
    /// Judges a file and says where the answer comes from. `kind`: `None` takes the network's own map if it has one, Grad-CAM else.
    ///
    /// # Errors
    /// If the film does not read, or a fracture map is asked of a network that has none ([`ModelError::NoMap`]).
    pub fn explain_path(
        &self,
        path: &Path,
        kind: Option<HeatKind>,
    ) -> Result<Explained, ModelError> {
        let prediction = self.predict_path(path)?;
        let bytes = std::fs::read(path).map_err(|source| DataError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        self.explain(prediction, &bytes, kind, |source| {
            let path = path.to_owned();
            DataError::Decode { path, source }.into()
        })
    }

    /// As [`Predictor::explain_path`], of a film held in memory as a file's bytes.
    pub fn explain_bytes(
        &self,
        bytes: &[u8],
        kind: Option<HeatKind>,
    ) -> Result<Explained, ModelError> {
        let prediction = self.predict_bytes(bytes)?;
        self.explain(prediction, bytes, kind, ModelError::from)
    }

    /// A second pass: whoever only asks for answers pays nothing for explanations.
    fn explain(
        &self,
        prediction: Prediction,
        bytes: &[u8],
        kind: Option<HeatKind>,
        refused: impl FnOnce(DecodeError) -> ModelError,
    ) -> Result<Explained, ModelError> {
        let preprocess = &self.info.preprocess;
        let mut scratch = DecodeScratch::default();
        let film = self
            .decoder
            .decode_with(bytes, Some(preprocess.wanted()), &mut scratch)
            .map_err(refused)?;
        let full = film.view.full_size();
        let pixels = preprocess.apply(film.view);
        let mut heat = self.net.heatmaps(&pixels, (1, preprocess.side()), kind)?;
        // Invariant: one film in, one heatmap out.
        let heatmap = heat.swap_remove(0);
        let placement = Placement::new(full, preprocess, (heatmap.width, heatmap.height));
        Ok(Explained {
            prediction,
            heatmap,
            placement,
        })
    }

    /// Heatmaps of some of the films already read, by their places in the set and in that order. `tick` is told the films done.
    pub fn heatmaps(
        &self,
        films: &Films,
        which: &[usize],
        kind: Option<HeatKind>,
        tick: &dyn Fn(usize),
    ) -> Result<Vec<Heatmap>, ModelError> {
        let mut heat = Vec::with_capacity(which.len());
        for some in which.chunks(BATCH) {
            let pixels: Vec<f32> = some
                .iter()
                .flat_map(|&film| self.normalised(films, film))
                .collect();
            let size = (some.len(), films.preprocess().side());
            heat.extend(self.net.heatmaps(&pixels, size, kind)?);
            tick(heat.len());
        }
        Ok(heat)
    }

    /// A film as the network takes it.
    fn normalised(&self, films: &Films, film: usize) -> Vec<f32> {
        let table = self.info.preprocess.table();
        let levels = films.gray(film).pixels().iter();
        levels.map(|&v| table[usize::from(v)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equally_hot_cells_is_the_peak() {
        let map = |values: &[f32]| Heatmap {
            width: 2,
            height: 2,
            values: values.to_vec(),
            kind: HeatKind::GradCam,
        };
        assert_eq!(map(&[0.0, 0.5, 1.0, 1.0]).peak(), Some((0, 1, 1.0)));
        assert_eq!(map(&[0.0; 4]).peak(), None);
    }
}
