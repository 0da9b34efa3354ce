//! Can the network learn one batch by heart? If not, no amount of data will help: something is wrong with loss, rate or network.

use std::sync::atomic::{AtomicBool, Ordering};

use osteon_data::{Instructions, LoadOptions, Sampler, Shard};
use serde::{Deserialize, Serialize};

use crate::trainer::{Feed, Look};
use crate::{Config, Event, Observer, TrainError};

/// What the check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sanity {
    /// Images of the batch.
    pub films: usize,
    /// Fractured ones among them.
    pub fractured: usize,
    /// Steps taken.
    pub steps: usize,
    /// The loss of fresh weights; about 0.69, ln 2, for one that knows nothing.
    pub first_loss: f64,
    /// The loss at the end.
    pub last_loss: f64,
    /// Weights that no gradient reached.
    pub untouched: Vec<String>,
    /// Whether the batch was learned and every weight had a part in it.
    pub passed: bool,
}

/// Steps at most.
const STEPS: usize = 300;
/// Learned by heart: the loss is this fraction of the first.
const LEARNED: f64 = 0.1;

/// Learns one batch by heart: half of it fractured, without augmentation, label smoothing or a schedule. Nothing is written.
pub fn sanity(
    config: &Config,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<Sanity, TrainError> {
    let mut config = config.clone();
    config.loss.label_smoothing = 0.0;
    let Look {
        device,
        films,
        mut learner,
        ..
    } = Look::new(&mut config, observer)?;
    let options = LoadOptions {
        sampler: Sampler::Weighted,
        shard: Shard::WHOLE,
        first_batch: 0,
        seed: config.train.seed,
        instructions: Instructions::best(),
        ..LoadOptions::plain(config.train.batch_size)
    };
    let cells = config.map_cells();
    let first = Feed::Host
        .micro_batches(&films.train, options, cells, device)
        .next();
    let batch = match first {
        Some(batch) => batch?,
        // Invariant: there are images of both classes, so there is a batch.
        None => return Err(TrainError::OneClass { class: "missing" }),
    };
    let count = batch.indices.len();
    let mut found = Sanity {
        films: count,
        fractured: batch
            .indices
            .iter()
            .filter(|&&film| films.train.labels()[film].is_fractured())
            .count(),
        steps: 0,
        first_loss: f64::NAN,
        last_loss: f64::NAN,
        untouched: Vec::new(),
        passed: false,
    };
    while found.steps < STEPS && !stop.load(Ordering::Relaxed) {
        learner.optimizer.zero_grad()?;
        let sum = learner.learn(&batch.films, &batch.targets, batch.maps.as_ref(), count)?;
        let sum = sum.f_double_value(&[])?;
        found.last_loss = sum / count as f64;
        if found.steps == 0 {
            found.first_loss = found.last_loss;
            found.untouched = learner.optimizer.untouched()?;
        }
        observer.on(&Event::Tried {
            step: found.steps + 1,
            steps: STEPS,
            lr: config.optimizer.lr,
            loss: found.last_loss,
        });
        if !found.last_loss.is_finite() || found.last_loss <= LEARNED * found.first_loss {
            break;
        }
        found.steps += 1;
        learner.step(1.0, found.steps as u64)?;
    }
    found.passed = found.last_loss <= LEARNED * found.first_loss && found.untouched.is_empty();
    Ok(found)
}
