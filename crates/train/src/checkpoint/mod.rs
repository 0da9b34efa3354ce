//! Everything that going on with a run needs, in one safetensors file.

mod fit;
mod shelf;

use std::collections::BTreeMap;
use std::path::Path;

use osteon_model::{Net, TensorRecord, checksum_of, read_tensors, write_tensors};
use serde::{Deserialize, Serialize};
use tch::Tensor;

pub use fit::Difference;
pub(crate) use fit::Identity;
pub(crate) use shelf::{Shelf, newest};

use crate::ema::Ema;
use crate::scaler::ScalerState;
use crate::schedule::Plateau;
use crate::{Optimizer, TrainError};

/// Where a run stands, between two steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Epochs done.
    pub epoch: u64,
    /// Steps taken in the run.
    pub step: u64,
    /// Images of the running epoch that were learned from, over all processes.
    pub films: u64,
    /// The sum of their losses, as the bits of an f64: a decimal may not be the same number.
    pub loss_bits: u64,
    /// The best epoch, counted from 1; 0: none yet.
    pub best_epoch: u64,
    /// The step it ended with.
    pub best_step: u64,
    /// The monitored figure in that epoch, greater is better, as the bits of an f64.
    pub best_bits: Option<u64>,
    /// The loss on val fell below `train.stop_val_loss`.
    pub low_loss: bool,
    /// What the schedule `plateau` has seen.
    pub plateau: Plateau,
    /// The loss scaler of half precision.
    pub scaler: Option<ScalerState>,
}

impl State {
    /// The sum of the running epoch's losses.
    pub fn loss(&self) -> f64 {
        f64::from_bits(self.loss_bits)
    }

    /// The monitored figure of the best epoch, greater is better.
    pub fn best(&self) -> Option<f64> {
        self.best_bits.map(f64::from_bits)
    }
}

/// What stands in the header of a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Header {
    pub state: State,
    pub identity: Identity,
    /// SHA-256 over all tensors, in the order of their names.
    pub sha256: String,
}

/// What a run learns with: all that changes from step to step.
pub(crate) struct Parts<'a> {
    pub net: &'a Net,
    pub optimizer: &'a mut Optimizer,
    pub ema: Option<&'a mut Ema>,
}

impl Parts<'_> {
    /// Every tensor with its name in a checkpoint, in the order of the names.
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let weights = self.net.tensors().into_iter();
        let mut tensors: Vec<_> = weights
            .map(|(name, tensor)| (format!("{WEIGHTS}{name}"), tensor))
            .chain(self.optimizer.state())
            .chain(self.ema.iter().flat_map(|ema| ema.state()))
            .collect();
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        tensors
    }
}

const KEY: &str = "osteon_checkpoint";
const WEIGHTS: &str = "weights.";

/// Writes a checkpoint, atomically.
pub(crate) fn save(
    path: &Path,
    parts: &Parts<'_>,
    state: &State,
    identity: &Identity,
) -> Result<(), TrainError> {
    let tensors = parts.tensors();
    let header = Header {
        state: state.clone(),
        identity: identity.clone(),
        sha256: checksum_of(&tensors)?,
    };
    let text = serde_json::to_string(&header).map_err(|e| fault(path, e.to_string()))?;
    Ok(write_tensors(
        path,
        &tensors,
        BTreeMap::from([(KEY.to_owned(), text)]),
    )?)
}

/// A checkpoint as read, whole and with its checksum.
pub(crate) struct Checkpoint {
    pub header: Header,
    tensors: TensorRecord,
}

impl Checkpoint {
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let (tensors, metadata) = read_tensors(path)?;
        let text = metadata
            .get(KEY)
            .ok_or_else(|| fault(path, format!("its header has no `{KEY}`")))?;
        let header: Header = serde_json::from_str(text).map_err(|e| fault(path, e.to_string()))?;
        let named: Vec<_> = tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect();
        if checksum_of(&named)? != header.sha256 {
            let problem = "its tensors do not have the checksum in its header".to_owned();
            return Err(fault(path, problem));
        }
        Ok(Self { header, tensors })
    }

    /// Gives network, optimiser and average what it holds.
    pub fn restore(self, path: &Path, parts: Parts<'_>) -> Result<State, TrainError> {
        let (weights, others): (Vec<_>, Vec<_>) = self
            .tensors
            .into_iter()
            .partition(|(name, _)| name.starts_with(WEIGHTS));
        let weights: TensorRecord = weights
            .into_iter()
            .map(|(name, tensor)| (name[WEIGHTS.len()..].to_owned(), tensor))
            .collect();
        parts.net.copy_weights(&weights, path)?;
        let others: TensorRecord = others.into_iter().collect();
        let missing = |name| {
            fault(
                path,
                format!("tensor {name} is missing or has another shape"),
            )
        };
        parts.optimizer.restore(&others)?.map_err(missing)?;
        if let Some(ema) = parts.ema {
            ema.restore(&others)?.map_err(missing)?;
        }
        Ok(self.header.state)
    }
}

fn fault(path: &Path, problem: String) -> TrainError {
    TrainError::Checkpoint {
        path: path.to_owned(),
        problem,
    }
}
