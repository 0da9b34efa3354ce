//! Who is alive: every rank counts up a key in the store from a thread of its own, and reads the others' when it waits in vain.
//!
//! gloo itself names a connection, not a rank, and says nothing at all to ranks that were not talking to the dead one.

use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::CollectiveError;
use crate::ffi::Store;

/// The key under which the first to know leaves who is to blame, so that all say the same.
const VERDICT: &str = "verdict";

/// How often a rank writes, and how long it may be silent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) beat: Duration,
    pub(crate) silence: Duration,
}

impl Timing {
    /// A quarter of the operation's timeout of silence, at most 30 s, is death; ten beats fall into it, or one a second.
    pub(crate) fn of(timeout: Duration) -> Self {
        let silence = (timeout / 4).min(Duration::from_secs(30));
        Self {
            beat: (silence / 10).min(Duration::from_secs(1)),
            silence,
        }
    }

    /// How long after an operation has failed the cause is looked for.
    fn patience(self) -> Duration {
        self.silence + self.beat * 5
    }
}

/// Who ended the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Killed, crashed or cut off.
    Dead { ranks: Vec<usize>, why: String },
    /// Went away in good order, too early.
    Left { ranks: Vec<usize> },
    /// The store does not answer.
    StoreGone { message: String },
}

impl Finding {
    fn encode(&self) -> Option<String> {
        let (word, ranks, why) = match self {
            Self::Dead { ranks, why } => ("dead", ranks, why.as_str()),
            Self::Left { ranks } => ("left", ranks, ""),
            Self::StoreGone { .. } => return None,
        };
        let ranks: Vec<String> = ranks.iter().map(ToString::to_string).collect();
        Some(format!("{word} {} {why}", ranks.join(",")))
    }

    fn decode(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let word = words.next()?;
        let ranks = words.next()?.split(',').map(str::parse);
        let ranks = ranks.collect::<Result<Vec<usize>, _>>().ok()?;
        let why = words.next().unwrap_or_default().to_owned();
        match word {
            "dead" => Some(Self::Dead { ranks, why }),
            "left" => Some(Self::Left { ranks }),
            _ => None,
        }
    }
}

/// What another rank wrote last.
struct PeerState {
    value: Vec<u8>,
    /// When the value was first seen.
    since: Instant,
    /// How many operations it has begun.
    begun: u64,
    left: bool,
}

#[derive(Default)]
struct Monitor {
    /// An operation takes longer than a beat: read the others too.
    watch: bool,
    leave: bool,
    /// In order of rank; empty unless watching.
    peers: Vec<PeerState>,
    verdict: Option<Finding>,
    /// When the store answered last.
    answered: Option<Instant>,
    /// The thread has ended.
    ended: bool,
}

struct Shared {
    rank: usize,
    timing: Timing,
    begun: AtomicU64,
    monitor: Mutex<Monitor>,
    bell: Condvar,
}

