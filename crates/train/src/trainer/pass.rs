//! One pass over the training films.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use osteon_data::{Batch, Instructions, LoadOptions, Shard};
use tch::{Device, Tensor};

use super::Trainer;
use crate::log::Log;
use crate::{Event, Observer, TrainError};

/// Whether an epoch was gone through to its end.
pub(super) enum Pass {
    /// It was, at so many films a second.
    Whole(f64),
    /// It was left after a step.
    Stopped,
}

/// A step whose loss was not looked at yet: on a GPU, looking waits for it.
struct Pending {
    step: u64,
    loss: Tensor,
    films: Vec<String>,
}

impl Trainer<'_> {
    /// Films of an epoch.
    fn epoch_films(&self) -> u64 {
        self.films.train.epoch_len(self.config.train.sampler) as u64
    }

    /// Films of a whole step.
    pub(super) fn films_a_step(&self) -> usize {
        self.config.train.batch_size * self.config.train.accumulate
    }

    /// The rest of the running epoch.
    pub(super) fn pass(
        &mut self,
        log: &mut Log,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Pass, TrainError> {
        let train = &self.config.train;
        let epoch = self.state.epoch;
        let films = self.epoch_films();
        let step_films = self.films_a_step() as u64;
        let steps = films.div_ceil(step_films);
        let (first_film, start) = (self.state.films, Instant::now());
        let first_batch = (first_film / train.batch_size as u64) as usize;
        let mut group = Vec::new();
        let mut pending = Vec::new();
        for batch in self.films.train.loader(self.load_options(first_batch)) {
            let batch = batch?;
            let done = self.state.films + group.iter().map(Batch::len).sum::<usize>() as u64;
            let whole = done + batch.len() as u64 == films;
            group.push(batch);
            if group.len() < train.accumulate && !whole {
                continue;
            }
            self.step(&group, &mut pending)?;
            group.clear();
            let step = self.state.films.div_ceil(step_films);
            let end = step == steps;
            let rate = self.config.optimizer.lr * self.rate_factor(self.position(steps, step));
            let logs = self.state.step.is_multiple_of(train.log_every);
            if self.learner.device() == Device::Cpu || logs || end {
                let loss = self.look_at(&mut pending)?;
                if logs {
                    log.step(epoch + 1, self.state.step, loss, rate)?;
                }
                observer.on(&Event::Step {
                    epoch: epoch + 1,
                    epochs: train.epochs,
                    step,
                    steps,
                    loss: self.state.loss() / self.state.films as f64,
                    images_per_second: (self.state.films - first_film) as f64
                        / start.elapsed().as_secs_f64(),
                });
            }
            if end {
                continue;
            }
            // What is kept is looked at first: a loss that is no number never reaches a checkpoint.
            if stop.load(Ordering::Relaxed) {
                self.look_at(&mut pending)?;
                return Ok(Pass::Stopped);
            }
            if self.is_time_to_save() {
                self.look_at(&mut pending)?;
                self.save(log, observer)?;
            }
        }
        let seen = (self.state.films - first_film) as f64;
        Ok(Pass::Whole(seen / start.elapsed().as_secs_f64()))
    }

    fn load_options(&self, first_batch: usize) -> LoadOptions {
        let train = &self.config.train;
        LoadOptions {
            batch_size: train.batch_size,
            order: train.sampler,
            shard: Shard::WHOLE,
            first_batch,
            augment: Some(self.config.augment.clone()),
            crop: None,
            seed: train.seed,
            epochs: self.state.epoch..self.state.epoch + 1,
            prefetch: train.prefetch,
            threads: self.compute.loader_threads,
            instructions: Instructions::best(),
        }
    }

    /// Where a run is after a step of the running epoch, in epochs.
    fn position(&self, steps: u64, step: u64) -> f64 {
        self.state.epoch as f64 + step as f64 / steps as f64
    }

    /// Learns from the batches of one step.
    fn step(&mut self, group: &[Batch], pending: &mut Vec<Pending>) -> Result<(), TrainError> {
        let count: usize = group.iter().map(Batch::len).sum();
        let steps = self.epoch_films().div_ceil(self.films_a_step() as u64);
        let step = (self.state.films + count as u64).div_ceil(self.films_a_step() as u64);
        let factor = self.rate_factor(self.position(steps, step));
        // Dropout draws from libtorch's generator: seeded by step, so that a run that goes on draws the same.
        tch::manual_seed(step_seed(self.config.train.seed, self.state.step));
        self.learner.optimizer.zero_grad()?;
        let mut loss = self.learner.learn(&group[0], count)?;
        for batch in &group[1..] {
            loss += self.learner.learn(batch, count)?;
        }
        pending.push(Pending {
            step: self.state.step,
            loss,
            films: group
                .iter()
                .flat_map(Batch::ids)
                .map(str::to_owned)
                .collect(),
        });
        if self.learner.device() == Device::Cpu {
            // Here looking costs nothing, and weights that were never moved by a loss that is no number are worth having.
            self.check(pending)?;
        }
        self.state.step += 1;
        self.learner.step(factor, self.state.step)?;
        self.state.films += count as u64;
        Ok(())
    }

    /// Adds up the losses of the steps since the last look; the mean loss of the last one.
    fn look_at(&mut self, pending: &mut Vec<Pending>) -> Result<f64, TrainError> {
        self.check(pending)?;
        let mut last = 0.0;
        for Pending { loss, films, .. } in pending.drain(..) {
            let sum = loss.f_double_value(&[])?;
            self.state.loss_bits = (self.state.loss() + sum).to_bits();
            last = sum / films.len() as f64;
        }
        Ok(last)
    }

    /// Stops at a loss that is no number.
    fn check(&self, pending: &[Pending]) -> Result<(), TrainError> {
        for Pending { step, loss, films } in pending {
            let sum = loss.f_double_value(&[])?;
            if !sum.is_finite() {
                return Err(TrainError::Diverged {
                    loss: sum / films.len() as f64,
                    epoch: self.state.epoch + 1,
                    step: *step,
                    films: films.clone(),
                });
            }
        }
        Ok(())
    }

    fn is_time_to_save(&self) -> bool {
        let train = &self.config.train;
        let by_steps =
            train.checkpoint_steps > 0 && self.state.step.is_multiple_of(train.checkpoint_steps);
        let after = Duration::try_from_secs_f64(train.checkpoint_minutes * 60.0);
        let by_clock = train.checkpoint_minutes > 0.0
            && after.is_ok_and(|after| self.saved.elapsed() >= after);
        by_steps || by_clock
    }
}

/// A seed for each step of a run: splitmix64 over both, so that neighbours share nothing.
fn step_seed(seed: u64, step: u64) -> i64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(step.wrapping_add(1).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as i64
}
