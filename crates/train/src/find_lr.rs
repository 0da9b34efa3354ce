//! The learning-rate finder (Smith 2017): the rate rises step by step, and where the loss falls fastest is where to begin.

use std::sync::atomic::{AtomicBool, Ordering};

use osteon_data::{Instructions, LoadOptions, Shard};
use serde::{Deserialize, Serialize};

use crate::trainer::{Feed, Look};
use crate::{Config, Event, Observer, TrainError};

/// One step of the finder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LrPoint {
    /// The learning rate of the step.
    pub lr: f64,
    /// Its loss, before the step.
    pub loss: f64,
    /// The loss smoothed over the steps so far.
    pub smoothed: f64,
}

/// What the finder found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LrFound {
    /// The steps, by rising rate, up to where the loss blew up.
    pub points: Vec<LrPoint>,
    /// Where the smoothed loss falls fastest; `None` where it never fell.
    pub suggestion: Option<f64>,
}

/// Steps of the finder at most.
const STEPS: usize = 120;
/// The rates it goes through.
const RANGE: (f64, f64) = (1e-7, 10.0);
/// How much of the smoothed loss is the past.
const MEMORY: f64 = 0.9;
/// The finder ends where the smoothed loss is so many times its lowest.
const BLOWN_UP: f64 = 4.0;

/// Looks for a learning rate for a config: from fresh weights, with its images, loss and optimiser. Nothing is written.
pub fn find_lr(
    config: &Config,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<LrFound, TrainError> {
    let mut config = config.clone();
    let Look {
        device,
        films,
        compute,
        mut learner,
    } = Look::new(&mut config, observer)?;
    let options = LoadOptions {
        batch_size: config.train.batch_size,
        sampler: config.train.sampler,
        shard: Shard::WHOLE,
        first_batch: 0,
        augment: Some(config.augment.clone()),
        crop: None,
        seed: config.train.seed,
        // As many epochs as the steps may need.
        epochs: 0..STEPS as u64,
        prefetch: config.train.prefetch,
        threads: compute.loader_threads,
        instructions: Instructions::best(),
    };
    let mut points: Vec<LrPoint> = Vec::new();
    let (mut average, mut lowest) = (0.0, f64::INFINITY);
    let feed = Feed::Host;
    let micro_batches = feed.micro_batches(&films.train, options, config.map_cells(), device);
    for (number, micro_batch) in micro_batches.take(STEPS).enumerate() {
        let micro_batch = micro_batch?;
        let count = micro_batch.indices.len();
        let lr = RANGE.0 * (RANGE.1 / RANGE.0).powf(number as f64 / (STEPS - 1) as f64);
        learner.optimizer.zero_grad()?;
        let maps = micro_batch.maps.as_ref();
        let sum = learner.learn(&micro_batch.films, &micro_batch.targets, maps, count)?;
        let sum = sum.f_double_value(&[])?;
        let loss = sum / count as f64;
        if !loss.is_finite() {
            break;
        }
        average = MEMORY * average + (1.0 - MEMORY) * loss;
        // Without the correction the first values would be pulled towards 0.
        let smoothed = average / (1.0 - MEMORY.powi(number as i32 + 1));
        points.push(LrPoint { lr, loss, smoothed });
        observer.on(&Event::Tried {
            step: number + 1,
            steps: STEPS,
            lr,
            loss: smoothed,
        });
        lowest = f64::min(lowest, smoothed);
        if (number > 10 && smoothed > BLOWN_UP * lowest) || stop.load(Ordering::Relaxed) {
            break;
        }
        learner.step(lr / config.optimizer.lr, number as u64 + 1)?;
    }
    Ok(LrFound {
        suggestion: steepest(&points),
        points,
    })
}

/// The rate at which the smoothed loss falls fastest by the logarithm of the rate, before its lowest point.
fn steepest(points: &[LrPoint]) -> Option<f64> {
    let lowest = points
        .iter()
        .enumerate()
        .min_by(|a, b| a.1.smoothed.total_cmp(&b.1.smoothed))?
        .0;
    // A difference over more than a decade of rates: over fewer steps it is mostly noise.
    let reach = 10;
    (reach..lowest)
        .filter_map(|k| {
            let (before, after) = (points.get(k - reach)?, points.get(k + reach)?);
            Some((after.smoothed - before.smoothed, points[k].lr))
        })
        .filter(|(change, _)| *change < 0.0)
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, lr)| lr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steepest_place_is_found() {
        // Flat at 0.7, a fall of a logistic shape about 1e-3, then up.
        let point = |k: i32| {
            let lr = 10_f64.powf(-7.0 + f64::from(k) * 0.08);
            let fall = 0.5 / (1.0 + (-(lr.log10() + 3.0) * 4.0).exp());
            let rise = (lr.log10() + 1.0).max(0.0) * 3.0;
            let loss = 0.7 - fall + rise;
            LrPoint {
                lr,
                loss,
                smoothed: loss,
            }
        };
        let points: Vec<LrPoint> = (0..100).map(point).collect();
        let found = steepest(&points).expect("it falls");
        assert!((found.log10() + 3.0).abs() < 0.2, "{found}");
        let rising: Vec<LrPoint> = points
            .iter()
            .rev()
            .enumerate()
            .map(|(k, p)| LrPoint {
                lr: 1e-7 * 1.2_f64.powi(k as i32),
                ..*p
            })
            .skip(40)
            .collect();
        assert!(steepest(&rising[50..]).is_none_or(f64::is_finite));
        assert_eq!(steepest(&[]), None);
    }
}