impl Shared {
    fn monitor(&self) -> MutexGuard<'_, Monitor> {
        // The monitor is whole between any two statements; a panic elsewhere does not spoil it.
        self.monitor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This process's heartbeat and its ear for the others'.
pub(crate) struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Writes the first beat, and starts the thread that writes the others through `store`, a connection of its own. `host`: this
    /// process serves the store, so it goes last.
    pub(crate) fn start(
        store: Store,
        rank: usize,
        world_size: usize,
        timing: Timing,
        host: bool,
    ) -> Result<Result<Self, CollectiveError>, String> {
        store.set(&key(rank), b"0 0 +")?;
        let shared = Arc::new(Shared {
            rank,
            timing,
            begun: AtomicU64::new(0),
            monitor: Mutex::default(),
            bell: Condvar::new(),
        });
        let mut beating = Beating {
            // Invariant: a rank's key holds no NUL.
            keys: (0..world_size)
                .filter_map(|rank| CString::new(key(rank)).ok())
                .collect(),
            shared: Arc::clone(&shared),
            store,
            count: 0,
        };
        let thread = std::thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || beating.run(host));
        Ok(match thread {
            Ok(thread) => Ok(Self {
                shared,
                thread: Some(thread),
            }),
            Err(source) => Err(CollectiveError::Thread { source }),
        })
    }

    pub(crate) fn timing(&self) -> Timing {
        self.shared.timing
    }

    /// Counts an operation and gives its number, from 1.
    pub(crate) fn begin(&self) -> u64 {
        self.shared.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Reads the others from now on, or no longer.
    pub(crate) fn watch(&self, on: bool) {
        let mut monitor = self.shared.monitor();
        if monitor.watch != on {
            monitor.watch = on;
            monitor.peers.clear();
            monitor.answered = Some(Instant::now());
            self.shared.bell.notify_all();
        }
    }

    /// Who keeps operation `number` from ending, as far as is known now.
    pub(crate) fn finding(&self, number: u64) -> Option<Finding> {
        let monitor = self.shared.monitor();
        self.find(&monitor, |peer| peer.begun < number)
    }

    /// Waits for the cause of a failure to show. `None`: every rank is alive.
    pub(crate) fn diagnose(&self) -> Option<Finding> {
        self.watch(true);
        let end = Instant::now() + self.shared.timing.patience();
        let mut monitor = self.shared.monitor();
        loop {
            if let Some(finding) = self.find(&monitor, |_| true) {
                return Some(finding);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let wait = left.min(self.shared.timing.beat);
            let waited = self.shared.bell.wait_timeout(monitor, wait);
            monitor = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ranks that have not begun operation `number`.
    pub(crate) fn behind(&self, number: u64) -> Vec<usize> {
        let monitor = self.shared.monitor();
        let late = |(rank, peer): (usize, &PeerState)| (peer.begun < number).then_some(rank);
        let mine = self.shared.rank;
        let late = monitor.peers.iter().enumerate().filter_map(late);
        late.filter(|&rank| rank != mine).collect()
    }

    fn find(&self, monitor: &Monitor, counts: impl Fn(&PeerState) -> bool) -> Option<Finding> {
        if let Some(finding) = &monitor.verdict {
            return Some(finding.clone());
        }
        let silence = self.shared.timing.silence;
        if let Some(answered) = monitor.answered
            && monitor.watch
            && answered.elapsed() > silence
        {
            let message = format!("no answer for {:.1} s", answered.elapsed().as_secs_f64());
            return Some(Finding::StoreGone { message });
        }
        let ranks: Vec<usize> = (monitor.peers.iter().enumerate())
            .filter(|(rank, peer)| *rank != self.shared.rank && peer.left && counts(peer))
            .map(|(rank, _)| rank)
            .collect();
        (!ranks.is_empty()).then_some(Finding::Left { ranks })
    }

    /// Leaves what was found for the others, says goodbye, and ends the thread.
    pub(crate) fn leave(&mut self, found: Option<Finding>) {
        let mut monitor = self.shared.monitor();
        if monitor.verdict.is_none() {
            monitor.verdict = found;
        }
        monitor.leave = true;
        self.shared.bell.notify_all();
        // A thread that hangs in a connection to a vanished machine is left behind, at once where that is known.
        let timing = self.shared.timing;
        let hangs = (monitor.answered).is_some_and(|answered| answered.elapsed() > timing.silence);
        let patience = if hangs {
            timing.beat
        } else {
            timing.patience() * 2
        };
        let end = Instant::now() + patience;
        while !monitor.ended && Instant::now() < end {
            let waited = self.shared.bell.wait_timeout(monitor, timing.beat);
            monitor = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let ended = monitor.ended;
        drop(monitor);
        if let Some(thread) = self.thread.take().filter(|_| ended) {
            // It has nothing left to do; its panic, if any, would be a bug that the missing goodbye already tells.
            let _ = thread.join();
        }
    }
}

fn key(rank: usize) -> String {
    format!("alive/{rank}")
}

/// The thread's side.
struct Beating {
    shared: Arc<Shared>,
    store: Store,
    keys: Vec<CString>,
    count: u64,
}

/// Says that the thread has ended, however it did.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.monitor().ended = true;
        self.0.bell.notify_all();
    }
}

impl Beating {
    fn run(&mut self, host: bool) {
        let _end = End(Arc::clone(&self.shared));
        loop {
            let (watch, leave) = {
                let monitor = self.shared.monitor();
                (monitor.watch, monitor.leave)
            };
            if let Err(message) = self.beat(watch, leave) {
                let mut monitor = self.shared.monitor();
                if monitor.verdict.is_none() {
                    monitor.verdict = Some(Finding::StoreGone { message });
                }
                return;
            }
            if leave {
                break;
            }
            let monitor = self.shared.monitor();
            if monitor.leave == leave && monitor.watch == watch {
                let beat = self.shared.timing.beat;
                drop(self.shared.bell.wait_timeout(monitor, beat));
            }
        }
        if host {
            self.linger();
        }
    }

    /// Writes this rank's beat, reads the others' when asked, then the verdict: a rank that leaves has written it before.
    fn beat(&mut self, watch: bool, leave: bool) -> Result<(), String> {
        self.count += 1;
        let begun = self.shared.begun.load(Ordering::Relaxed);
        if leave {
            let found = self
                .shared
                .monitor()
                .verdict
                .as_ref()
                .and_then(Finding::encode);
            if let Some(found) = found {
                self.store.set_once(VERDICT, found.as_bytes())?;
            }
        }
        let state = if leave { '-' } else { '+' };
        let value = format!("{} {begun} {state}", self.count);
        self.store.set(&key(self.shared.rank), value.as_bytes())?;
        let values = if watch {
            Some(self.store.get_many(&self.keys)?)
        } else {
            None
        };
        let verdict = if self.store.has(VERDICT)? {
            Finding::decode(&String::from_utf8_lossy(&self.store.get(VERDICT)?))
        } else {
            None
        };
        let mut monitor = self.shared.monitor();
        monitor.answered = Some(Instant::now());
        if monitor.verdict.is_none() {
            monitor.verdict = verdict;
        }
        if let Some(values) = values.filter(|_| monitor.watch) {
            listen(&mut monitor.peers, values);
            let silent = self.silent(&monitor.peers);
            if monitor.verdict.is_none() && !silent.is_empty() {
                let silence = self.shared.timing.silence.as_secs_f64();
                let found = Finding::Dead {
                    ranks: silent,
                    why: format!("no heartbeat for {silence:.1} s"),
                };
                if let Some(text) = found.encode() {
                    drop(monitor);
                    self.store.set_once(VERDICT, text.as_bytes())?;
                    monitor = self.shared.monitor();
                }
                monitor.verdict = Some(found);
            }
        }
        drop(monitor);
        self.shared.bell.notify_all();
        Ok(())
    }

    fn silent(&self, peers: &[PeerState]) -> Vec<usize> {
        let silence = self.shared.timing.silence;
        (peers.iter().enumerate())
            .filter(|(rank, peer)| {
                *rank != self.shared.rank && !peer.left && peer.since.elapsed() >= silence
            })
            .map(|(rank, _)| rank)
            .collect()
    }

    /// Keeps the store up until the others have left too, or are silent.
    fn linger(&mut self) {
        let end = Instant::now() + self.shared.timing.patience();
        let mut peers = Vec::new();
        while Instant::now() < end {
            let Ok(values) = self.store.get_many(&self.keys) else {
                return;
            };
            listen(&mut peers, values);
            let silent = self.silent(&peers);
            let gone = |(rank, peer): (usize, &PeerState)| peer.left || silent.contains(&rank);
            if peers.iter().enumerate().all(gone) {
                return;
            }
            std::thread::sleep(self.shared.timing.beat.min(Duration::from_millis(50)));
        }
    }
}

/// Takes the values in, and remembers since when each has stood still.
fn listen(peers: &mut Vec<PeerState>, values: Vec<Vec<u8>>) {
    for (rank, value) in values.into_iter().enumerate() {
        if peers.get(rank).is_some_and(|peer| peer.value == value) {
            continue;
        }
        let text = String::from_utf8_lossy(&value).into_owned();
        let mut words = text.split(' ').skip(1);
        let peer = PeerState {
            value,
            since: Instant::now(),
            begun: words.next().and_then(|word| word.parse().ok()).unwrap_or(0),
            left: words.next() == Some("-"),
        };
        match peers.get_mut(rank) {
            Some(place) => *place = peer,
            None => peers.push(peer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_survives_the_store() {
        for finding in [
            Finding::Dead {
                ranks: vec![1, 12],
                why: "no heartbeat for 5.0 s".to_owned(),
            },
            Finding::Left { ranks: vec![0] },
        ] {
            let text = finding.encode().unwrap();
            assert_eq!(Finding::decode(&text), Some(finding));
        }
        assert_eq!(Finding::decode("dead one why"), None);
        assert_eq!(Finding::decode(""), None);
    }

    #[test]
    fn death_is_noticed_well_within_the_timeout() {
        for seconds in [2, 10, 60, 1800] {
            let timeout = Duration::from_secs(seconds);
            let timing = Timing::of(timeout);
            assert!(timing.beat * 10 <= timing.silence, "{timing:?}");
            assert!(timing.patience() * 2 <= timeout, "{timing:?}");
        }
    }

    #[test]
    fn a_pulse_that_changes_is_heard_and_one_that_stands_still_keeps_its_time() {
        let mut peers = Vec::new();
        listen(&mut peers, vec![b"1 0 +".to_vec(), b"7 3 +".to_vec()]);
        let since = peers[1].since;
        listen(&mut peers, vec![b"2 4 -".to_vec(), b"7 3 +".to_vec()]);
        assert!(peers[0].left && peers[0].begun == 4);
        assert!(!peers[1].left && peers[1].begun == 3);
        assert_eq!(peers[1].since, since);
    }
}
