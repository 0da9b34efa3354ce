//! The processes that train together: one, or as many as the launcher started.

use std::time::Duration;

use osteon_collective::{Backend, Buckets, Environment, GradientSync, Group};
use osteon_model::Net;
use tch::{Device, Kind, Tensor};

use crate::{Optimizer, TrainError};

/// This process's place among those that train together. Alone, everything here does nothing.
pub(crate) struct Team {
    group: Option<Group>,
    sync: Option<GradientSync>,
}

/// What a step gave, over all processes.
pub(crate) struct Tally {
    /// The sum of the images' losses, f64, on the device.
    pub loss: Tensor,
    /// A process was asked to stop.
    pub stop: bool,
}

impl Team {
    /// Meets the others, if a launcher says that there are any. `timeout` bounds the meeting and every operation after it.
    pub fn join(device: Device, timeout: Duration) -> Result<Self, TrainError> {
        let group = match Environment::read()? {
            Some(environment) if environment.world_size > 1 => {
                let backend = Backend::of(device);
                Some(Group::connect(&environment, backend, timeout)?)
            }
            _ => None,
        };
        Ok(Self { group, sync: None })
    }

    /// This process's number, from 0.
    pub fn rank(&self) -> usize {
        self.group.as_ref().map_or(0, Group::rank)
    }

    /// How many there are.
    pub fn world(&self) -> usize {
        self.group.as_ref().map_or(1, Group::world_size)
    }

    /// Whether this process writes the run's files and talks to the person.
    pub fn is_main(&self) -> bool {
        self.rank() == 0
    }

    /// An error of any process ends all of them, each with the reason.
    pub fn agree<T>(&self, done: Result<T, TrainError>) -> Result<T, TrainError> {
        let Some(group) = &self.group else {
            return done;
        };
        let said = done.as_ref().err().map(ToString::to_string);
        let all = group.all_gather_bytes(said.unwrap_or_default().as_bytes())?;
        let done = done?;
        match all.iter().position(|said| !said.is_empty()) {
            Some(rank) => Err(TrainError::OtherRank {
                rank,
                said: String::from_utf8_lossy(&all[rank]).into_owned(),
            }),
            None => Ok(done),
        }
    }

    /// What the first process has, to all.
    pub fn broadcast(&self, bytes: &[u8]) -> Result<Vec<u8>, TrainError> {
        match &self.group {
            Some(group) => {
                let mine = if group.is_main() { bytes } else { &[] };
                let mut all = group.all_gather_bytes(mine)?;
                Ok(std::mem::take(&mut all[0]))
            }
            None => Ok(bytes.to_vec()),
        }
    }

    /// What every process has, in order of rank.
    pub fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TrainError> {
        match &self.group {
            Some(group) => Ok(group.all_gather_bytes(bytes)?),
            None => Ok(vec![bytes.to_vec()]),
        }
    }

    /// Whether any process says yes.
    pub fn any(&self, yes: bool) -> Result<bool, TrainError> {
        Ok(self
            .gather(&[u8::from(yes)])?
            .iter()
            .any(|said| said == &[1]))
    }

    /// Holds that all processes have the same: settings, images.
    pub fn assert_equal(&self, what: &str, bytes: &[u8]) -> Result<(), TrainError> {
        match &self.group {
            Some(group) => Ok(group.assert_equal_bytes(what, bytes)?),
            None => Ok(()),
        }
    }

    /// Holds that all processes have the same weights, to the bit.
    pub fn assert_equal_weights(&self, what: &str, net: &Net) -> Result<(), TrainError> {
        let Some(group) = &self.group else {
            return Ok(());
        };
        let tensors = net.tensors();
        let named = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
        Ok(group.assert_equal(what, named)?)
    }

    /// Gives all processes the first one's tensors.
    pub fn broadcast_tensors(
        &self,
        tensors: impl Iterator<Item = Tensor>,
    ) -> Result<(), TrainError> {
        if let Some(group) = &self.group {
            for tensor in tensors {
                group.broadcast(&mut tensor.f_detach()?, 0)?;
            }
        }
        Ok(())
    }

    /// Gets ready to sum the gradients of a network's weights; from then on a bucket is sent on its way as soon as backward has filled it.
    pub fn prepare(&mut self, optimizer: &Optimizer) -> Result<(), TrainError> {
        if let Some(group) = &self.group {
            let weights = optimizer.weights();
            let named: Vec<_> = weights
                .iter()
                .map(|(name, weight)| (*name, *weight))
                .collect();
            let mut sync = GradientSync::new(group, &named, Buckets::default())?;
            sync.overlap()?;
            self.sync = Some(sync);
        }
        Ok(())
    }

    /// Before the last backward pass of a step.
    pub fn arm(&mut self) {
        if let Some(sync) = &mut self.sync {
            sync.arm();
        }
    }

    /// Sums gradients and losses over all processes, and takes the mean of their running statistics.
    pub fn sum(
        &mut self,
        optimizer: &Optimizer,
        statistics: &[Tensor],
        loss: Tensor,
        stop: bool,
    ) -> Result<Tally, TrainError> {
        let world = self.world() as f64;
        let Some(sync) = &mut self.sync else {
            return Ok(Tally { loss, stop });
        };
        let mut extras = vec![
            loss.f_reshape([1])?,
            Tensor::f_full(
                [1],
                f64::from(u8::from(stop)),
                (Kind::Double, loss.device()),
            )?,
        ];
        for tensor in statistics {
            extras.push(tensor.f_detach()?);
        }
        sync.sync(&optimizer.gradients()?, 1.0, &extras)?;
        for tensor in &mut extras[2..] {
            let _ = tensor.f_div_scalar_(world)?;
        }
        Ok(Tally {
            stop: extras[1].f_double_value(&[0])? > 0.0,
            loss: extras[0].f_squeeze()?,
        })
    }

    /// Leaves in good order.
    pub fn close(mut self) -> Result<(), TrainError> {
        self.sync = None;
        match self.group.take() {
            Some(group) => Ok(group.close()?),
            None => Ok(()),
        }
    }
}
