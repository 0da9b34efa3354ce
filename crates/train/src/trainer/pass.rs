//! One pass over the training images.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use osteon_data::{Instructions, LoadOptions, Shard};
use tch::{Device, Kind, Tensor};

use super::Trainer;
use super::feed::MicroBatch;
use crate::log::Log;
use crate::{Event, Observer, TrainError};

/// Whether an epoch was gone through to its end.
pub(super) enum Pass {
    /// It was.
    Whole {
        /// Images a second.
        images_per_second: f64,
        /// The part of the time in which the network waited for images, 0..=1.
        input_wait: f64,
    },
    /// It was left after a step.
    Stopped,
}

/// A step whose loss was not looked at yet: on a GPU, looking waits for it.
struct Pending {
    step: u64,
    /// The sum over the images, of all processes.
    loss: Tensor,
    /// How many those are.
    count: usize,
    /// This process's images.
    films: Vec<usize>,
}

impl Trainer<'_> {
    /// Images of an epoch.
    fn epoch_films(&self) -> u64 {
        self.films.train.epoch_len(self.config.train.sampler) as u64
    }

    /// Images of a whole step.
    pub(super) fn films_a_step(&self) -> usize {
        self.config.train.batch_size * self.config.train.accumulate * self.team.world()
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
        self.learner.hold_backbone(epoch < train.frozen_epochs);
        let films = self.epoch_films();
        let step_films = self.films_a_step() as u64;
        let steps = films.div_ceil(step_films);
        let (first_film, start) = (self.state.films, Instant::now());
        let mut group = Vec::new();
        let mut pending = Vec::new();
        let feed = Rc::clone(&self.feed);
        let device = self.learner.device();
        let films_of_run = Arc::clone(&self.films.train);
        let cells = self.config.map_cells();
        let mut micro_batches =
            feed.micro_batches(&films_of_run, self.load_options(), cells, device);
        let mut waited = Duration::ZERO;
        loop {
            let asked_for = Instant::now();
            let Some(micro_batch) = micro_batches.next() else {
                break;
            };
            waited += asked_for.elapsed();
            group.push(micro_batch?);
            let done = self.state.films + global(&group) as u64;
            if group.len() < train.accumulate && done < films {
                continue;
            }
            let asked = self.step(&group, stop.load(Ordering::Relaxed), &mut pending)?;
            group.clear();
            let step = self.state.films.div_ceil(step_films);
            let end = step == steps;
            let rate = self.config.optimizer.lr * self.rate_factor(self.position(steps, step));
            let logs = self.state.step.is_multiple_of(train.log_every);
            if device == Device::Cpu || logs || end {
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
            let alone = self.team.world() == 1;
            if asked || (alone && stop.load(Ordering::Relaxed)) {
                self.look_at(&mut pending)?;
                return Ok(Pass::Stopped);
            }
            if self.is_time_to_save() {
                self.look_at(&mut pending)?;
                self.save(log, observer)?;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        Ok(Pass::Whole {
            images_per_second: (self.state.films - first_film) as f64 / seconds,
            input_wait: waited.as_secs_f64() / seconds,
        })
    }

    fn load_options(&self) -> LoadOptions {
        let train = &self.config.train;
        let world = self.team.world();
        let films_a_batch = (train.batch_size * world) as u64;
        LoadOptions {
            batch_size: train.batch_size,
            sampler: train.sampler,
            shard: Shard {
                rank: self.team.rank(),
                world,
            },
            // A whole number: `align` saw to it.
            first_batch: (self.state.films / films_a_batch) as usize,
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

    /// Learns from the batches of one step. Gives whether a process of the team, `stop` in this one, was asked to stop.
    fn step(
        &mut self,
        group: &[MicroBatch],
        stop: bool,
        pending: &mut Vec<Pending>,
    ) -> Result<bool, TrainError> {
        let count = global(group);
        let steps = self.epoch_films().div_ceil(self.films_a_step() as u64);
        let step = (self.state.films + count as u64).div_ceil(self.films_a_step() as u64);
        let factor = self.rate_factor(self.position(steps, step));
        // Dropout draws from libtorch's generator: seeded by step, so that a run that goes on draws the same.
        tch::manual_seed(step_seed(
            self.config.train.seed,
            self.state.step,
            self.team.rank() as u64,
        ));
        let Self { learner, team, .. } = self;
        learner.optimizer.zero_grad()?;
        let mut loss = Tensor::f_zeros([], (Kind::Double, learner.device()))?;
        for (number, micro_batch) in group.iter().enumerate() {
            if number + 1 == group.len() {
                team.arm();
            }
            loss += if micro_batch.indices.is_empty() {
                learner.learn_nothing()?
            } else {
                learner.learn(
                    &micro_batch.films,
                    &micro_batch.targets,
                    micro_batch.maps.as_ref(),
                    count,
                )?
            };
        }
        let tally = team.sum(&learner.optimizer, &learner.statistics(), loss, stop)?;
        pending.push(Pending {
            step: self.state.step,
            loss: tally.loss,
            count,
            films: group.iter().flat_map(|p| p.indices.clone()).collect(),
        });
        if self.learner.device() == Device::Cpu {
            // Here looking costs nothing, and weights that were never moved by a loss that is no number are worth having.
            self.check(pending)?;
        }
        self.state.step += 1;
        self.learner.step(factor, self.state.step)?;
        self.state.films += count as u64;
        Ok(tally.stop)
    }

    /// Adds up the losses of the steps since the last look; the mean loss of the last one.
    fn look_at(&mut self, pending: &mut Vec<Pending>) -> Result<f64, TrainError> {
        self.check(pending)?;
        let mut last = 0.0;
        for Pending { loss, count, .. } in pending.drain(..) {
            let sum = loss.f_double_value(&[])?;
            self.state.loss_bits = (self.state.loss() + sum).to_bits();
            last = sum / count as f64;
        }
        Ok(last)
    }

    /// Stops at a loss that is no number.
    fn check(&self, pending: &[Pending]) -> Result<(), TrainError> {
        for one in pending {
            let sum = one.loss.f_double_value(&[])?;
            if !sum.is_finite() {
                let ids = self.films.train.ids();
                return Err(TrainError::Diverged {
                    loss: sum / one.count as f64,
                    epoch: self.state.epoch + 1,
                    step: one.step,
                    films: one.films.iter().map(|&film| ids[film].clone()).collect(),
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

/// Images of a step over all processes.
fn global(group: &[MicroBatch]) -> usize {
    group.iter().map(|micro_batch| micro_batch.global_len).sum()
}

/// A seed for each step of a run and each process: splitmix64 over all three, so that neighbours share nothing.
fn step_seed(seed: u64, step: u64, rank: u64) -> i64 {
    let mut z = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(rank.wrapping_mul(0xd6e8_feb8_6659_fd93))
        .wrapping_add(step.wrapping_add(1).wrapping_mul(0xbf58_476d_1ce4_e5b9));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as i64
}
