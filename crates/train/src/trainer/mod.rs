//! A run: from a plan to a model.

mod datasets;
mod feed;
mod fit;
mod judge;
mod learner;
mod look;
mod pass;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use osteon_data::Catalog;
use tch::Device;

pub(crate) use self::datasets::{RunFilms, learned_from, read};
pub(crate) use self::feed::Feed;
pub(crate) use self::fit::fit;
pub(crate) use self::judge::Judged;
use self::judge::ValMetrics;
pub(crate) use self::learner::Learner;
pub(crate) use self::look::Look;
use self::pass::Pass;
use crate::checkpoint::{self, Identity, Shelf, State};
use crate::config::{DeviceAugment, Monitor, PrecisionChoice};
use crate::log::Log;
use crate::team::Team;
use crate::{
    ComputePlan, Config, Difference, EpochRecord, Event, Observer, RunDir, TrainError,
    choose_device,
};

/// What is to be done, complete and checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The resolved configuration.
    pub config: Config,
    /// The run folder.
    pub run: PathBuf,
    /// Go on with the run in it, rather than begin one.
    pub resume: bool,
    /// Go on even if config, images or program are not those of the checkpoint.
    pub force: bool,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run folder.
    pub run: PathBuf,
    /// The model file of the best epoch; of the weights as they are where no epoch has ended; not there where that was not waited for
    /// ([`Observer::is_in_haste`]).
    pub model: PathBuf,
    /// The best epoch, counted from 1; 0 where none has ended.
    pub best_epoch: u64,
    /// What chose it, greater is better: a loss is turned.
    pub best_value: Option<f64>,
    /// Epochs done.
    pub epochs: u64,
    /// Why it ended.
    pub reason: StopReason,
    /// This process's number among those that trained together; 0 wrote the run.
    pub rank: usize,
}

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs were run.
    Finished,
    /// No better epoch for `train.patience` epochs.
    Patience,
    /// The loss on val fell below `train.stop_val_loss`.
    LowLoss,
    /// Asked to stop; the run can be resumed.
    Interrupted,
}

