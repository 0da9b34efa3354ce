//! The loop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use osteon_data::{Catalog, Films, Instructions, LoadOptions, Split};
use osteon_model::{Net, TrainingData, logits_of};
use tch::{Device, Kind, Reduction, Tensor};

use crate::checkpoint::{self, State};
use crate::config::{Monitor, Unreadable};
use crate::log::Log;
use crate::validate::{Judged, ValMetrics};
use crate::{Config, EpochRecord, Event, Observer, Optimizer, RunDir, TrainError, choose_device};

/// What is to be done, complete and checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The resolved configuration.
    pub config: Config,
    /// The run folder.
    pub run: PathBuf,
    /// Go on with the run in it, rather than begin one.
    pub resume: bool,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run folder.
    pub run: PathBuf,
    /// The model file of the best epoch.
    pub model: PathBuf,
    /// The best epoch, counted from 1.
    pub best_epoch: u64,
    /// Epochs done.
    pub epochs: u64,
    /// Why it ended.
    pub reason: StopReason,
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

/// Trains as planned. `stop` is looked at after every step: once set, the step is finished, what there is is kept, and the run ends
/// with a usable model.
pub fn train(
    plan: &Plan,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Outcome, TrainError> {
    let config = &plan.config;
    let device = choose_device(&config.train.device)?;
    let catalog = Catalog::open_as(&config.data.dir, config.data.layout)?;
    let (train_entries, val_entries) = (catalog.split(Split::Train)?, catalog.split(Split::Val)?);
    let run = if plan.resume {
        RunDir::open(&plan.run)?
    } else {
        RunDir::create(&plan.run, config)?
    };
    if plan.resume {
        // Flags may have raised the number of epochs: the folder says what the run is now.
        osteon_data::write_atomic(&run.config(), config.to_toml()?.as_bytes())?;
    }
    let train_films = read(Split::Train, train_entries, config, observer)?;
    let val_films = read(Split::Val, val_entries, config, observer)?;
    if config.train.batch_size > train_films.len() {
        let (batch_size, films) = (config.train.batch_size, train_films.len());
        return Err(TrainError::BatchTooLarge { batch_size, films });
    }
    if config.train.threads > 0 {
        tch::set_num_threads(config.train.threads as i32);
    }
    let mut trainer = Trainer::new(config, &run, device, train_films, val_films, &catalog)?;
    if plan.resume && run.checkpoint().exists() {
        trainer.state = checkpoint::load(&run.checkpoint(), &trainer.net, &mut trainer.optimizer)?;
    }
    observer.on(&Event::Built {
        architecture: config.model.name.to_string(),
        parameters: trainer.net.parameters(),
        device: device_name(device),
        batch_size: config.train.batch_size,
        epoch: trainer.state.epoch + 1,
    });
    let reason = trainer.run_epochs(observer, stop)?;
    Ok(Outcome {
        run: run.path().to_owned(),
        model: run.model(),
        best_epoch: trainer.state.best_epoch,
        epochs: trainer.state.epoch,
        reason,
    })
}

fn read(
    split: Split,
    entries: &[osteon_data::Entry],
    config: &Config,
    observer: &mut dyn Observer,
) -> Result<Arc<Films>, TrainError> {
    observer.on(&Event::Reading {
        split,
        films: entries.len(),
    });
    let ticker = &*observer;
    let decoder = config.data.decoder();
    let tick = || ticker.film_read();
    let films = match config.data.cache() {
        Some(cache) => {
            let (films, packed) = cache.films(entries, &decoder, &config.preprocess, &tick)?;
            observer.on(&Event::Packed {
                split,
                packed: &packed,
            });
            films
        }
        None => Films::load(entries, &decoder, &config.preprocess, &tick)?,
    };
    observer.on(&Event::Read {
        split,
        films: films.len(),
        fractured: films.fractured(),
        unreadable: films.unreadable(),
        repaired: films.repaired(),
    });
    match films.unreadable() {
        [first, ..] if config.data.unreadable == Unreadable::Error => Err(TrainError::Unreadable {
            count: films.unreadable().len(),
            split: split.name(),
            first: format!("{} ({})", first.id, first.reason),
        }),
        _ => Ok(Arc::new(films)),
    }
}

struct Trainer<'a> {
    config: &'a Config,
    run: &'a RunDir,
    device: Device,
    train_films: Arc<Films>,
    val_films: Arc<Films>,
    training_data: TrainingData,
    positive_weight: Tensor,
    net: Net,
    optimizer: Optimizer,
    state: State,
}

