//! A model file in use: images in, scores and decisions out.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use osteon_data::{DataError, DataLoader, Dataset, DecodeScratch, Decoder, LoadOptions};
use osteon_files::FileError;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::busy::Sharing;
use crate::{
    Compute, Flags, MemoryFormat, Mode, ModelError, ModelInfo, Net, Precision, Prepared, Preparer,
    Rule, load, load_bytes,
};

/// What the program says of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Score at or above the threshold, outside the doubt band.
    Fractured,
    /// Score inside the doubt band, or below it on a picture on which next to nothing can be seen ([`Flags::hide`]): a person decides.
    Doubt,
    /// Score below the threshold, outside the doubt band.
    NotFractured,
    /// The input gate does not take it for a radiograph.
    NotAnXray,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fractured => "fractured",
            Self::Doubt => "doubt",
            Self::NotFractured => "not_fractured",
            Self::NotAnXray => "not_an_xray",
        })
    }
}

/// The answer for one image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Calibrated probability of a fracture, 0..=1.
    pub score: f64,
    /// What follows from it.
    pub decision: Decision,
    /// How much the picture looks like a radiograph, 0..=1; `None` while the model has no input gate.
    pub xray_score: Option<f64>,
    /// What should make a reader careful.
    #[serde(default)]
    pub flags: Flags,
    /// The input gate takes it for no radiograph, and it was decided anyway because that was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judged_anyway: bool,
}

/// A model ready to judge images.
pub struct Predictor {
    pub(crate) net: Net,
    pub(crate) info: ModelInfo,
    rule: Rule,
    /// Made once: it holds the gate, which is too large to be copied for each image.
    preparer: Preparer,
}

impl Predictor {
    /// Loads a model file, with all its checks.
    pub fn open(path: &Path, device: Device) -> Result<Self, ModelError> {
        let (net, info) = load(path, device)?;
        Self::new(net, info)
    }

    /// A model file held in memory, with all its checks.
    pub fn from_bytes(bytes: &[u8], device: Device) -> Result<Self, ModelError> {
        let (net, info) = load_bytes("the model given as bytes".as_ref(), bytes, device)?;
        Self::new(net, info)
    }

    pub(crate) fn new(net: Net, info: ModelInfo) -> Result<Self, ModelError> {
        let mut predictor = Self {
            preparer: Preparer::new(&info, Decoder::default()),
            net,
            rule: info.default_rule(),
            info,
        };
        predictor.set_precision(Precision::Fp32)?;
        Ok(predictor)
    }

    /// Computes in another number format from here on. Calibration and thresholds were fitted at 32 bits: with fewer, scores move by a
    /// hundredth or so.
    pub fn set_precision(&mut self, precision: Precision) -> Result<(), ModelError> {
        self.net.set_compute(Compute {
            precision,
            memory_format: MemoryFormat::ChannelsLast,
        })?;
        self.net.freeze()
    }

