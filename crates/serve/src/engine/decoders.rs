//! Threads that turn files into what the network takes.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use osteon_data::DecodeScratch;
use osteon_model::{Prepared, Preparer};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot;

use super::network::Ready;
use super::{Input, Order, Refused};
use crate::ServeError;
use crate::telemetry::Telemetry;

/// Buffers of images larger than this are given back: one large image must not cost its memory for ever.
const KEPT_PIXELS: u64 = 16_000_000;

thread_local! {
    static SCRATCH: RefCell<DecodeScratch> = RefCell::default();
}

/// A pool of threads, and the queue that they fill.
pub(super) struct Decoders {
    pool: ThreadPool,
    shared: Arc<Shared>,
}

struct Shared {
    preparer: Preparer,
    queue: SyncSender<Ready>,
    telemetry: Arc<Telemetry>,
}

impl Decoders {
    pub fn start(
        threads: usize,
        preparer: Preparer,
        queue: SyncSender<Ready>,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, ServeError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("decoder {number}"))
            .build()?;
        let shared = Arc::new(Shared {
            preparer,
            queue,
            telemetry,
        });
        Ok(Self { pool, shared })
    }

    /// Takes an image on; its order is answered here if it does not read.
    pub fn take(&self, film: Input, order: Order) {
        let shared = Arc::clone(&self.shared);
        shared.telemetry.waiting.inc();
        self.pool.spawn_fifo(move || shared.serve(film, order));
    }

    /// Runs `work` on a thread of the pool; `None` if it panicked.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.pool.spawn_fifo(move || {
            if let (false, Ok(done)) = (sender.is_closed(), catch_unwind(AssertUnwindSafe(work))) {
                // Whoever asked may be gone by now.
                let _ = sender.send(done);
            }
        });
        receiver.await.ok()
    }
}

impl Shared {
    fn serve(&self, film: Input, order: Order) {
        if order.is_abandoned() {
            self.telemetry.abandoned.inc();
            self.telemetry.waiting.dec();
            return;
        }
        let start = Instant::now();
        let ready = match film {
            Input::Prepared(film) => Ok(*film),
            Input::File(sent) => self.prepare(&sent.bytes),
        };
        match ready {
            Ok(film) => {
                self.telemetry
                    .decoding
                    .observe(start.elapsed().as_secs_f64());
                // Waits while the network has enough to do, so that what waits does so as a file and not as pixels.
                if self.queue.send(Ready { film, order }).is_err() {
                    self.telemetry.waiting.dec();
                }
            }
            Err(refused) => {
                self.telemetry.unreadable.inc();
                self.telemetry.waiting.dec();
                order.tell(Err(refused));
            }
        }
    }

    fn prepare(&self, bytes: &[u8]) -> Result<Prepared, Refused> {
        SCRATCH.with_borrow_mut(|scratch| {
            // Decoders read what strangers send: should one of them panic, that image alone is refused, and its buffers are not used again.
            let prepared = catch_unwind(AssertUnwindSafe(|| self.preparer.prepare(bytes, scratch)));
            let small = |film: &Prepared| {
                let (w, h) = film.size();
                u64::from(w) * u64::from(h) <= KEPT_PIXELS
            };
            if !matches!(&prepared, Ok(Ok(film)) if small(film)) {
                *scratch = DecodeScratch::default();
            }
            match prepared {
                Ok(done) => done.map_err(Refused::Decode),
                Err(_) => Err(Refused::DecoderPanic),
            }
        })
    }
}
