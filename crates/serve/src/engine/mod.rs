//! From files to answers: threads that decode, and the threads that own the networks.
//!
//! ```text
//! order ─→ decoders (as many as cores) ─→ bounded queue ─→ a network's thread: gathers a batch, runs it ─→ each image's answer
//! ```
//!
//! An order whose receiver is gone is dropped at every step before work is put into it.

mod decoders;
mod network;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use osteon_data::DecodeError;
use osteon_files::hex;
use osteon_model::{Explained, Prediction, Predictor, Prepared};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::decoders::Decoders;
use self::network::Networks;
use crate::room::Sent;
use crate::telemetry::Telemetry;
use crate::{ServeError, ServeOptions};

/// What is known of an image in the end.
pub(crate) type Verdict = Result<Judged, Refused>;

/// An image that was judged.
#[derive(Debug)]
pub(crate) struct Judged {
    pub prediction: Prediction,
    /// Where the answer comes from, where it was asked for.
    pub explained: Option<Explained>,
    /// Width and height of the whole image, the right way up.
    pub size: (u32, u32),
    /// From the order to the answer.
    pub milliseconds: f64,
}

/// Why an image was not judged.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It does not read.
    Decode(DecodeError),
    /// Its decoder fell over it.
    DecoderPanic,
    /// The network failed; the log says how.
    Network,
}

/// What is to be done with an image.
pub(crate) enum Input {
    /// A file.
    File(Arc<Sent>),
    /// What the network takes already.
    Prepared(Box<Prepared>),
}

impl Input {
    /// Of the file, or of the pixels as 32-bit little-endian floats.
    pub fn sha256(&self) -> String {
        match self {
            Self::File(sent) => hex(&Sha256::digest(&sent.bytes)),
            Self::Prepared(film) => film.sha256(),
        }
    }
}

/// An image on its way, with all that is held for it.
pub(crate) struct Order {
    heat: bool,
    answer: oneshot::Sender<Verdict>,
    since: Instant,
    on_the_way: Option<OnTheWay>,
    _place: OwnedSemaphorePermit,
}

impl Order {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// It has reached the network's thread.
    fn arrived(&mut self) {
        self.on_the_way = None;
    }

    fn tell(self, verdict: Verdict) {
        // Whoever asked may be gone by now.
        let _ = self.answer.send(verdict);
    }
}

/// Counts an image that the network's thread has not got yet: while there are any, a batch may wait for them.
struct OnTheWay(Arc<AtomicUsize>);

impl OnTheWay {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for OnTheWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The threads behind a service.
pub(crate) struct Engine {
    /// There until the end.
    decoders: Option<Decoders>,
    networks: Vec<JoinHandle<()>>,
    places: Arc<Semaphore>,
    on_the_way: Arc<AtomicUsize>,
}

impl Engine {
    pub fn start(
        predictors: Vec<Predictor>,
        options: &ServeOptions,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, ServeError> {
        let Some(first) = predictors.first() else {
            return Err(ServeError::NoModel);
        };
        let film_limits = osteon_data::Limits {
            max_pixels: options.limits.pixels,
            ..osteon_data::Limits::default()
        };
        let preparer = first
            .preparer()
            .with_limits(film_limits)
            .knowing_training_images(first.info());
        let on_the_way = Arc::new(AtomicUsize::new(0));
        let networks = Networks {
            batching: options.batching.clone(),
            telemetry: Arc::clone(&telemetry),
            on_the_way: Arc::clone(&on_the_way),
        };
        let (queue, networks) = networks.start(predictors)?;
        Ok(Self {
            decoders: Some(Decoders::start(
                options.batching.decoders,
                preparer,
                queue,
                telemetry,
            )?),
            networks,
            places: Arc::new(Semaphore::new(options.limits.queue)),
            on_the_way,
        })
    }

    /// Sends images on their way, all or none; the verdicts in their order. `None` if there is no room for them.
    pub fn submit(&self, films: Vec<Input>, heat: bool) -> Option<Vec<oneshot::Receiver<Verdict>>> {
        let count = u32::try_from(films.len()).ok()?;
        let mut places = Arc::clone(&self.places)
            .try_acquire_many_owned(count)
            .ok()?;
        let since = Instant::now();
        let mut answers = Vec::with_capacity(films.len());
        for film in films {
            let (sender, receiver) = oneshot::channel();
            let order = Order {
                heat,
                answer: sender,
                since,
                on_the_way: Some(OnTheWay::new(&self.on_the_way)),
                // Invariant: one place was taken for each image.
                _place: places.split(1)?,
            };
            self.decoders.as_ref()?.take(film, order);
            answers.push(receiver);
        }
        Some(answers)
    }

    /// Runs work of a processor's kind beside the decoding; `None` if it fell over.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        self.decoders.as_ref()?.aside(work).await
    }
}

impl Drop for Engine {
    /// Waits for the networks' threads: a process that ends while one is within libtorch takes its memory from under it.
    ///
    /// Invariant: no job of the decoders holds the engine, so this runs on none of their threads, which must go on for the queue to end.
    fn drop(&mut self) {
        self.decoders = None;
        for thread in self.networks.drain(..) {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

/// Runs what opens a model on one of libtorch's threads: there is little to share, and on a busy machine threads that wait for each other
/// make a start several times as long.
pub fn on_one_thread<T>(open: impl FnOnce() -> T) -> T {
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    let opened = open();
    tch::set_num_threads(threads);
    opened
}
