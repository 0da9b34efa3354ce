//! Batches in the order of the epochs, made by threads of their own while the network computes.

mod batch;
mod batch_plan;
mod map;
mod recipe;
mod sampler;
mod source;
mod worker;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use self::batch::Batch;
use self::batch::Pool;
use self::batch_plan::BatchPlan;
use self::batch_plan::BatchSlice;
pub use self::batch_plan::Shard;
pub use self::map::MAP_UNKNOWN;
pub use self::recipe::{Mix, Recipe, RecipeBatch, Recipes};
pub(crate) use self::sampler::Indices;
pub use self::sampler::{Sample, Sampler, epoch_order};
use self::source::Files;
pub(crate) use self::source::SampleSource;
use self::worker::Worker;
use crate::{Augment, DataError, Decoder, Entry, Instructions, Preprocess};

/// How images become batches.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Images a batch, on each rank; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Which images an epoch visits in which order, drawn from (seed, epoch).
    pub sampler: Sampler,
    /// Which part of each batch is made here. The parts of all ranks, one after another, are what one process would make with
    /// `world · batch_size`.
    pub shard: Shard,
    /// Batches of the first epoch that are passed over without being made: a run goes on where it was left.
    pub first_batch: usize,
    /// Random changes, drawn from (seed, epoch, image).
    pub augment: Option<Augment>,
    /// Side of the batch's images where it is less than that of the images loaded: the middle is cropped after the augmentation, so that
    /// turning and shifting brings in image rather than black. `None`: the images' own.
    pub crop: Option<u32>,
    /// The run's seed.
    pub seed: u64,
    /// Which epochs, counted from 0: no thread waits between one and the next.
    pub epochs: Range<u64>,
    /// Batches made ahead at most, besides one in each thread's hands: memory is bounded by it.
    pub prefetch: usize,
    /// Threads that make batches; 0: one a core. What the batches hold does not depend on it.
    pub threads: usize,
    /// What the augmentation runs on, at most; what the batches hold does not depend on it.
    pub instructions: Instructions,
}

impl LoadOptions {
    /// One epoch in order, unchanged: for judging.
    #[must_use]
    pub fn plain(batch_size: usize) -> Self {
        Self {
            batch_size,
            sampler: Sampler::InOrder,
            shard: Shard::WHOLE,
            first_batch: 0,
            augment: None,
            crop: None,
            seed: 0,
            epochs: 0..1,
            prefetch: 2,
            threads: 0,
            instructions: Instructions::best(),
        }
    }
}

/// An iterator over batches. Each thread makes a whole batch at a time; they are handed out in order. Dropping the iterator ends the
/// threads. It ends with the first image that does not read, unless such images are to be skipped.
pub struct DataLoader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// The batch to hand out next.
    next: usize,
    /// The batch after the last.
    end: usize,
}

struct Shared {
    source: SampleSource,
    options: LoadOptions,
    pool: Arc<Pool>,
    batch_plan: BatchPlan,
    /// Batches begun and not handed out, at most.
    ahead: usize,
    queue: Mutex<Queue>,
    /// A batch was handed out, or the loader dropped: there may be room for another.
    room: Condvar,
    /// A batch is ready, or a thread ended.
    ready: Condvar,
}

/// What the threads share.
struct Queue {
    /// The batch to be begun next.
    begin: usize,
    handed_out: usize,
    done: BTreeMap<usize, Result<Batch, DataError>>,
    /// The samples of the epoch that the batch begun last is in.
    samples: Arc<Vec<Sample>>,
    /// The loader is gone.
    closed: bool,
    /// A thread panicked.
    broken: bool,
}

