//! One step: forward, loss, backward, and the optimiser's move.

use std::path::Path;

use osteon_model::{Compute, ModelError, Net, Precision};
use tch::{Device, Kind, Tensor};

use crate::checkpoint::Parts;
use crate::config::Init;
use crate::ema::Ema;
use crate::loss::Loss;
use crate::scaler::{Scaler, ScalerState};
use crate::{Config, Optimizer, TrainError};

/// A network with what makes it learn.
pub(crate) struct Learner {
    pub net: Net,
    pub optimizer: Optimizer,
    pub ema: Option<Ema>,
    loss: Loss,
    scaler: Option<Scaler>,
    device: Device,
    batch_size: usize,
    accumulate: usize,
    side: u32,
    begun_from: Option<String>,
}

impl Learner {
    /// Fresh weights by the config's seed, for training images of which so many are not fractured and fractured.
    pub fn new(
        config: &Config,
        compute: Compute,
        device: Device,
        negatives: usize,
        positives: usize,
    ) -> Result<Self, TrainError> {
        tch::manual_seed(config.train.seed as i64);
        let mut net = config.model.build(config.preprocess.side(), device)?;
        let begun_from = match config.train.init() {
            Init::Random => None,
            Init::Imagenet => Some(begin_from_published(&config.train.backbones, &net)?),
            Init::File(path) => Some(begin_from(path, &net, device)?),
        };
        net.set_compute(compute)?;
        let ema = match config.train.ema {
            0.0 => None,
            decay => Some(Ema::new(decay, &net)?),
        };
        Ok(Self {
            optimizer: Optimizer::new(&config.optimizer, &net)?,
            loss: Loss::new(&config.loss, negatives, positives, device)?,
            scaler: match compute.precision {
                Precision::Fp16 => Some(Scaler::new(device)?),
                _ => None,
            },
            net,
            ema,
            device,
            batch_size: config.train.batch_size,
            accumulate: config.train.accumulate,
            side: config.preprocess.size,
            begun_from,
        })
    }

    /// Holds the backbone as it is, or lets go of it.
    pub fn hold_backbone(&mut self, held: bool) {
        self.net.network.hold_backbone(held);
    }

    /// What the weights began from, in words; `None`: random weights.
    pub fn begun_from(&self) -> Option<&str> {
        self.begun_from.as_deref()
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Where the loss scaler stands, if there is one.
    pub fn scaler(&self) -> Result<Option<ScalerState>, TrainError> {
        let state = self.scaler.as_ref().map(Scaler::state).transpose();
        Ok(state?)
    }

    /// Sets the loss scaler, if there is one, to where it stood.
    pub fn set_scaler(&mut self, state: Option<ScalerState>) -> Result<(), TrainError> {
        if let (Some(scaler), Some(state)) = (&mut self.scaler, state) {
            *scaler = Scaler::at(state, self.device)?;
        }
        Ok(())
    }

    /// What a checkpoint holds of it.
    pub fn parts(&mut self) -> Parts<'_> {
        Parts {
            net: &self.net,
            optimizer: &mut self.optimizer,
            ema: self.ema.as_mut(),
        }
    }

    /// Adds the share of N×1×H×W images with N targets and, where it is taught, N×h×w maps, all on the device, to the gradient of a step over
    /// `films_of_step` images. Gives the sum of their losses, one f64 still on the device.
    pub fn learn(
        &self,
        films: &Tensor,
        targets: &Tensor,
        maps: Option<&Tensor>,
        films_of_step: usize,
    ) -> Result<Tensor, TrainError> {
        self.try_learn(films, targets, maps, films_of_step)
            .map_err(|source| self.explain(source))
    }

    fn try_learn(
        &self,
        films: &Tensor,
        targets: &Tensor,
        maps: Option<&Tensor>,
        films_of_step: usize,
    ) -> Result<Tensor, tch::TchError> {
        let answer = self.net.answer(&self.net.arrange(films)?, true)?;
        let sum = self.loss.of(&answer, targets, maps)?;
        let share = sum.f_div_scalar(films_of_step as f64)?;
        match &self.scaler {
            Some(scaler) => scaler.scale(&share)?.f_backward()?,
            None => share.f_backward()?,
        }
        sum.f_detach()?.f_to_kind(Kind::Double)
    }

