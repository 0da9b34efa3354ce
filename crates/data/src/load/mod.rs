//! Batches in the order of the epochs, made by threads of their own while the network computes.

mod batch;
mod course;
mod maker;
mod map;
mod order;
mod recipe;
mod supply;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use self::batch::Batch;
use self::batch::Pool;
use self::course::Course;
pub use self::course::Shard;
use self::course::Stretch;
use self::maker::Maker;
pub use self::map::MAP_UNKNOWN;
pub(crate) use self::order::Members;
pub use self::order::{Order, Turn, epoch_order};
pub use self::recipe::{Mix, Recipe, RecipeBatch, Recipes};
use self::supply::Files;
pub(crate) use self::supply::Supply;
use crate::{Augment, DataError, Decoder, Entry, Instructions, Preprocess};

/// How images become batches.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Images a batch, on each rank; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Which images an epoch visits in which order, drawn from (seed, epoch).
    pub order: Order,
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
            order: Order::InOrder,
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
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// The batch to hand out next.
    next: usize,
    /// The batch after the last.
    end: usize,
}

struct Shared {
    supply: Supply,
    options: LoadOptions,
    pool: Arc<Pool>,
    course: Course,
    /// Batches begun and not handed out, at most.
    ahead: usize,
    desk: Mutex<Desk>,
    /// A batch was handed out, or the loader dropped: there may be room for another.
    room: Condvar,
    /// A batch is ready, or a thread ended.
    ready: Condvar,
}

/// What the threads share.
struct Desk {
    /// The batch to be begun next.
    begin: usize,
    handed_out: usize,
    done: BTreeMap<usize, Result<Batch, DataError>>,
    /// The turns of the epoch that the batch begun last is in.
    turns: Arc<Vec<Turn>>,
    /// The loader is gone.
    closed: bool,
    /// A thread panicked.
    broken: bool,
}

impl Loader {
    /// Starts making batches.
    #[must_use]
    pub(crate) fn new(supply: Supply, options: LoadOptions) -> Self {
        let course = Course::new(&options, supply.members().epoch_len(options.order));
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match options.threads {
            0 => cores(),
            threads => threads,
        };
        let threads = threads.min(course.end - course.first);
        let shared = Arc::new(Shared {
            supply,
            pool: Arc::default(),
            course,
            ahead: threads + options.prefetch,
            options,
            desk: Mutex::new(Desk {
                begin: course.first,
                handed_out: course.first,
                done: BTreeMap::new(),
                turns: Arc::default(),
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
            next: course.first,
            end: course.end,
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
            members: Members::new(
                entries
                    .iter()
                    .map(|entry| (entry.label.is_fractured(), entry.group.as_deref())),
            ),
            entries,
            decoder: decoder.clone(),
            preprocess: preprocess.clone(),
            skip_unreadable,
        };
        Self::new(Supply::Files(Arc::new(files)), options)
    }

    /// Batches of one epoch.
    #[must_use]
    pub fn batches_an_epoch(&self) -> usize {
        self.shared.course.batches_an_epoch
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let mut desk = self.shared.desk();
        let batch = loop {
            if let Some(batch) = desk.done.remove(&self.next) {
                break batch;
            }
            if desk.broken {
                drop(desk);
                self.end = 0;
                self.pass_on_panic();
                return None;
            }
            desk = self
                .shared
                .ready
                .wait(desk)
                .unwrap_or_else(PoisonError::into_inner);
        };
        self.next += 1;
        desk.handed_out = self.next;
        drop(desk);
        self.shared.room.notify_all();
        if batch.is_err() {
            self.end = 0;
        }
        Some(batch)
    }
}

impl Loader {
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

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A panic that nobody waited for was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.desk().closed = true;
        self.room.notify_all();
    }

    /// One thread's life.
    fn work(&self) {
        let alarm = Alarm(self);
        let mut maker = Maker::new(&self.supply, &self.options);
        while let Some((number, stretch, turns)) = self.assign() {
            let batch = maker.make(&stretch, &turns, &self.pool);
            self.desk().done.insert(number, batch);
            self.ready.notify_one();
        }
        std::mem::forget(alarm);
    }

    /// The next batch to make: its count, where it lies, and its epoch's turns. Waits while enough are made ahead.
    fn assign(&self) -> Option<(usize, Stretch, Arc<Vec<Turn>>)> {
        let mut desk = self.desk();
        loop {
            if desk.closed || desk.begin >= self.course.end {
                return None;
            }
            if desk.begin < desk.handed_out + self.ahead {
                break;
            }
            desk = self.room.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        let number = desk.begin;
        desk.begin += 1;
        let stretch = self.course.stretch(number);
        if stretch.number == 0 || number == self.course.first {
            let LoadOptions { order, seed, .. } = self.options;
            desk.turns = Arc::new(self.supply.members().turns(order, seed, stretch.epoch));
        }
        Some((number, stretch, Arc::clone(&desk.turns)))
    }
}

/// Wakes the loader when a thread panics.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.0.desk().broken = true;
        self.0.ready.notify_all();
    }
}
