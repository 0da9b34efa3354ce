//! Other programs on the same cores: whether they had them while something was computed, and making room for them.
//!
//! libtorch's threads wait for each other after each part of a network, and spin while they wait. Two programs that both take all cores keep each
//! other's threads from running, and spend their time spinning: many times as long together as one after the other. On fewer threads each they lose
//! nothing.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Above this part of the time the threads waited too long for what was timed to be believed.
const TOO_BUSY: f64 = 0.1;
/// Above this part there are as many others as would have two programs wait for each other's threads; a program now and then is none.
const CROWDED: f64 = 0.2;
/// Computing is looked at in pieces of so long at least: the system counts in hundredths of a second.
const PIECE: Duration = Duration::from_millis(150);
/// Where there was a pause of so long, what was seen before it says nothing of what comes.
const PAUSE: Duration = Duration::from_millis(100);
/// All threads are tried again after so long, and after twice as long each time that it was too early.
const RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_mins(1);

/// Looks at who has the processors, from its making on.
#[derive(Debug)]
pub struct Waiting {
    waited: Option<u64>,
    others: Option<u64>,
    start: Instant,
}

impl Waiting {
    /// Whether threads that waited so long, as [`Waiting::share`] gives it, were kept from running too often for what was timed to be
    /// believed: for more than a tenth of the time, or than the environment's `OSTEON_BUSY_LIMIT` says, 0..=1.
    #[must_use]
    pub fn is_too_long(share: f64) -> bool {
        let said = std::env::var("OSTEON_BUSY_LIMIT").ok();
        share > said.and_then(|text| text.parse().ok()).unwrap_or(TOO_BUSY)
    }

    /// Begins to look.
    #[must_use]
    pub fn start() -> Self {
        Self {
            waited: waited(),
            others: others(),
            start: Instant::now(),
        }
    }

    /// The part of the time in which `threads` threads of this program could have run and had no processor, since other programs had it, 0..=1;
    /// `None` where the system does not tell.
    #[must_use]
    pub fn share(&self, threads: usize) -> Option<f64> {
        let time = self.start.elapsed().as_secs_f64().max(1e-9) * threads.max(1) as f64;
        let part = |now: u64, then: u64| (now.saturating_sub(then) as f64 / 1e9 / time).min(1.0);
        let waited = part(waited()?, self.waited?);
        // Threads of one program wait for each other, too: they never wait for others longer than those computed.
        Some(waited.min(part(others()?, self.others?)))
    }
}

/// Nanoseconds that this process's threads have waited for a processor, as Linux counts them.
fn waited() -> Option<u64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let mut sum = None;
    for thread in threads.flatten() {
        // A thread may end between the two looks.
        let Ok(text) = std::fs::read_to_string(thread.path().join("schedstat")) else {
            continue;
        };
        let waited: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
        sum = Some(sum.unwrap_or(0) + waited);
    }
    sum
}

/// Nanoseconds that all processors have computed for other programs, in steps of a hundredth of a second.
fn others() -> Option<u64> {
    let all = std::fs::read_to_string("/proc/stat").ok()?;
    let own = std::fs::read_to_string("/proc/self/stat").ok()?;
    let count = |text: &str| text.parse::<u64>().ok();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let numbers: Vec<u64> = all
        .lines()
        .next()?
        .split_whitespace()
        .skip(1)
        .map_while(count)
        .collect();
    let busy: u64 = numbers.iter().take(8).sum::<u64>() - numbers.get(3)? - numbers.get(4)?;
    // Behind the program's name, which may hold spaces: utime and stime are the 12th and 13th.
    let mut fields = own.rsplit_once(')')?.1.split_whitespace().skip(11);
    let own = count(fields.next()?)? + count(fields.next()?)?;
    Some(busy.saturating_sub(own) * 10_000_000)
}