/// Whether an epoch was gone through to its end.
enum Pass {
    Whole { loss: f64, images_per_second: f64 },
    Stopped,
}

impl<'a> Trainer<'a> {
    fn new(
        config: &'a Config,
        run: &'a RunDir,
        device: Device,
        train_films: Arc<Films>,
        val_films: Arc<Films>,
        catalog: &Catalog,
    ) -> Result<Self, TrainError> {
        tch::manual_seed(config.train.seed as i64);
        let net = config.model.build(config.preprocess.side(), device)?;
        let optimizer = Optimizer::new(&config.optimizer, &net)?;
        let positive_weight =
            Tensor::f_from_slice(&[config.train.positive_weight as f32])?.f_to_device(device)?;
        Ok(Self {
            config,
            run,
            device,
            training_data: training_data(config, catalog, &train_films, &val_films),
            train_films,
            val_films,
            positive_weight,
            net,
            optimizer,
            state: State::default(),
        })
    }

    fn run_epochs(
        &mut self,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<StopReason, TrainError> {
        let mut log = Log::open(self.run, self.state.epoch)?;
        let mut reason = StopReason::Finished;
        while self.state.epoch < self.config.train.epochs {
            let start = Instant::now();
            let Pass::Whole {
                loss,
                images_per_second,
            } = self.pass(&mut log, observer, stop)?
            else {
                return self.leave();
            };
            let judged = self.judge()?;
            let val = judged.metrics()?;
            self.state.epoch += 1;
            let best = self.is_best(&val);
            if best {
                self.save_model(&judged)?;
            }
            let record = self.record(
                &val,
                best,
                loss,
                images_per_second,
                start.elapsed().as_secs_f64(),
            );
            log.epoch(&record)?;
            checkpoint::save(
                &self.run.checkpoint(),
                &self.net,
                &self.optimizer,
                &self.state,
            )?;
            observer.on(&Event::Epoch(&record));
            let train = &self.config.train;
            if val.loss < train.stop_val_loss {
                reason = StopReason::LowLoss;
                break;
            }
            if train.patience > 0 && self.state.epoch - self.state.best_epoch >= train.patience {
                reason = StopReason::Patience;
                break;
            }
            if stop.load(Ordering::Relaxed) {
                return Ok(StopReason::Interrupted);
            }
        }
        Ok(reason)
    }

    /// One pass over the training films.
    fn pass(
        &mut self,
        log: &mut Log,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Pass, TrainError> {
        let train = &self.config.train;
        let epoch = self.state.epoch;
        // Dropout draws from libtorch's generator: seeded by epoch, so that a resumed run draws the same.
        tch::manual_seed(train.seed.wrapping_mul(1_000_003).wrapping_add(epoch + 1) as i64);
        let options = LoadOptions {
            batch_size: train.batch_size,
            shuffle: true,
            augment: Some(self.config.augment.clone()),
            crop: None,
            seed: train.seed,
            epochs: epoch..epoch + 1,
            prefetch: train.prefetch,
            threads: 0,
            instructions: Instructions::best(),
        };
        let steps = self.train_films.len().div_ceil(train.batch_size) as u64;
        let (mut sum, mut seen) = (0.0, 0);
        let start = Instant::now();
        for (index, batch) in self.train_films.loader(options).enumerate() {
            let batch = batch?;
            let step = index as u64 + 1;
            let done = epoch as f64 + step as f64 / steps as f64;
            let factor = self.config.schedule.factor(done, train.epochs as f64);
            let loss = self.step(&batch, factor)?;
            if !loss.is_finite() {
                return Err(TrainError::Diverged {
                    loss,
                    epoch: epoch + 1,
                    step,
                });
            }
            sum += loss * batch.len() as f64;
            seen += batch.len();
            if self.optimizer.steps().is_multiple_of(train.log_every) {
                log.step(
                    epoch + 1,
                    self.optimizer.steps(),
                    loss,
                    factor * self.config.optimizer.lr,
                )?;
            }
            observer.on(&Event::Step {
                epoch: epoch + 1,
                epochs: train.epochs,
                step,
                steps,
                loss: sum / seen as f64,
                images_per_second: seen as f64 / start.elapsed().as_secs_f64(),
            });
            if stop.load(Ordering::Relaxed) && step < steps {
                return Ok(Pass::Stopped);
            }
        }
        let images_per_second = seen as f64 / start.elapsed().as_secs_f64();
        Ok(Pass::Whole {
            loss: sum / seen.max(1) as f64,
            images_per_second,
        })
    }

    fn step(&mut self, batch: &osteon_data::Batch, factor: f64) -> Result<f64, TrainError> {
        let films = self.net.input(&batch.pixels, batch.len(), batch.side)?;
        let targets = Tensor::f_from_slice(&batch.targets)?.f_to_device(self.device)?;
        self.optimizer.zero_grad()?;
        let logits = self.net.forward(&films, true)?;
        let loss = logits.f_binary_cross_entropy_with_logits(
            &targets,
            None,
            Some(&self.positive_weight),
            Reduction::Mean,
        )?;
        loss.f_backward()?;
        self.optimizer.step(factor)?;
        Ok(loss.f_to_kind(Kind::Double)?.f_double_value(&[])?)
    }

    fn judge(&self) -> Result<Judged, TrainError> {
        let logits = logits_of(&self.net, &self.val_films, &|_| {})?;
        Ok(Judged::new(&self.val_films, logits))
    }

    /// Makes the weights as they are the run's model.
    fn save_model(&self, judged: &Judged) -> Result<(), TrainError> {
        let training_data = TrainingData {
            epochs: self.state.epoch,
            ..self.training_data.clone()
        };
        judged.save_model(&self.run.model(), &self.net, self.config, training_data)
    }

    /// Whether this epoch is the best so far, and if so notes it.
    fn is_best(&mut self, val: &ValMetrics) -> bool {
        let value = match self.config.train.monitor {
            Monitor::ValLoss => Some(-val.loss),
            Monitor::ValRocAuc => val.roc_auc,
        };
        let better = match (value, self.state.best_value) {
            (Some(new), Some(old)) => new > old,
            _ => self.state.best_epoch == 0,
        };
        if better {
            (self.state.best_value, self.state.best_epoch) = (value, self.state.epoch);
        }
        better
    }

    /// Leaves in the middle of an epoch. Before the first epoch has ended there is no model yet: the weights as they are become one.
    fn leave(&self) -> Result<StopReason, TrainError> {
        if self.state.best_epoch == 0 {
            self.save_model(&self.judge()?)?;
        }
        Ok(StopReason::Interrupted)
    }

    fn record(
        &self,
        val: &ValMetrics,
        best: bool,
        loss: f64,
        images_per_second: f64,
        seconds: f64,
    ) -> EpochRecord {
        let done = self.state.epoch as f64;
        EpochRecord {
            epoch: self.state.epoch,
            step: self.optimizer.steps(),
            train_loss: loss,
            val_loss: val.loss,
            val_roc_auc: val.roc_auc,
            val_sensitivity: val.confusion.sensitivity(),
            val_specificity: val.confusion.specificity(),
            val_accuracy: val.confusion.accuracy(),
            lr: self.config.optimizer.lr
                * self
                    .config
                    .schedule
                    .factor(done, self.config.train.epochs as f64),
            images_per_second,
            seconds,
            best,
        }
    }
}

/// What the model file says of the films; the epochs are filled in when it is written.
fn training_data(config: &Config, catalog: &Catalog, train: &Films, val: &Films) -> TrainingData {
    TrainingData {
        name: catalog.name(),
        catalog_fingerprint: catalog.fingerprint().to_owned(),
        train_fingerprint: train.fingerprint().to_owned(),
        val_fingerprint: val.fingerprint().to_owned(),
        train_images: train.len() as u64,
        train_fractured: train.fractured() as u64,
        val_images: val.len() as u64,
        val_fractured: val.fractured() as u64,
        epochs: 0,
        seed: config.train.seed,
        films: train.short_digests().chain(val.short_digests()).collect(),
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
