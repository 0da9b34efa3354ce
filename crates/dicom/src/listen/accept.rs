//! The port: peers that call, each served on a thread of its own, as many at once as are allowed.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::association::{Around, serve, turn_away};
use super::event::Event;
use super::options::Options;
use super::spool::Spool;

/// How often the port is looked at.
const TICK: Duration = Duration::from_millis(20);
/// Peers that are being turned away at most; more of them just lose their connection.
const TURNED_AWAY: usize = 16;

/// An association that is being served.
struct Served {
    stream: TcpStream,
    /// When its peer last said something whole.
    alive: Instant,
}

/// Those that are being served, by a number.
#[derive(Default)]
struct Table {
    next: u64,
    served: BTreeMap<u64, Served>,
}

/// The port and what its threads share.
pub(super) struct Port<'a> {
    options: &'a Options,
    spool: &'a Spool,
    stop: &'a AtomicBool,
    tell: &'a (dyn Fn(Event) + Sync),
    table: Mutex<Table>,
    turned_away: AtomicUsize,
}

impl<'a> Port<'a> {
    pub fn new(
        options: &'a Options,
        spool: &'a Spool,
        stop: &'a AtomicBool,
        tell: &'a (dyn Fn(Event) + Sync),
    ) -> Self {
        Self {
            options,
            spool,
            stop,
            tell,
            table: Mutex::default(),
            turned_away: AtomicUsize::new(0),
        }
    }

    /// Accepts peers until the wish to stop, then waits for those that are being served, as long as the timeout at most. `films` is
    /// told of new images. The listener must not block.
    pub fn run(&self, listener: &TcpListener, films: &Sender<String>) {
        thread::scope(|scope| {
            while !self.stop.load(Ordering::Relaxed) {
                self.hang_up(self.options.timeout);
                match listener.accept() {
                    Ok((stream, peer)) => {
                        if let Some(number) = self.admit(&stream) {
                            let films = films.clone();
                            scope.spawn(move || self.serve(number, stream, peer, &films));
                            continue;
                        }
                        self.report(peer, "turned away: too many associations".to_owned());
                        if self.turned_away.load(Ordering::Relaxed) < TURNED_AWAY {
                            self.turned_away.fetch_add(1, Ordering::Relaxed);
                            scope.spawn(move || self.turn_away(stream));
                        }
                    }
                    Err(error) => {
                        // A peer that is gone already, or no file handle left for now.
                        if error.kind() != io::ErrorKind::WouldBlock {
                            self.report(self.options.addr, error.to_string());
                        }
                        thread::sleep(TICK);
                    }
                }
            }
            (self.tell)(Event::Stopping);
            let asked = Instant::now();
            while asked.elapsed() < self.options.timeout && !self.table().served.is_empty() {
                self.hang_up(self.options.timeout);
                thread::sleep(TICK);
            }
            self.hang_up(Duration::ZERO);
        });
    }

    /// A number for a peer if there is room for it.
    fn admit(&self, stream: &TcpStream) -> Option<u64> {
        // On some systems it would not block, as the listener.
        stream.set_nonblocking(false).ok()?;
        let stream = stream.try_clone().ok()?;
        let mut table = self.table();
        if table.served.len() >= self.options.max_associations {
            return None;
        }
        let number = table.next;
        table.next += 1;
        let alive = Instant::now();
        table.served.insert(number, Served { stream, alive });
        Some(number)
    }

    fn serve(&self, number: u64, stream: TcpStream, peer: SocketAddr, films: &Sender<String>) {
        let around = Around {
            options: self.options,
            spool: self.spool,
            new: &|instance| {
                // Nobody listens any more only when all ends, and the image is on the disk.
                let _ = films.send(instance);
            },
            tell: self.tell,
            alive: &|| {
                if let Some(served) = self.table().served.get_mut(&number) {
                    served.alive = Instant::now();
                }
            },
        };
        // A parser that falls over what one peer sends must not take the others with it. What was half received goes; what was taken
        // is on the disk.
        let ended = catch_unwind(AssertUnwindSafe(|| serve(&around, stream, peer)));
        self.table().served.remove(&number);
        match ended {
            Ok(None) => {}
            Ok(Some(error)) => self.report(peer, error),
            Err(_) => self.report(peer, "the parser failed on malformed input".to_owned()),
        }
    }

    fn turn_away(&self, stream: TcpStream) {
        turn_away(stream, self.options.max_pdu);
        self.turned_away.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends the connections of peers that have said nothing whole for so long: a byte now and then does not keep a place.
    fn hang_up(&self, after: Duration) {
        for served in self.table().served.values() {
            if served.alive.elapsed() >= after {
                // Its thread ends as soon as it reads or writes.
                let _ = served.stream.shutdown(Shutdown::Both);
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A thread that fell over has changed nothing halfway.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, peer: SocketAddr, error: String) {
        (self.tell)(Event::Association { peer, error });
    }
}