thread_local! {
    /// Until when a thread's last [`Sharing`] would have computed alone, and for how long the next time: an evaluation has several of them, one after
    /// the other, and each would have to find out anew.
    static LAST: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Sets how many threads libtorch has for what this thread computes.
///
/// A thread's first look at its number takes the one that any thread of the process set last, whatever was set for this one before. So it is made to
/// look before the number is set.
pub fn set_threads(threads: i32) {
    let _ = tch::get_num_threads();
    tch::set_num_threads(threads);
}

/// Chooses how many threads libtorch has for what one thread of this program computes: all, or one while other programs have the cores. Dropped,
/// it leaves all.
///
/// Not for training: how many threads add up a gradient may decide its last bit.
#[derive(Debug)]
pub struct Sharing {
    /// Part of the time above which there are too many others.
    crowded: f64,
    all: i32,
    piece: Option<Piece>,
    /// While it computes on one thread: until when.
    alone: Option<Instant>,
    retry: Duration,
}

#[derive(Debug)]
struct Piece {
    waiting: Waiting,
    begun: Instant,
    ended: Instant,
}

impl Sharing {
    /// Begins with as many threads as libtorch has now, or with one, if the one before on this thread ended so not long ago.
    #[must_use]
    pub fn new() -> Self {
        let all = tch::get_num_threads();
        let last = LAST
            .take()
            .filter(|(until, _)| all > 1 && Instant::now() < *until);
        if last.is_some() {
            set_threads(1);
        }
        Self {
            crowded: if std::env::var_os("OSTEON_KEEP_THREADS").is_some() {
                f64::INFINITY
            } else {
                CROWDED
            },
            all,
            piece: None,
            alone: last.map(|(until, _)| until),
            retry: last.map_or(RETRY, |(_, retry)| retry),
        }
    }

    /// Computes something, and looks what it cost.
    pub fn run<T>(&mut self, compute: impl FnOnce() -> T) -> T {
        if self.all <= 1 {
            return compute();
        }
        let begun = Instant::now();
        if self.alone.is_some_and(|until| begun >= until) {
            self.alone = None;
            set_threads(self.all);
        }
        if self.alone.is_some() {
            return compute();
        }
        let mut piece = self
            .piece
            .take()
            .filter(|piece| begun - piece.ended < PAUSE)
            .unwrap_or_else(|| Piece {
                waiting: Waiting::start(),
                begun,
                ended: begun,
            });
        let computed = compute();
        piece.ended = Instant::now();
        if piece.ended - piece.begun < PIECE {
            self.piece = Some(piece);
        } else {
            self.look(
                piece.waiting.share(self.all.unsigned_abs() as usize),
                piece.ended,
            );
        }
        computed
    }

    fn look(&mut self, share: Option<f64>, now: Instant) {
        if share.is_some_and(|share| share > self.crowded) {
            self.alone = Some(now + self.retry);
            self.retry = (2 * self.retry).min(LONGEST_RETRY);
            set_threads(1);
        } else {
            self.retry = RETRY;
        }
    }
}

impl Default for Sharing {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        if let Some(until) = self.alone {
            set_threads(self.all);
            LAST.set(Some((until, self.retry)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_the_system_counts_is_found() {
        if waited().is_none() {
            println!("skipped: this kernel does not count how long threads wait");
            return;
        }
        let (before, waiting) = (others().expect("told"), Waiting::start());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        assert!(others().expect("told") >= before.saturating_sub(20_000_000));
        let share = waiting.share(1).expect("told before");
        assert!((0.0..=1.0).contains(&share), "{share}");
    }

    #[test]
    fn room_is_made_for_so_long_as_others_need_it() {
        let mut sharing = Sharing {
            all: 4,
            crowded: CROWDED,
            piece: None,
            alone: None,
            retry: RETRY,
        };
        let now = Instant::now();
        sharing.look(Some(0.02), now);
        sharing.look(None, now);
        assert!(sharing.alone.is_none());
        sharing.look(Some(0.4), now);
        assert_eq!(sharing.alone, Some(now + RETRY));
        // Too early: longer the next time, but never for ever.
        sharing.look(Some(0.4), now);
        assert_eq!(sharing.alone, Some(now + 2 * RETRY));
        for _ in 0..20 {
            sharing.look(Some(0.4), now);
        }
        assert_eq!(sharing.alone, Some(now + LONGEST_RETRY));
        sharing.look(Some(0.0), now);
        assert_eq!(sharing.retry, RETRY);
        sharing.alone = None;
    }

    #[test]
    fn a_new_thread_keeps_the_number_that_was_set_for_it() {
        let (set, was_set) = std::sync::mpsc::channel();
        let (other, other_set) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            set_threads(3);
            set.send(()).expect("heard");
            other_set.recv().expect("set");
            tch::get_num_threads()
        });
        was_set.recv().expect("set");
        std::thread::spawn(|| set_threads(1)).join().expect("ends");
        other.send(()).expect("heard");
        assert_eq!(thread.join().expect("ends"), 3);
    }

    #[test]
    fn what_one_has_found_the_next_on_its_thread_knows() {
        std::thread::spawn(|| {
            set_threads(3);
            let mut first = Sharing::new();
            // Whatever the environment says.
            first.crowded = CROWDED;
            first.look(Some(0.9), Instant::now());
            assert_eq!(tch::get_num_threads(), 1);
            drop(first);
            assert_eq!(tch::get_num_threads(), 3);
            let second = Sharing::new();
            assert!(second.alone.is_some() && second.retry == 2 * RETRY);
            assert_eq!(tch::get_num_threads(), 1);
            drop(second);
            assert_eq!(tch::get_num_threads(), 3);
            // Whoever keeps the threads keeps them here, too, once the time is over.
            LAST.set(Some((Instant::now(), RETRY)));
            assert!(Sharing::new().alone.is_none());
        })
        .join()
        .expect("ends");
    }
}
