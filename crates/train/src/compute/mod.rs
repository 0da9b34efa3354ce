//! How the machine is used: by plan, found by trial.

use std::fmt;

use serde::{Deserialize, Serialize};
use tch::Device;

use crate::trainer::RunFilms;
use crate::{Config, TrainError};

/// How the machine is used by a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputePlan {
    /// Threads of libtorch.
    pub threads: usize,
    /// Threads that make batches.
    pub loader_threads: usize,
}

impl ComputePlan {
    /// Chooses what the config leaves open, and writes it there.
    pub(crate) fn choose(
        config: &mut Config,
        _device: Device,
        _films: &RunFilms,
    ) -> Result<Self, TrainError> {
        if config.train.threads > 0 {
            tch::set_num_threads(config.train.threads as i32);
        }
        Ok(Self {
            threads: config.train.threads,
            loader_threads: config.compute.loader_threads,
        })
    }
}

impl fmt::Display for ComputePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            threads,
            loader_threads,
        } = self;
        write!(f, "plan: {threads} threads, {loader_threads} for batches")
    }
}
