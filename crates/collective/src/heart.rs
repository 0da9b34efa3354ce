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
pub(crate) struct Rhythm {
    pub(crate) beat: Duration,
    pub(crate) silence: Duration,
}

impl Rhythm {
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
struct Pulse {
    value: Vec<u8>,
    /// When the value was first seen.
    since: Instant,
    /// How many operations it has begun.
    begun: u64,
    left: bool,
}

#[derive(Default)]
struct Mind {
    /// An operation takes longer than a beat: read the others too.
    watch: bool,
    leave: bool,
    /// In order of rank; empty unless watching.
    pulses: Vec<Pulse>,
    verdict: Option<Finding>,
    /// When the store answered last.
    answered: Option<Instant>,
    /// The thread has ended.
    ended: bool,
}

struct Shared {
    rank: usize,
    rhythm: Rhythm,
    begun: AtomicU64,
    mind: Mutex<Mind>,
    bell: Condvar,
}

impl Shared {
    fn mind(&self) -> MutexGuard<'_, Mind> {
        // The mind is whole between any two statements; a panic elsewhere does not spoil it.
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// This process's heartbeat and its ear for the others'.
pub(crate) struct Heart {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    /// Writes the first beat, and starts the thread that writes the others through `store`, a connection of its own. `host`: this
    /// process serves the store, so it goes last.
    pub(crate) fn start(
        store: Store,
        rank: usize,
        world_size: usize,
        rhythm: Rhythm,
        host: bool,
    ) -> Result<Result<Self, CollectiveError>, String> {
        store.set(&key(rank), b"0 0 +")?;
        let shared = Arc::new(Shared {
            rank,
            rhythm,
            begun: AtomicU64::new(0),
            mind: Mutex::default(),
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

    pub(crate) fn rhythm(&self) -> Rhythm {
        self.shared.rhythm
    }

    /// Counts an operation and gives its number, from 1.
    pub(crate) fn begin(&self) -> u64 {
        self.shared.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Reads the others from now on, or no longer.
    pub(crate) fn watch(&self, on: bool) {
        let mut mind = self.shared.mind();
        if mind.watch != on {
            mind.watch = on;
            mind.pulses.clear();
            mind.answered = Some(Instant::now());
            self.shared.bell.notify_all();
        }
    }

    /// Who keeps operation `number` from ending, as far as is known now.
    pub(crate) fn finding(&self, number: u64) -> Option<Finding> {
        let mind = self.shared.mind();
        self.find(&mind, |pulse| pulse.begun < number)
    }

    /// Waits for the cause of a failure to show. `None`: every rank is alive.
    pub(crate) fn diagnose(&self) -> Option<Finding> {
        self.watch(true);
        let end = Instant::now() + self.shared.rhythm.patience();
        let mut mind = self.shared.mind();
        loop {
            if let Some(finding) = self.find(&mind, |_| true) {
                return Some(finding);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let wait = left.min(self.shared.rhythm.beat);
            let waited = self.shared.bell.wait_timeout(mind, wait);
            mind = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ranks that have not begun operation `number`.
    pub(crate) fn behind(&self, number: u64) -> Vec<usize> {
        let mind = self.shared.mind();
        let late = |(rank, pulse): (usize, &Pulse)| (pulse.begun < number).then_some(rank);
        let mine = self.shared.rank;
        let late = mind.pulses.iter().enumerate().filter_map(late);
        late.filter(|&rank| rank != mine).collect()
    }

    fn find(&self, mind: &Mind, counts: impl Fn(&Pulse) -> bool) -> Option<Finding> {
        if let Some(finding) = &mind.verdict {
            return Some(finding.clone());
        }
        let silence = self.shared.rhythm.silence;
        if let Some(answered) = mind.answered
            && mind.watch
            && answered.elapsed() > silence
        {
            let message = format!("no answer for {:.1} s", answered.elapsed().as_secs_f64());
            return Some(Finding::StoreGone { message });
        }
        let ranks: Vec<usize> = (mind.pulses.iter().enumerate())
            .filter(|(rank, pulse)| *rank != self.shared.rank && pulse.left && counts(pulse))
            .map(|(rank, _)| rank)
            .collect();
        (!ranks.is_empty()).then_some(Finding::Left { ranks })
    }

    /// Leaves what was found for the others, says goodbye, and ends the thread.
    pub(crate) fn leave(&mut self, found: Option<Finding>) {
        let mut mind = self.shared.mind();
        if mind.verdict.is_none() {
            mind.verdict = found;
        }
        mind.leave = true;
        self.shared.bell.notify_all();
        // A thread that hangs in a connection to a vanished machine is left behind, at once where that is known.
        let rhythm = self.shared.rhythm;
        let hangs = (mind.answered).is_some_and(|answered| answered.elapsed() > rhythm.silence);
        let patience = if hangs {
            rhythm.beat
        } else {
            rhythm.patience() * 2
        };
        let end = Instant::now() + patience;
        while !mind.ended && Instant::now() < end {
            let waited = self.shared.bell.wait_timeout(mind, rhythm.beat);
            mind = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let ended = mind.ended;
        drop(mind);
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
        self.0.mind().ended = true;
        self.0.bell.notify_all();
    }
}

impl Beating {
    fn run(&mut self, host: bool) {
        let _end = End(Arc::clone(&self.shared));
        loop {
            let (watch, leave) = {
                let mind = self.shared.mind();
                (mind.watch, mind.leave)
            };
            if let Err(message) = self.beat(watch, leave) {
                let mut mind = self.shared.mind();
                if mind.verdict.is_none() {
                    mind.verdict = Some(Finding::StoreGone { message });
                }
                return;
            }
            if leave {
                break;
            }
            let mind = self.shared.mind();
            if mind.leave == leave && mind.watch == watch {
                let beat = self.shared.rhythm.beat;
                drop(self.shared.bell.wait_timeout(mind, beat));
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
                .mind()
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
        let mut mind = self.shared.mind();
        mind.answered = Some(Instant::now());
        if mind.verdict.is_none() {
            mind.verdict = verdict;
        }
        if let Some(values) = values.filter(|_| mind.watch) {
            listen(&mut mind.pulses, values);
            let silent = self.silent(&mind.pulses);
            if mind.verdict.is_none() && !silent.is_empty() {
                let silence = self.shared.rhythm.silence.as_secs_f64();
                let found = Finding::Dead {
                    ranks: silent,
                    why: format!("no heartbeat for {silence:.1} s"),
                };
                if let Some(text) = found.encode() {
                    drop(mind);
                    self.store.set_once(VERDICT, text.as_bytes())?;
                    mind = self.shared.mind();
                }
                mind.verdict = Some(found);
            }
        }
        drop(mind);
        self.shared.bell.notify_all();
        Ok(())
    }

    fn silent(&self, pulses: &[Pulse]) -> Vec<usize> {
        let silence = self.shared.rhythm.silence;
        (pulses.iter().enumerate())
            .filter(|(rank, pulse)| {
                *rank != self.shared.rank && !pulse.left && pulse.since.elapsed() >= silence
            })
            .map(|(rank, _)| rank)
            .collect()
    }

    /// Keeps the store up until the others have left too, or are silent.
    fn linger(&mut self) {
        let end = Instant::now() + self.shared.rhythm.patience();
        let mut pulses = Vec::new();
        while Instant::now() < end {
            let Ok(values) = self.store.get_many(&self.keys) else {
                return;
            };
            listen(&mut pulses, values);
            let silent = self.silent(&pulses);
            let gone = |(rank, pulse): (usize, &Pulse)| pulse.left || silent.contains(&rank);
            if pulses.iter().enumerate().all(gone) {
                return;
            }
            std::thread::sleep(self.shared.rhythm.beat.min(Duration::from_millis(50)));
        }
    }
}

/// Takes the values in, and remembers since when each has stood still.
fn listen(pulses: &mut Vec<Pulse>, values: Vec<Vec<u8>>) {
    for (rank, value) in values.into_iter().enumerate() {
        if pulses.get(rank).is_some_and(|pulse| pulse.value == value) {
            continue;
        }
        let text = String::from_utf8_lossy(&value).into_owned();
        let mut words = text.split(' ').skip(1);
        let pulse = Pulse {
            value,
            since: Instant::now(),
            begun: words.next().and_then(|word| word.parse().ok()).unwrap_or(0),
            left: words.next() == Some("-"),
        };
        match pulses.get_mut(rank) {
            Some(place) => *place = pulse,
            None => pulses.push(pulse),
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
            let rhythm = Rhythm::of(timeout);
            assert!(rhythm.beat * 10 <= rhythm.silence, "{rhythm:?}");
            assert!(rhythm.patience() * 2 <= timeout, "{rhythm:?}");
        }
    }

    #[test]
    fn a_pulse_that_changes_is_heard_and_one_that_stands_still_keeps_its_time() {
        let mut pulses = Vec::new();
        listen(&mut pulses, vec![b"1 0 +".to_vec(), b"7 3 +".to_vec()]);
        let since = pulses[1].since;
        listen(&mut pulses, vec![b"2 4 -".to_vec(), b"7 3 +".to_vec()]);
        assert!(pulses[0].left && pulses[0].begun == 4);
        assert!(!pulses[1].left && pulses[1].begun == 3);
        assert_eq!(pulses[1].since, since);
    }
}
