//! Where on an image a network's answer comes from: its own map of fractures, or HiResCAM.

mod deletion;
mod grad_cam;
mod placement;
mod regions;

use std::fmt;
use std::path::Path;

use osteon_data::{Dataset, DecodeScratch};
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

pub use self::deletion::{DELETED_SHARES, Deleted};
use self::grad_cam::grad_cam;
pub use self::placement::{Area, Placement};
pub use self::regions::Region;
use crate::busy::Sharing;
use crate::predictor::{forward, to_f64};
use crate::{Answer, ModelError, Net, Prediction, Predictor, Prepared};

/// Images that are explained at once.
const BATCH: usize = 8;

/// What a heatmap shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatKind {
    /// The network's own map: in every cell the sigmoid of its logit of a fracture there. The cells of `fracture_map` are 8×8 pixels of
    /// the fitted image. These numbers are not calibrated: they rank places and are no probabilities.
    FractureMap,
    /// `HiResCAM` (Draelos & Carin 2020), the form of Grad-CAM that looks at each cell for itself: the network's finest feature maps times
    /// the gradient of the logit, where they speak for a fracture, relative to the image's hottest cell. Says nothing of how likely a fracture
    /// is: the hottest cell is always 1. All cells are 0 where no place speaks for a fracture.
    GradCam,
}

impl fmt::Display for HeatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FractureMap => "fracture map",
            Self::GradCam => "HiResCAM",
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

/// The answer for an image, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// As [`Predictor::predict_path`] gives it.
    pub prediction: Prediction,
    /// Where from.
    pub heatmap: Heatmap,
    /// Where the heatmap's cells are on the image.
    pub placement: Placement,
}

impl Heatmap {
    /// Whether no place speaks for a fracture: no cell has any heat.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peak().is_none()
    }

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
    /// Heatmaps of N×1×H×W normalised images as N×h×w values in 0..=1 (f32); `kind` as for [`Predictor::explain_path`].
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
                return Ok((self.own_map(answer)?, HeatKind::FractureMap));
            }
        }
        let features = tch::no_grad(|| self.network.features(films, mode))?;
        let heat = grad_cam(self.network.as_ref(), &features, mode)?;
        Ok((heat, HeatKind::GradCam))
    }

    /// [`Net::heat`] of normalised pixels, image by image.
    fn heatmaps(
        &self,
        pixels: &[f32],
        (count, side): (usize, usize),
        kind: Option<HeatKind>,
    ) -> Result<Vec<Heatmap>, ModelError> {
        let (heat, kind) = self.heat(&self.input(pixels, count, side)?, kind)?;
        to_heatmaps(&heat, kind)
    }

    /// The map of an answer, 0..=1 (f32).
    fn own_map(&self, answer: Answer) -> Result<Tensor, ModelError> {
        let Some(map) = answer.map else {
            return Err(ModelError::NoMap {
                architecture: self.architecture.name,
            });
        };
        Ok(map.f_sigmoid()?)
    }
}

/// N×h×w heat image by image.
fn to_heatmaps(heat: &Tensor, kind: HeatKind) -> Result<Vec<Heatmap>, ModelError> {
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

impl Predictor {
    /// Judges a file and says where the answer comes from. `kind`: `None` takes the network's own map if it has one, `HiResCAM` else.
    ///
    /// # Errors
    /// If the image does not read, or a fracture map is asked of a network that has none ([`ModelError::NoMap`]).
    pub fn explain_path(
        &self,
        path: &Path,
        kind: Option<HeatKind>,
    ) -> Result<Explained, ModelError> {
        self.explain(&self.prepare_path(path)?, kind)
    }

    /// As [`Predictor::explain_path`], of an image held in memory as a file's bytes.
    pub fn explain_bytes(
        &self,
        bytes: &[u8],
        kind: Option<HeatKind>,
    ) -> Result<Explained, ModelError> {
        let film = self
            .preparer()
            .prepare(bytes, &mut DecodeScratch::default())?;
        self.explain(&film, kind)
    }

    /// As [`Predictor::predict_prepared`], with where each answer comes from.
    pub fn explain_prepared(
        &self,
        films: &[&Prepared],
        kind: Option<HeatKind>,
    ) -> Result<Vec<Explained>, ModelError> {
        if films.is_empty() {
            return Ok(Vec::new());
        }
        let input = self.batch(films)?;
        let mode = self.net.compute().judging();
        let own = kind != Some(HeatKind::GradCam) && self.net.architecture.map_cell().is_some();
        let (logits, (heat, kind)) = if own {
            // A panic inside `no_grad` would leave gradients off for the thread; nothing in here panics.
            let answer = tch::no_grad(|| self.net.network.forward(&input, mode))?;
            let logits = to_f64(&answer.logits)?;
            (logits, (self.net.own_map(answer)?, HeatKind::FractureMap))
        } else {
            (
                forward(&self.net, &input, mode)?,
                self.net.heat(&input, kind)?,
            )
        };
        let heatmaps = to_heatmaps(&heat, kind)?;
        let predictions = self.predictions(films, &logits);
        Ok(films
            .iter()
            .zip(predictions)
            .zip(heatmaps)
            .map(|((film, prediction), heatmap)| {
                let cells = (heatmap.width, heatmap.height);
                Explained {
                    prediction,
                    placement: Placement::new(film.size, &self.info.preprocess, cells),
                    heatmap,
                }
            })
            .collect())
    }

    fn explain(&self, film: &Prepared, kind: Option<HeatKind>) -> Result<Explained, ModelError> {
        // Invariant: one image in, one answer out.
        Ok(self.explain_prepared(&[film], kind)?.swap_remove(0))
    }

    /// Heatmaps of some of the images already read, by their places in the set and in that order. `tick` is told the images done.
    pub fn heatmaps(
        &self,
        films: &Dataset,
        which: &[usize],
        kind: Option<HeatKind>,
        tick: &dyn Fn(usize),
    ) -> Result<Vec<Heatmap>, ModelError> {
        let mut heat = Vec::with_capacity(which.len());
        let mut sharing = Sharing::new();
        for some in which.chunks(BATCH) {
            let pixels: Vec<f32> = some
                .iter()
                .flat_map(|&film| self.normalised(films, film))
                .collect();
            let size = (some.len(), films.preprocess().side());
            heat.extend(sharing.run(|| self.net.heatmaps(&pixels, size, kind))?);
            tick(heat.len());
        }
        Ok(heat)
    }

    /// An image as the network takes it.
    fn normalised(&self, films: &Dataset, film: usize) -> Vec<f32> {
        self.info.preprocess.normalised(films.gray(film).pixels())
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
        assert!(map(&[0.0; 4]).is_empty() && !map(&[0.0, 0.5, 0.0, 0.0]).is_empty());
    }
}