impl DataLoader {
    /// Starts making batches.
    #[must_use]
    pub(crate) fn new(source: SampleSource, options: LoadOptions) -> Self {
        let batch_plan = BatchPlan::new(&options, source.indices().epoch_len(options.sampler));
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match options.threads {
            0 => cores(),
            threads => threads,
        };
        let threads = threads.min(batch_plan.end - batch_plan.first);
        let shared = Arc::new(Shared {
            source,
            pool: Arc::default(),
            batch_plan,
            ahead: threads + options.prefetch,
            options,
            queue: Mutex::new(Queue {
                begin: batch_plan.first,
                handed_out: batch_plan.first,
                done: BTreeMap::new(),
                samples: Arc::default(),
                closed: false,
                broken: false,
            }),
            room: Condvar::new(),
            ready: Condvar::new(),
        });
        let threads = (0..threads)
            .map(|_| {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.work())
            })
            .collect();
        Self {
            shared,
            threads,
            next: batch_plan.first,
            end: batch_plan.end,
        }
    }

    /// Batches of images that are decoded as they are needed, in every epoch anew: for data sets beyond memory and disk. Images that do
    /// not read are an error, or with `skip_unreadable` listed in the batch they are missing from.
    #[must_use]
    pub fn stream(
        entries: Vec<Entry>,
        decoder: &Decoder,
        preprocess: &Preprocess,
        skip_unreadable: bool,
        options: LoadOptions,
    ) -> Self {
        let files = Files {
            ids: entries.iter().map(|entry| entry.id.clone()).collect(),
            indices: Indices::new(
                entries
                    .iter()
                    .map(|entry| (entry.label.is_fractured(), entry.group.as_deref())),
            ),
            entries,
            decoder: decoder.clone(),
            preprocess: preprocess.clone(),
            skip_unreadable,
        };
        Self::new(SampleSource::Files(Arc::new(files)), options)
    }

    /// Batches of one epoch.
    #[must_use]
    pub fn batches_an_epoch(&self) -> usize {
        self.shared.batch_plan.batches_an_epoch
    }
}

impl Iterator for DataLoader {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let mut queue = self.shared.queue();
        let batch = loop {
            if let Some(batch) = queue.done.remove(&self.next) {
                break batch;
            }
            if queue.broken {
                drop(queue);
                self.end = 0;
                self.pass_on_panic();
                return None;
            }
            queue = self
                .shared
                .ready
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        };
        self.next += 1;
        queue.handed_out = self.next;
        drop(queue);
        self.shared.room.notify_all();
        if batch.is_err() {
            self.end = 0;
        }
        Some(batch)
    }
}

impl DataLoader {
    /// A panic in a thread is the caller's, not a loader that waits for ever.
    fn pass_on_panic(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl Drop for DataLoader {
    fn drop(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A panic that nobody waited for was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.queue().closed = true;
        self.room.notify_all();
    }

    /// One thread's life.
    fn work(&self) {
        let alarm = Alarm(self);
        let mut worker = Worker::new(&self.source, &self.options);
        while let Some((number, slice, samples)) = self.assign() {
            let batch = worker.make(&slice, &samples, &self.pool);
            self.queue().done.insert(number, batch);
            self.ready.notify_one();
        }
        std::mem::forget(alarm);
    }

    /// The next batch to make: its count, where it lies, and its epoch's samples. Waits while enough are made ahead.
    fn assign(&self) -> Option<(usize, BatchSlice, Arc<Vec<Sample>>)> {
        let mut queue = self.queue();
        loop {
            if queue.closed || queue.begin >= self.batch_plan.end {
                return None;
            }
            if queue.begin < queue.handed_out + self.ahead {
                break;
            }
            queue = self
                .room
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let number = queue.begin;
        queue.begin += 1;
        let slice = self.batch_plan.slice(number);
        if slice.number == 0 || number == self.batch_plan.first {
            let LoadOptions { sampler, seed, .. } = self.options;
            queue.samples = Arc::new(self.source.indices().samples(sampler, seed, slice.epoch));
        }
        Some((number, slice, Arc::clone(&queue.samples)))
    }
}

/// Wakes the loader when a thread panics.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.queue().broken = true;
        self.0.ready.notify_all();
    }
}
