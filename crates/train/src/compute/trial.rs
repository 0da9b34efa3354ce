//! Short runs that are timed.

use std::time::{Duration, Instant};

use osteon_data::{Instructions, LoadOptions, Shard};
use osteon_model::Compute;
use tch::{Device, Kind, Tensor};

use super::Trial;
use crate::trainer::{Learner, RunFilms};
use crate::{Config, TrainError};

/// Images in a trial's batch at most: what is fastest for these is fastest for more, and takes less time to find out.
const BATCH: usize = 8;
/// A trial takes so long, and at least two steps.
const TIME: Duration = Duration::from_millis(400);

/// A network that learns from random images.
pub(super) struct Bench {
    learner: Learner,
    compute: Compute,
    films: Tensor,
    targets: Tensor,
}

impl Bench {
    pub fn new(config: &Config, compute: Compute, device: Device) -> Result<Self, TrainError> {
        Self::of(config, compute, device, BATCH)
    }

    /// For what may take long: two images.
    pub fn small(config: &Config, compute: Compute, device: Device) -> Result<Self, TrainError> {
        Self::of(config, compute, device, 2)
    }

    fn of(
        config: &Config,
        compute: Compute,
        device: Device,
        films: usize,
    ) -> Result<Self, TrainError> {
        let learner = Learner::new(config, compute, device, 1, 1)?;
        let (count, side) = (config.train.batch_size.min(films), config.preprocess.side());
        let pixels = vec![0.25; count * side * side];
        let films = learner.net.input(&pixels, count, side)?;
        let targets = Tensor::f_rand([count as i64], (Kind::Float, device))?.f_round()?;
        Ok(Self {
            films: films.f_rand_like()?,
            targets,
            learner,
            compute,
        })
    }

    /// Times steps on so many threads; the fastest step counts, as other programs only slow a step down.
    pub fn run(mut self, threads: usize) -> Result<Trial, TrainError> {
        tch::set_num_threads(threads as i32);
        self.step()?;
        let start = Instant::now();
        let (mut fastest, mut steps) = (Duration::MAX, 0);
        while steps < 2 || start.elapsed() < TIME {
            let step = Instant::now();
            self.step()?;
            fastest = fastest.min(step.elapsed());
            steps += 1;
        }
        let count = self.targets.numel() as f64;
        Ok(Trial {
            compute: self.compute,
            threads,
            images_per_second: count / fastest.as_secs_f64(),
        })
    }

    fn step(&mut self) -> Result<(), TrainError> {
        let count = self.targets.numel();
        self.learner.optimizer.zero_grad()?;
        // Without maps, where they are taught: their loss is too small a part of a step to change what is fastest.
        let loss = self
            .learner
            .learn(&self.films, &self.targets, None, count)?;
        self.learner.step(1.0, 1)?;
        // Waits for the device.
        let _ = loss.f_double_value(&[])?;
        Ok(())
    }
}

/// Images a second that one thread makes ready.
pub(super) fn films_a_second(config: &Config, films: &RunFilms) -> Result<f64, TrainError> {
    let options = LoadOptions {
        batch_size: config.train.batch_size.min(BATCH),
        sampler: config.train.sampler,
        shard: Shard::WHOLE,
        first_batch: 0,
        augment: Some(config.augment.clone()),
        crop: None,
        seed: config.train.seed,
        epochs: 0..1,
        prefetch: 0,
        threads: 1,
        instructions: Instructions::best(),
    };
    let mut fastest = 0.0_f64;
    let mut before = Instant::now();
    for (number, batch) in films.train.loader(options).take(6).enumerate() {
        let count = batch?.len() as f64;
        // The first one finds cold memory.
        if number > 0 {
            fastest = fastest.max(count / before.elapsed().as_secs_f64());
        }
        before = Instant::now();
    }
    Ok(if fastest > 0.0 {
        fastest
    } else {
        f64::INFINITY
    })
}
