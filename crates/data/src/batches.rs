//! Batches in the order of an epoch, made on other threads while the network computes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::augment::rng_for;
use crate::{Augment, Augmenter, Films, GrayView, Label};

/// N films as the network takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// N×1×H×W, normalised, row by row.
    pub pixels: Vec<f32>,
    /// Height and width.
    pub side: usize,
    /// 1.0 for fractured, 0.0 for not.
    pub targets: Vec<f32>,
    /// Each film's place in [`Films`].
    pub indices: Vec<usize>,
}

impl Batch {
    /// N.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether it holds no film.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }
}

/// How films become batches.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Films a batch; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Random order, drawn from (seed, epoch).
    pub shuffle: bool,
    /// Random changes, drawn from (seed, epoch, film).
    pub augment: Option<Augment>,
    /// The run's seed.
    pub seed: u64,
    /// Counted from 0.
    pub epoch: u64,
    /// Batches made ahead at most: memory is bounded by it.
    pub prefetch: usize,
}

impl LoadOptions {
    /// In order, unchanged: for judging.
    #[must_use]
    pub fn plain(batch_size: usize) -> Self {
        Self {
            batch_size,
            shuffle: false,
            augment: None,
            seed: 0,
            epoch: 0,
            prefetch: 2,
        }
    }
}

/// The order in which an epoch visits `count` films: a permutation that depends on (seed, epoch) alone.
#[must_use]
pub fn epoch_order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut rng = rng_for(seed, epoch);
    rng.set_stream(u64::MAX);
    order.shuffle(&mut rng);
    order
}

/// An iterator over the batches of one epoch. A thread of its own makes them ahead, with rayon inside each batch; dropping the
/// iterator ends it.
pub struct Batches {
    receiver: Option<Receiver<Batch>>,
    maker: Option<JoinHandle<()>>,
}

impl Batches {
    /// Starts making batches.
    #[must_use]
    pub fn new(films: Arc<Films>, options: &LoadOptions) -> Self {
        let options = options.clone();
        let (sender, receiver) = sync_channel(options.prefetch.max(1));
        let maker = std::thread::spawn(move || {
            let order = if options.shuffle {
                epoch_order(films.len(), options.seed, options.epoch)
            } else {
                (0..films.len()).collect()
            };
            for indices in order.chunks(options.batch_size.max(1)) {
                // The receiver is gone when the epoch was left early: nothing more to make.
                if sender.send(make_batch(&films, indices, &options)).is_err() {
                    return;
                }
            }
        });
        Self {
            receiver: Some(receiver),
            maker: Some(maker),
        }
    }
}

impl Iterator for Batches {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.receiver.as_ref()?.recv().ok()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        // The channel first, so that a maker waiting to send wakes up and ends.
        drop(self.receiver.take());
        if let Some(maker) = self.maker.take() {
            let _ = maker.join();
        }
    }
}

fn make_batch(films: &Films, indices: &[usize], options: &LoadOptions) -> Batch {
    let preprocess = films.preprocess();
    let side = preprocess.side();
    let mut pixels = vec![0.0; indices.len() * side * side];
    // normalise(v) = v·scale + offset, so that augmentation can write normalised values at once.
    let scale = (1.0 / (255.0 * preprocess.std), preprocess.black());
    let plain = preprocess.table();
    pixels
        .par_chunks_exact_mut(side * side)
        .zip(indices)
        .for_each_init(Augmenter::new, |augmenter, (out, &index)| {
            match &options.augment {
                None => {
                    for (to, &from) in out.iter_mut().zip(films.gray(index).as_raw()) {
                        *to = plain[usize::from(from)];
                    }
                }
                Some(augment) => {
                    let transform = augment.draw(options.seed, options.epoch, index as u64);
                    let film = films.gray(index);
                    let size = film.dimensions();
                    if let Some(view) = GrayView::new(film.as_raw(), size.0, size.1) {
                        augmenter.apply(&transform, view, scale, size, out);
                    }
                }
            }
        });
    let targets = indices
        .iter()
        .map(|&i| {
            if films.labels()[i] == Label::Fractured {
                1.0
            } else {
                0.0
            }
        })
        .collect();
    Batch {
        pixels,
        side,
        targets,
        indices: indices.to_vec(),
    }
}
