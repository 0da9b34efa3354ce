//! What a look before a run needs: images and fresh weights, and nothing written.

use tch::Device;

use super::{Learner, RunFilms, prepare};
use crate::{ComputePlan, Config, Event, Observer, TrainError};

/// Images and a network that knows nothing.
pub(crate) struct Look {
    pub device: Device,
    pub films: RunFilms,
    pub compute: ComputePlan,
    pub learner: Learner,
}

impl Look {
    /// Reads the images, chooses how to compute and writes that into the config, and makes the network.
    pub fn new(config: &mut Config, observer: &mut dyn Observer) -> Result<Self, TrainError> {
        let device = prepare(config)?;
        let catalog = config.data.catalog()?;
        let films = RunFilms::read(config, &catalog, observer)?;
        let compute = ComputePlan::choose(config, device, &films)?;
        observer.on(&Event::Computes(&compute));
        let (negatives, positives) = films.classes()?;
        Ok(Self {
            learner: Learner::new(config, compute.compute, device, negatives, positives)?,
            device,
            films,
            compute,
        })
    }
}
