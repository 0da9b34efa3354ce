//! Everything that going on with a run needs, in one safetensors file.

use std::collections::BTreeMap;
use std::path::Path;

use osteon_model::{Net, TensorRecord, read_tensors, write_tensors};
use serde::{Deserialize, Serialize};

use crate::{Optimizer, TrainError};

/// Where a run stands at the end of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Epochs done.
    pub epoch: u64,
    /// The best epoch, counted from 1; 0: none yet.
    pub best_epoch: u64,
    /// The monitored figure in that epoch, greater is better.
    pub best_value: Option<f64>,
}

/// What stands in the header: the state, and the optimiser's count, which is the optimiser's own to keep.
#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(flatten)]
    state: State,
    step: u64,
}

const KEY: &str = "osteon_checkpoint";
const WEIGHTS: &str = "weights.";

pub(crate) fn save(
    path: &Path,
    net: &Net,
    optimizer: &Optimizer,
    state: &State,
) -> Result<(), TrainError> {
    let mut tensors: Vec<_> = net
        .tensors()
        .into_iter()
        .map(|(name, t)| (format!("{WEIGHTS}{name}"), t))
        .collect();
    tensors.extend(optimizer.state());
    let header = Header {
        state: state.clone(),
        step: optimizer.steps(),
    };
    let text = serde_json::to_string(&header).map_err(|e| fault(path, e.to_string()))?;
    Ok(write_tensors(
        path,
        &tensors,
        BTreeMap::from([(KEY.to_owned(), text)]),
    )?)
}

/// Restores network and optimiser; returns where the run stood.
pub(crate) fn load(path: &Path, net: &Net, optimizer: &mut Optimizer) -> Result<State, TrainError> {
    let (tensors, metadata) = read_tensors(path)?;
    let text = metadata
        .get(KEY)
        .ok_or_else(|| fault(path, format!("its header has no `{KEY}`")))?;
    let Header { state, step } =
        serde_json::from_str(text).map_err(|e| fault(path, e.to_string()))?;
    let (weights, moments): (Vec<_>, Vec<_>) = tensors
        .into_iter()
        .partition(|(name, _)| name.starts_with(WEIGHTS));
    let weights: TensorRecord = weights
        .into_iter()
        .map(|(name, t)| (name[WEIGHTS.len()..].to_owned(), t))
        .collect();
    net.copy_weights(&weights, path)?;
    let moments: TensorRecord = moments.into_iter().collect();
    optimizer.restore(&moments, step)?.map_err(|name| {
        fault(
            path,
            format!("tensor {name} is missing or has another shape"),
        )
    })?;
    Ok(state)
}

fn fault(path: &Path, problem: String) -> TrainError {
    TrainError::Checkpoint {
        path: path.to_owned(),
        problem,
    }
}