/// Trains as planned; refuses a data set in which a patient, or another group that it names, lies in two splits, unless `data.allow_leak`
/// allows it. `stop` is looked at after every step: once set, the step is finished, a checkpoint is written, and the run ends
/// with a usable model.
pub fn train(
    plan: &Plan,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome, TrainError> {
    prepare(&plan.config)?;
    let catalog = plan.config.data.catalog()?;
    let groups = catalog.shared_groups();
    if !groups.is_empty() && !plan.config.data.allow_leak {
        return Err(TrainError::SharedGroups { groups });
    }
    train_on(plan, &catalog, observer, stop)
}

/// As [`train`], on a catalogue that may be divided otherwise than its folder.
pub(crate) fn train_on(
    plan: &Plan,
    catalog: &Catalog,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome, TrainError> {
    let mut config = plan.config.clone();
    let device = prepare(&config)?;
    let team = Team::join(device, Duration::from_secs_f64(config.train.rank_timeout))?;
    let mut silent = |_: &Event<'_>| {};
    let observer: &mut dyn Observer = if team.is_main() {
        observer
    } else {
        &mut silent
    };
    observer.on(&Event::Catalogued {
        catalog,
        shared: &catalog.shared_groups(),
    });
    let run = team.agree(open(plan, &config, &team))?;
    let films = team.agree(RunFilms::read(&config, catalog, observer))?;
    if !config.data.allow_leak {
        team.agree(films.refuse_learned_val(&config.train))?;
    }
    if plan.resume {
        ComputePlan::recall(&mut config, &run.config());
    }
    let compute = agree_on_plan(&mut config, device, &films, &team)?;
    if team.is_main() {
        // What was chosen is the run's from now on.
        osteon_files::write_atomic(&run.config(), config.to_toml()?.as_bytes())?;
    }
    let mut trainer = Trainer::new(&config, &run, device, films, compute, team)?;
    let going_on = if plan.resume {
        trainer.restore(plan.force)?
    } else {
        None
    };
    trainer.start_together()?;
    observer.on(&Event::Built {
        architecture: config.model.name.to_string(),
        parameters: trainer.learner.net.parameters(),
        device: device_name(device),
        batch_size: trainer.films_a_step(),
        processes: trainer.team.world(),
        films_on_device: trainer.feed.is_on_device(),
    });
    observer.on(&Event::Computes(&trainer.compute));
    if let Some(GoingOn {
        damaged,
        differences,
    }) = &going_on
    {
        observer.on(&Event::Resumed {
            epoch: trainer.state.epoch + 1,
            step: trainer.state.step,
            damaged,
            differences,
        });
    }
    let reason = trainer.run_epochs(observer, stop)?;
    let outcome = Outcome {
        run: run.path().to_owned(),
        model: run.model(),
        best_epoch: trainer.state.best_epoch,
        best_value: trainer.state.best(),
        epochs: trainer.state.epoch,
        reason,
        rank: trainer.team.rank(),
    };
    trainer.team.close()?;
    Ok(outcome)
}

/// The run folder: only the first process writes it.
fn open(plan: &Plan, config: &Config, team: &Team) -> Result<RunDir, TrainError> {
    if !team.is_main() {
        Ok(RunDir::beside(&plan.run))
    } else if plan.resume {
        RunDir::open(&plan.run)
    } else {
        RunDir::create(&plan.run, config)
    }
}

/// The first process chooses how to compute, for all.
fn agree_on_plan(
    config: &mut Config,
    device: Device,
    films: &RunFilms,
    team: &Team,
) -> Result<ComputePlan, TrainError> {
    let chosen = if team.is_main() {
        ComputePlan::choose(config, device, films).map(Some)
    } else {
        Ok(None)
    };
    let chosen = team.agree(chosen)?;
    // Invariant: a plan is numbers and words, which JSON holds.
    let told = team.broadcast(&serde_json::to_vec(&chosen).unwrap_or_default())?;
    match serde_json::from_slice::<Option<ComputePlan>>(&told) {
        Ok(Some(plan)) => {
            plan.apply(config);
            Ok(plan)
        }
        _ => ComputePlan::choose(config, device, films),
    }
}

/// What can be refused before anything is read or written.
pub(crate) fn prepare(config: &Config) -> Result<Device, TrainError> {
    let device = choose_device(&config.train.device)?;
    if config.compute.precision == PrecisionChoice::Fp16 && !matches!(device, Device::Cuda(_)) {
        return Err(TrainError::HalfOnCpu);
    }
    osteon_kernels::set_deterministic(config.compute.deterministic).map_err(tch::TchError::from)?;
    Ok(device)
}

/// A run that is trained.
pub(crate) struct Trainer<'a> {
    config: &'a Config,
    run: &'a RunDir,
    shelf: Shelf,
    films: RunFilms,
    compute: ComputePlan,
    team: Team,
    identity: Identity,
    learner: Learner,
    feed: Rc<Feed>,
    state: State,
    saved: Instant,
}

/// What a person should know of a run that goes on.
struct GoingOn {
    damaged: Vec<TrainError>,
    differences: Vec<Difference>,
}

impl<'a> Trainer<'a> {
    fn new(
        config: &'a Config,
        run: &'a RunDir,
        device: Device,
        films: RunFilms,
        compute: ComputePlan,
        team: Team,
    ) -> Result<Self, TrainError> {
        let (batch_size, count) = (config.train.batch_size * team.world(), films.train.len());
        if batch_size > count {
            return Err(TrainError::BatchTooLarge {
                batch_size,
                films: count,
            });
        }
        let (negatives, positives) = films.classes()?;
        let on_device = match config.compute.device_augment {
            DeviceAugment::Auto => device.is_cuda(),
            DeviceAugment::On => true,
            DeviceAugment::Off => false,
        };
        Ok(Self {
            identity: Identity::new(config, films.train.fingerprint(), films.val.fingerprint())?,
            learner: Learner::new(config, compute.compute, device, negatives, positives)?,
            feed: Rc::new(Feed::new(&films.train, device, on_device)?),
            shelf: Shelf::new(run.checkpoints(), config.train.keep_checkpoints),
            config,
            run,
            films,
            compute,
            team,
            state: State::default(),
            saved: Instant::now(),
        })
    }

    /// Goes to where the newest whole checkpoint stands; `None` where there is none yet. The first process reads it, for all.
    fn restore(&mut self, force: bool) -> Result<Option<GoingOn>, TrainError> {
        let found = if self.team.is_main() {
            self.read_newest(force)
        } else {
            Ok(None)
        };
        let found = self.team.agree(found)?;
        // Invariant: a state is numbers, which JSON holds.
        let told = serde_json::to_vec(&self.state).unwrap_or_default();
        if let Ok(state) = serde_json::from_slice(&self.team.broadcast(&told)?) {
            self.state = state;
        }
        self.learner.set_scaler(self.state.scaler)?;
        self.align();
        Ok(found)
    }

    /// Goes back to where a batch begins: after another number of processes, a checkpoint may lie within one.
    fn align(&mut self) {
        let batch = (self.config.train.batch_size * self.team.world()) as u64;
        let (films, whole) = (self.state.films, self.state.films / batch * batch);
        if whole != films {
            let loss = self.state.loss() * whole as f64 / films as f64;
            (self.state.films, self.state.loss_bits) = (whole, loss.to_bits());
        }
    }

    fn read_newest(&mut self, force: bool) -> Result<Option<GoingOn>, TrainError> {
        let Some(newest) = checkpoint::newest(&self.run.checkpoints())? else {
            return Ok(None);
        };
        let then = &newest.checkpoint.header.identity;
        let differences = then.differences(&self.identity);
        if !differences.is_empty() && !force {
            return Err(TrainError::Changed {
                path: newest.path,
                differences,
            });
        }
        let parts = self.learner.parts();
        self.state = newest.checkpoint.restore(&newest.path, parts)?;
        Ok(Some(GoingOn {
            damaged: newest.damaged,
            differences,
        }))
    }

    /// All processes have the same settings, images and weights from here on.
    fn start_together(&mut self) -> Result<(), TrainError> {
        // Invariant: an identity is words, which JSON holds.
        let identity = serde_json::to_vec(&self.identity).unwrap_or_default();
        self.team
            .assert_equal("the settings and the images", &identity)?;
        let tensors = self.learner.parts().tensors();
        self.team
            .broadcast_tensors(tensors.into_iter().map(|(_, tensor)| tensor))?;
        self.team.prepare(&self.learner.optimizer)
    }

    fn run_epochs(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError> {
        let mut log = if self.team.is_main() {
            Log::open(self.run, self.state.epoch, self.state.step)?
        } else {
            Log::nowhere()
        };
        while self.state.epoch < self.config.train.epochs {
            // A run that had ended is resumed: it ends for the same reason.
            if let Some(reason) = self.has_ended() {
                return Ok(reason);
            }
            let start = Instant::now();
            let Pass::Whole {
                images_per_second,
                input_wait,
            } = self.pass(&mut log, observer, stop)?
            else {
                return self.leave(&mut log, observer);
            };
            let (val, best) = self.end_epoch()?;
            let record = EpochRecord {
                images_per_second,
                input_wait,
                ..self.record(&val, best, start)
            };
            (self.state.films, self.state.loss_bits) = (0, 0);
            log.epoch(&record)?;
            self.save(&mut log, observer)?;
            observer.on(&Event::Epoch(&record));
            if self.team.any(stop.load(Ordering::Relaxed))? {
                return Ok(self.has_ended().unwrap_or(StopReason::Interrupted));
            }
        }
        Ok(self.has_ended().unwrap_or(StopReason::Finished))
    }

    /// Judges what the epoch left, and keeps it if it is the best so far.
    fn end_epoch(&mut self) -> Result<(ValMetrics, bool), TrainError> {
        let epoch = self.state.epoch + 1;
        let (best_epoch, best_value) = (self.state.best_epoch, self.state.best());
        let monitor = self.config.train.monitor;
        self.team
            .assert_equal_weights("the weights", &self.learner.net)?;
        let (val, better) = self.learner.with_kept_weights(|net| {
            let judged = Judged::new(net, &self.films.val, &self.team)?;
            let val = judged.metrics()?;
            let better = match (val.monitored(monitor), best_value) {
                _ if monitor == Monitor::LastEpoch => true,
                (Some(new), Some(old)) => new > old,
                (Some(_), None) => true,
                (None, _) => best_epoch == 0,
            };
            if better && self.team.is_main() {
                let begun_from = self.learner.begun_from();
                let data = self.films.training_data(self.config, epoch, begun_from);
                judged.save_model(&self.run.model(), net, self.config, data)?;
            }
            Ok((val, better))
        })?;
        self.state.epoch = epoch;
        self.state.low_loss |= val.loss < self.config.train.stop_val_loss;
        self.state.plateau.observe(&self.config.schedule, val.loss);
        if better {
            self.state.best_epoch = epoch;
            self.state.best_step = self.state.step;
            self.state.best_bits = val.monitored(monitor).map(f64::to_bits);
        }
        Ok((val, better))
    }

    /// Why there is no further epoch, if so, other than that all were run.
    fn has_ended(&self) -> Option<StopReason> {
        let patience = self.config.train.patience;
        if self.state.low_loss {
            Some(StopReason::LowLoss)
        } else if patience > 0 && self.state.epoch >= self.state.best_epoch + patience {
            Some(StopReason::Patience)
        } else {
            None
        }
    }

    /// Leaves in the middle of an epoch. Before the first epoch has ended there is no model yet: the weights as they are become one, unless
    /// nobody waits for it.
    fn leave(
        &mut self,
        log: &mut Log,
        observer: &mut dyn Observer,
    ) -> Result<StopReason, TrainError> {
        self.save(log, observer)?;
        // One for all: judging is work that the processes of a team share.
        let alone = self.team.world() == 1;
        if self.state.best_epoch == 0 && !(alone && observer.is_in_haste()) {
            self.learner.with_kept_weights(|net| {
                let judged = Judged::new(net, &self.films.val, &self.team)?;
                if !self.team.is_main() {
                    return Ok(());
                }
                let begun_from = self.learner.begun_from();
                let data = self
                    .films
                    .training_data(self.config, self.state.epoch, begun_from);
                judged.save_model(&self.run.model(), net, self.config, data)
            })?;
        }
        Ok(StopReason::Interrupted)
    }

    /// Writes the log and a checkpoint, in this order: a log may know more than its checkpoint, never less.
    fn save(&mut self, log: &mut Log, observer: &mut dyn Observer) -> Result<(), TrainError> {
        if !self.team.is_main() {
            return Ok(());
        }
        log.write()?;
        self.state.scaler = self.learner.scaler()?;
        let path = self.shelf.path(self.state.step);
        checkpoint::save(&path, &self.learner.parts(), &self.state, &self.identity)?;
        self.shelf.tidy(self.state.best_step);
        self.saved = Instant::now();
        observer.on(&Event::Checkpoint {
            step: self.state.step,
            path: &path,
        });
        Ok(())
    }

    /// The factor on `optimizer.lr` for the step that ends at `done` epochs.
    fn rate_factor(&self, done: f64) -> f64 {
        let schedule = &self.config.schedule;
        schedule.factor(done, self.config.train.epochs as f64) * self.state.plateau.factor(schedule)
    }

    /// What there is to say of an epoch but its speed.
    fn record(&self, val: &ValMetrics, best: bool, start: Instant) -> EpochRecord {
        EpochRecord {
            epoch: self.state.epoch,
            step: self.state.step,
            train_loss: self.state.loss() / self.state.films.max(1) as f64,
            val_loss: val.loss,
            val_roc_auc: val.roc_auc,
            val_sensitivity: val.confusion.sensitivity(),
            val_specificity: val.confusion.specificity(),
            val_accuracy: val.confusion.accuracy(),
            val_balanced_accuracy: val.confusion.balanced_accuracy(),
            val_f1: val.confusion.f1(),
            val_average_precision: val.average_precision,
            val_brier: val.brier,
            lr: self.config.optimizer.lr * self.rate_factor(self.state.epoch as f64),
            images_per_second: 0.0,
            input_wait: 0.0,
            seconds: start.elapsed().as_secs_f64(),
            best,
        }
    }
}

fn device_name(device: Device) -> String {
    match device {
        Device::Cpu => "cpu".to_owned(),
        Device::Cuda(n) => format!("cuda:{n}"),
        Device::Mps => "mps".to_owned(),
        Device::Vulkan => "vulkan".to_owned(),
    }
}