    /// Decides otherwise from here on: at another operating point, or what the gate refuses, too. See [`ModelInfo::rule`].
    pub fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
    }

    /// How images are decided.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What the model file says of itself.
    #[must_use]
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Trainable numbers of the network.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.net.parameters() as u64
    }

    /// How files are read.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        self.preparer.decoder()
    }

    /// What makes files ready for [`Predictor::predict_prepared`], without libtorch: threads may each have a clone.
    #[must_use]
    pub fn preparer(&self) -> Preparer {
        self.preparer.clone()
    }

    /// Judges a file.
    pub fn predict_path(&self, path: &Path) -> Result<Prediction, ModelError> {
        self.judge(&self.prepare_path(path)?)
    }

    /// Judges an image held in memory as a file's bytes.
    pub fn predict_bytes(&self, bytes: &[u8]) -> Result<Prediction, ModelError> {
        let film = self
            .preparer
            .prepare(bytes, &mut DecodeScratch::default())?;
        self.judge(&film)
    }

    /// Judges images that this model's [`Preparer`] made ready, as one batch; in their order.
    pub fn predict_prepared(&self, films: &[&Prepared]) -> Result<Vec<Prediction>, ModelError> {
        if films.is_empty() {
            return Ok(Vec::new());
        }
        let logits = forward(&self.net, &self.batch(films)?, self.net.compute().judging())?;
        Ok(self.predictions(films, &logits))
    }

    pub(crate) fn prepare_path(&self, path: &Path) -> Result<Prepared, ModelError> {
        let bytes = std::fs::read(path).map_err(|source| FileError::new("read", path, source))?;
        self.preparer
            .prepare(&bytes, &mut DecodeScratch::default())
            .map_err(|source| {
                let path = path.to_owned();
                DataError::Decode { path, source }.into()
            })
    }

    /// Images as the network takes them, N×1×H×W.
    pub(crate) fn batch(&self, films: &[&Prepared]) -> Result<Tensor, ModelError> {
        let side = self.info.preprocess.side();
        let pixels: Vec<f32> = films
            .iter()
            .flat_map(|film| &film.pixels)
            .copied()
            .collect();
        Ok(self.net.input(&pixels, films.len(), side)?)
    }

    /// What follows from the logits of these images.
    pub(crate) fn predictions(&self, films: &[&Prepared], logits: &[f64]) -> Vec<Prediction> {
        films
            .iter()
            .zip(logits)
            .map(|(film, &logit)| {
                let score = self.info.calibration.score(logit);
                self.rule.apply(Prediction {
                    score,
                    decision: if self.admits(film) {
                        self.decide(score)
                    } else {
                        Decision::NotAnXray
                    },
                    xray_score: film.xray_score,
                    flags: film.flags,
                    judged_anyway: false,
                })
            })
            .collect()
    }

    fn judge(&self, film: &Prepared) -> Result<Prediction, ModelError> {
        // Invariant: one image in, one answer out.
        Ok(self.predict_prepared(&[film])?.swap_remove(0))
    }

    /// Calibrated scores of images already read, in their order. `tick` is told the images done after each batch.
    pub fn scores(
        &self,
        films: &Arc<Dataset>,
        tick: &dyn Fn(usize),
    ) -> Result<Vec<f64>, ModelError> {
        let logits = self.logits(films, tick)?;
        Ok(logits
            .into_iter()
            .map(|logit| self.info.calibration.score(logit))
            .collect())
    }

    /// The network's own numbers, as [`Predictor::scores`] calibrates them.
    pub fn logits(
        &self,
        films: &Arc<Dataset>,
        tick: &dyn Fn(usize),
    ) -> Result<Vec<f64>, ModelError> {
        let loader = films.loader(LoadOptions::plain(32));
        let mut sharing = Sharing::new();
        let mut logits = Vec::new();
        for batch in loader {
            let batch = batch?;
            if !batch.is_empty() {
                logits.extend(sharing.run(|| {
                    let input = self.net.input(&batch.pixels, batch.len(), batch.side)?;
                    forward(&self.net, &input, self.net.compute().judging())
                })?);
            }
            tick(logits.len());
        }
        Ok(logits)
    }

    /// Whether the model's input gate takes an image for a radiograph; without a gate, any image.
    #[must_use]
    pub fn admits(&self, film: &Prepared) -> bool {
        match (&self.info.gate, film.xray_score) {
            (Some(gate), Some(score)) => gate.admits(score),
            _ => true,
        }
    }

    /// What follows from a score, of a picture that the gate takes.
    #[must_use]
    pub fn decide(&self, score: f64) -> Decision {
        self.rule.decide(score)
    }
}

/// Logits of a loader's images with their places in the set, without gradients or dropout. `tick` is told the images done after each batch.
pub fn logits_of(
    net: &Net,
    loader: DataLoader,
    mode: Mode,
    tick: &dyn Fn(usize),
) -> Result<Vec<(usize, f64)>, ModelError> {
    let mut logits = Vec::new();
    for batch in loader {
        let batch = batch?;
        // A share of the last batch may be empty.
        if !batch.is_empty() {
            let input = net.input(&batch.pixels, batch.len(), batch.side)?;
            let values = forward(net, &input, mode)?;
            logits.extend(batch.indices.iter().copied().zip(values));
        }
        tick(logits.len());
    }
    Ok(logits)
}

pub(crate) fn forward(net: &Net, input: &Tensor, mode: Mode) -> Result<Vec<f64>, ModelError> {
    // A panic inside `no_grad` would leave gradients off for the thread; nothing in here panics.
    let answer = tch::no_grad(|| net.network.forward(input, mode))?;
    to_f64(&answer.logits)
}

/// Logits as numbers.
pub(crate) fn to_f64(tensor: &Tensor) -> Result<Vec<f64>, ModelError> {
    let flat = tensor
        .f_to_device(Device::Cpu)?
        .f_to_kind(Kind::Double)?
        .f_contiguous()?;
    let mut values = vec![0.0_f64; flat.numel()];
    let count = values.len();
    flat.f_copy_data(&mut values, count)?;
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        // A score that is no number would lie on neither side of the threshold.
        Err(ModelError::NoNumber)
    }
}
