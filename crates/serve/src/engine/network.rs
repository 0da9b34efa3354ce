//! The threads that own the networks: they gather batches and run them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use osteon_model::{Explained, ModelError, Prediction, Predictor, Prepared, Sharing, set_threads};

use super::{Judged, Order, Refused};
use crate::telemetry::Telemetry;
use crate::{Batching, ServeError};

/// An image that is ready for the network.
pub(super) struct Ready {
    pub film: Prepared,
    pub order: Order,
}

/// What the networks' threads share.
#[derive(Clone)]
pub(super) struct Networks {
    pub batching: Batching,
    pub telemetry: Arc<Telemetry>,
    pub on_the_way: Arc<AtomicUsize>,
}

impl Networks {
    /// Starts a thread for each predictor; they end when the sender is gone. The queue holds two batches for each.
    pub fn start(
        self,
        predictors: Vec<Predictor>,
    ) -> Result<(SyncSender<Ready>, Vec<JoinHandle<()>>), ServeError> {
        let (sender, receiver) = sync_channel(2 * self.batching.images * predictors.len());
        let receiver = Arc::new(Mutex::new(receiver));
        let start = |(number, predictor): (usize, Predictor)| {
            let (networks, receiver) = (self.clone(), Arc::clone(&receiver));
            thread::Builder::new()
                .name(format!("network {number}"))
                .spawn(move || networks.run(&predictor, &receiver))
                .map_err(|source| ServeError::Thread {
                    what: "the network",
                    source,
                })
        };
        let threads: Result<_, _> = predictors.into_iter().enumerate().map(start).collect();
        Ok((sender, threads?))
    }

    fn run(&self, predictor: &Predictor, queue: &Mutex<Receiver<Ready>>) {
        set_threads(i32::try_from(self.batching.threads).unwrap_or(i32::MAX));
        let mut sharing = Sharing::new();
        loop {
            let start = Instant::now();
            let batch = {
                let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                self.gather(&queue)
            };
            self.telemetry.idle.inc_by(start.elapsed().as_secs_f64());
            if batch.is_empty() {
                return;
            }
            sharing.run(|| self.judge(predictor, batch));
        }
    }

    /// Waits for an image; then takes what is there, and waits for what is being decoded until the batch is full or the time is up. Empty
    /// when the service ends.
    fn gather(&self, queue: &Receiver<Ready>) -> Vec<Ready> {
        let mut batch = Vec::with_capacity(self.batching.images);
        let add = |batch: &mut Vec<Ready>, mut ready: Ready| {
            ready.order.arrived();
            batch.push(ready);
        };
        let Ok(first) = queue.recv() else {
            return batch;
        };
        let until = Instant::now() + self.batching.gather;
        add(&mut batch, first);
        while batch.len() < self.batching.images {
            let left = match self.on_the_way.load(Ordering::Relaxed) {
                0 => Duration::ZERO,
                _ => until.saturating_duration_since(Instant::now()),
            };
            match queue.recv_timeout(left) {
                Ok(ready) => add(&mut batch, ready),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        batch
    }

    fn judge(&self, predictor: &Predictor, batch: Vec<Ready>) {
        let telemetry = &self.telemetry;
        telemetry.waiting.dec_by(batch.len() as i64);
        let (wanted, gone): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|ready| !ready.order.is_abandoned());
        telemetry.abandoned.inc_by(gone.len() as u64);
        drop(gone);
        let (explained, plain): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|ready| ready.order.heat);
        for (heat, group) in [(false, plain), (true, explained)] {
            if group.is_empty() {
                continue;
            }
            telemetry.batch.observe(group.len() as f64);
            let start = Instant::now();
            // A panic within libtorch's wrappers must not end the thread: the service would hang.
            let judged = catch_unwind(AssertUnwindSafe(|| run(predictor, &group, heat)));
            telemetry.network.observe(start.elapsed().as_secs_f64());
            match judged {
                Ok(Ok(judged)) => tell(group, judged),
                Ok(Err(error)) => {
                    tracing::error!(%error, films = group.len(), "the network failed");
                    refuse(group);
                }
                Err(_) => {
                    tracing::error!(films = group.len(), "the network's thread failed");
                    refuse(group);
                }
            }
        }
    }
}

fn run(predictor: &Predictor, group: &[Ready], heat: bool) -> Result<Vec<Judged>, ModelError> {
    let films: Vec<&Prepared> = group.iter().map(|ready| &ready.film).collect();
    let answers: Vec<(Prediction, Option<Explained>)> = if heat {
        let explained = predictor.explain_prepared(&films, None)?.into_iter();
        explained
            .map(|explained| (explained.prediction, Some(explained)))
            .collect()
    } else {
        let predictions = predictor.predict_prepared(&films)?.into_iter();
        predictions.map(|prediction| (prediction, None)).collect()
    };
    Ok(group
        .iter()
        .zip(answers)
        .map(|(ready, (prediction, explained))| Judged {
            prediction,
            explained,
            size: ready.film.size(),
            milliseconds: ready.order.since.elapsed().as_secs_f64() * 1e3,
        })
        .collect())
}

fn tell(group: Vec<Ready>, judged: Vec<Judged>) {
    for (ready, judged) in group.into_iter().zip(judged) {
        ready.order.tell(Ok(judged));
    }
}

fn refuse(group: Vec<Ready>) {
    for ready in group {
        ready.order.tell(Err(Refused::Network));
    }
}
