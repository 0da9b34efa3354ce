//! A node that takes images by C-STORE, judges them and sends the answers to another node.
//!
//! What was acknowledged is on the disk and is judged, also after a kill; what cannot be delivered is kept and tried again; no image is
//! judged twice.

mod accept;
mod agree;
mod association;
mod deliver;
mod dimse;
mod event;
mod incoming;
mod options;
mod spool;
mod store;

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use osteon_model::Predictor;

use self::accept::Port;
use self::deliver::deliver;
pub use self::event::Event;
pub use self::options::{Node, Options, Title};
use self::spool::Spool;
use crate::{DicomError, Source, answer_bytes};

/// Listens until `stop`, then finishes what is in flight: peers that are being served and images that wait get as long as the timeout,
/// answers one more try. `tell` is told what happens, from several threads.
///
/// Images are judged on the calling thread, one after the other.
///
/// # Errors
/// If a setting makes no sense, the port is taken, the spool is another's, or it cannot be written any more.
pub fn listen(
    predictor: &Predictor,
    options: &Options,
    stop: &AtomicBool,
    tell: &(dyn Fn(Event) + Sync),
) -> Result<(), DicomError> {
    options.check()?;
    let spool = Spool::open(&options.spool)?;
    let (listener, addr) = bound(options)?;
    let waiting: VecDeque<String> = spool.films()?.into();
    tell(Event::Listening {
        addr,
        films: waiting.len(),
        answers: spool.answers()?.len(),
    });
    let port = Port::new(options, &spool, stop, tell);
    let ended = thread::scope(|scope| {
        let (films, new_films) = mpsc::channel();
        let (port, listener) = (&port, &listener);
        // Takes the sender with it: when it ends no image comes any more.
        scope.spawn(move || port.run(listener, &films));
        let (answers, new_answers) = mpsc::channel();
        let courier = options.node.as_ref().map(|node| {
            let spool = &spool;
            scope.spawn(move || deliver(spool, node, options, &new_answers, tell))
        });
        let judge = Judge {
            predictor,
            options,
            spool: &spool,
            stop,
            tell,
        };
        let judged = judge.run(waiting, &new_films, &answers);
        // Whatever ended the judging ends the rest.
        stop.store(true, Ordering::Relaxed);
        drop(answers);
        let delivered = match courier {
            // Invariant: what it calls does not panic; a panic would be one of this thread as well.
            Some(courier) => courier
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(()),
        };
        judged.and(delivered)
    });
    tell(Event::Stopped {
        films: spool.films()?.len(),
        answers: spool.answers()?.len(),
    });
    ended
}

fn bound(options: &Options) -> Result<(TcpListener, std::net::SocketAddr), DicomError> {
    let failed = |source| DicomError::Listen {
        addr: options.addr,
        source,
    };
    let listener = TcpListener::bind(options.addr).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    Ok((listener, addr))
}

/// Judges what waits.
struct Judge<'a> {
    predictor: &'a Predictor,
    options: &'a Options,
    spool: &'a Spool,
    stop: &'a AtomicBool,
    tell: &'a (dyn Fn(Event) + Sync),
}

impl Judge<'_> {
    /// Until no more images come, or too long after the wish to stop.
    fn run(
        &self,
        mut waiting: VecDeque<String>,
        new: &Receiver<String>,
        answers: &Sender<()>,
    ) -> Result<(), DicomError> {
        let mut asked: Option<Instant> = None;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                let asked = *asked.get_or_insert_with(Instant::now);
                if asked.elapsed() > self.options.timeout {
                    // The rest waits on the disk for the next time.
                    return Ok(());
                }
            }
            let instance = match waiting.pop_front() {
                Some(instance) => instance,
                // Closed when the port is, after the wish to stop.
                None => match new.recv() {
                    Ok(instance) => instance,
                    Err(mpsc::RecvError) => return Ok(()),
                },
            };
            self.judge(&instance)?;
            // Without a courier nobody hears it.
            let _ = answers.send(());
        }
    }

    fn judge(&self, instance: &str) -> Result<(), DicomError> {
        let start = Instant::now();
        let path = self.spool.film(instance);
        let bytes = std::fs::read(&path).map_err(DicomError::io("read", &path))?;
        let limits = self.predictor.decoder().limits;
        if Source::read(&bytes, limits).is_ok_and(|source| source.is_own()) {
            self.spool.skip(instance)?;
            (self.tell)(Event::Own {
                instance: instance.to_owned(),
            });
            return Ok(());
        }
        match answer_bytes(self.predictor, &bytes, self.options.kind) {
            Ok((_, answer)) => {
                self.spool.answer(instance, &answer)?;
                (self.tell)(Event::Judged {
                    instance: instance.to_owned(),
                    milliseconds: start.elapsed().as_secs_f64() * 1000.0,
                });
            }
            Err(error) => {
                let reason = error.to_string();
                self.spool.fail(instance, &reason)?;
                (self.tell)(Event::Failed {
                    instance: instance.to_owned(),
                    reason,
                });
            }
        }
        Ok(())
    }
}
