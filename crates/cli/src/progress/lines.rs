//! Where there is no terminal: a plain line whenever nothing was said for a while, so that a log tells how far a long epoch is.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::pace::{Pace, clock};

/// At least so often there is a line.
pub const EVERY: Duration = Duration::from_secs(30);

/// What is being done.
pub enum Doing {
    Starting,
    /// Of a split, counted by a bar that nobody sees.
    Reading(String, ProgressBar),
    Step {
        /// Which, and of how many.
        epoch: (u64, u64),
        step: (u64, u64),
        loss: f64,
        images_per_second: f64,
    },
}

struct State {
    doing: Doing,
    pace: Pace,
    start: Instant,
    said: Instant,
    over: bool,
}

impl State {
    fn line(&self, now: Instant) -> String {
        match &self.doing {
            Doing::Starting => "getting ready".to_owned(),
            Doing::Reading(what, bar) => {
                let (done, all) = (bar.position(), bar.length().unwrap_or_default());
                format!("reading {what}: {done} of {all} images")
            }
            Doing::Step {
                epoch: (epoch, epochs),
                step: (step, steps),
                loss,
                images_per_second,
            } => {
                let left = self.pace.left(now - self.start);
                let left = left.map_or_else(String::new, |left| {
                    format!("  {} left, run {}", clock(left.epoch), clock(left.run))
                });
                let judging = if step == steps {
                    "  judging on val"
                } else {
                    ""
                };
                format!(
                    "epoch {epoch:>3}/{epochs}  step {step}/{steps}  loss {loss:.4}  {images_per_second:.1} img/s{left}{judging}"
                )
            }
        }
    }
}

type Shared = (Mutex<State>, Condvar);

/// A thread that says the line; it ends with this.
pub struct Lines {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Lines {
    /// `say` gets a line at the latest `every` after the last.
    pub fn start(every: Duration, say: impl Fn(&str) + Send + 'static) -> Self {
        let now = Instant::now();
        let state = State {
            doing: Doing::Starting,
            pace: Pace::default(),
            start: now,
            said: now,
            over: false,
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("progress".to_owned());
        // Without a thread to be had there are only the other lines.
        let thread = thread.spawn(move || run(&of_thread, every, &say)).ok();
        Self { shared, thread }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something else was said just now.
    pub fn said(&self) {
        self.state().said = Instant::now();
    }

    pub fn doing(&self, doing: Doing) {
        let mut state = self.state();
        if let Doing::Step { epoch, step, .. } = doing {
            let now = state.start.elapsed();
            state.pace.step(epoch, step, now);
        }
        state.doing = doing;
    }

    /// An epoch took this many seconds, val included.
    pub fn epoch(&self, seconds: f64) {
        self.state().pace.epoch(seconds);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.state().over = true;
        self.shared.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of it was told when it happened.
            let _ = thread.join();
        }
    }
}

fn run((state, ended): &Shared, every: Duration, say: &impl Fn(&str)) {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    while !state.over {
        let now = Instant::now();
        let due = state.said + every;
        if now >= due {
            say(&state.line(now));
            state.said = now;
            continue;
        }
        (state, _) = ended
            .wait_timeout(state, due - now)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn step(step: u64) -> Doing {
        Doing::Step {
            epoch: (2, 9),
            step: (step, 450),
            loss: 0.31,
            images_per_second: 3.5,
        }
    }

    #[test]
    fn a_long_epoch_says_how_far_it_is() {
        let (send, lines) = channel();
        let watch = Lines::start(Duration::from_millis(20), move |line| {
            let _ = send.send(line.to_owned());
        });
        let wait = Duration::from_mins(1);
        assert_eq!(lines.recv_timeout(wait).expect("a line"), "getting ready");
        watch.doing(step(12));
        let end = Instant::now() + wait;
        while Instant::now() < end {
            let line = lines.recv_timeout(wait).expect("a line");
            if line != "getting ready" {
                assert_eq!(line, "epoch   2/9  step 12/450  loss 0.3100  3.5 img/s");
                break;
            }
        }
        drop(watch);
        while lines.try_recv().is_ok() {}
        assert!(lines.recv().is_err(), "it ended");
    }

    #[test]
    fn time_left_judging_and_reading() {
        let start = Instant::now();
        let mut state = State {
            doing: step(450),
            pace: Pace::default(),
            start,
            said: start,
            over: false,
        };
        state.pace.step((2, 9), (448, 450), Duration::from_secs(6));
        state.pace.step((2, 9), (450, 450), Duration::from_secs(10));
        let line = state.line(start + Duration::from_secs(11));
        assert!(line.contains("0:00 left, run 1:45:00"), "{line}");
        assert!(line.ends_with("judging on val"), "{line}");
        let bar = ProgressBar::hidden();
        bar.set_length(80);
        bar.set_position(7);
        state.doing = Doing::Reading("train".to_owned(), bar);
        assert_eq!(state.line(start), "reading train: 7 of 80 images");
    }
}