    /// A pass over no image: adds zeros to every gradient, so that a process without a share has some to sum.
    pub fn learn_nothing(&self) -> Result<Tensor, TrainError> {
        let mut sum = Tensor::f_zeros([], (Kind::Float, self.device))?;
        for (_, weight) in self.optimizer.weights() {
            sum = sum.f_add(&weight.f_sum(Kind::Float)?)?;
        }
        sum.f_mul_scalar(0.0)?.f_backward()?;
        Ok(Tensor::f_zeros([], (Kind::Double, self.device))?)
    }

    /// Running statistics, which no gradient moves.
    pub fn statistics(&self) -> Vec<Tensor> {
        let all = self.net.tensors().into_iter().map(|(_, tensor)| tensor);
        all.filter(|tensor| !tensor.requires_grad()).collect()
    }

    /// Moves the weights in step number `step`, counted from 1, at a learning rate of `factor` × `optimizer.lr`.
    pub fn step(&mut self, factor: f64, step: u64) -> Result<(), TrainError> {
        if let Some(scaler) = &self.scaler {
            let overflow = scaler.unscale(&self.optimizer.gradients()?)?;
            self.optimizer.step_unless(factor, Some(&overflow))?;
            scaler.update(&overflow)?;
        } else {
            self.optimizer.step(factor)?;
        }
        if let Some(ema) = &mut self.ema {
            ema.update(&self.net, step)?;
        }
        Ok(())
    }

    /// Does something with the weights that are judged and kept: the average where there is one.
    pub fn with_kept_weights<T>(
        &self,
        work: impl FnOnce(&Net) -> Result<T, TrainError>,
    ) -> Result<T, TrainError> {
        match &self.ema {
            Some(ema) => ema.with(&self.net, || work(&self.net)),
            None => work(&self.net),
        }
    }

    /// Memory that does not suffice is said with what fixes it.
    fn explain(&self, source: tch::TchError) -> TrainError {
        let said = source.to_string();
        let no_memory = ["out of memory", "allocate memory", "alloc_cpu"];
        if no_memory.iter().any(|words| said.contains(words)) {
            TrainError::OutOfMemory {
                source,
                batch_size: self.batch_size,
                accumulate: self.accumulate,
                side: self.side,
            }
        } else {
            source.into()
        }
    }
}

/// Takes over the weights of a model file, which must be of the same network; its image size, dropout and the like may differ. Gives what
/// they began from in their turn, or the file's name.
fn begin_from(path: &Path, net: &Net, device: Device) -> Result<String, TrainError> {
    let (known, info) = osteon_model::load(path, device)?;
    let (found, expected) = (known.architecture.name, net.architecture.name);
    if found != expected {
        return Err(TrainError::InitNetwork {
            path: path.to_owned(),
            found,
            expected,
        });
    }
    let weights = known.tensors().into_iter().collect();
    net.copy_weights(&weights, path).map_err(other_sizes)?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    let file = || format!("the model file {}", name.to_string_lossy());
    Ok(info.training_data.begun_from.unwrap_or_else(file))
}

/// Takes over the published weights of the network's backbone, which lie in a folder. Gives what they are.
fn begin_from_published(folder: &Path, net: &Net) -> Result<String, TrainError> {
    let Some(backbone) = net.architecture.backbone() else {
        return Err(ModelError::NoBackbone {
            architecture: net.architecture.name,
        }
        .into());
    };
    let path = folder.join(backbone.file());
    if !path.is_file() {
        return Err(TrainError::NoBackbone { path, backbone });
    }
    osteon_model::begin_from_backbone(&path, net).map_err(other_sizes)?;
    Ok(format!(
        "weights of {backbone} that were trained on ImageNet (Apache-2.0, Copyright 2020 ML Illustrated)"
    ))
}

fn other_sizes(error: ModelError) -> TrainError {
    match error {
        ModelError::Weights { path, problem } => TrainError::InitSizes { path, problem },
        other => other.into(),
    }
}
