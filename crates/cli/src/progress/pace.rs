//! How long it will still take.

use std::time::Duration;

/// What is left, as far as it went so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    /// Of the epoch's training steps.
    pub epoch: Duration,
    /// Of the whole run, val of each epoch included; less if it stops early.
    pub run: Duration,
}

/// Follows steps and epochs. All times are since some fixed beginning.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the first step seen of this epoch ended, and which it was.
    first: Option<(Duration, u64)>,
    /// Epoch, epochs, step, steps and time of the last step.
    last: Option<(u64, u64, u64, u64, Duration)>,
    /// Seconds of the whole epochs so far, val included, and of their steps alone.
    whole: Vec<f64>,
    steps_alone: Option<f64>,
}

impl Pace {
    pub fn step(&mut self, (epoch, epochs): (u64, u64), (step, steps): (u64, u64), now: Duration) {
        let same = self.last.is_some_and(|(last, ..)| last == epoch);
        if !same || self.first.is_none() {
            self.first = Some((now, step));
        }
        self.last = Some((epoch, epochs, step, steps, now));
    }

    /// An epoch that took this many seconds was judged.
    pub fn epoch(&mut self, seconds: f64) {
        self.whole.push(seconds);
        self.steps_alone = self.step_seconds().map(|(step, steps)| step * steps as f64);
    }

    /// `None` before the second step.
    pub fn left(&self, now: Duration) -> Option<Left> {
        let (epoch, epochs, step, steps, at) = self.last?;
        // Two steps of the very first epoch, or a whole epoch before: then there is something to go by.
        let (a_step, _) = self
            .step_seconds()
            .or_else(|| Some((self.steps_alone? / steps as f64, steps)))?;
        let since = now.saturating_sub(at).as_secs_f64();
        let in_epoch = (a_step * (steps - step.min(steps)) as f64 - since).max(0.0);
        let val = match (self.whole.last(), self.steps_alone) {
            (Some(whole), Some(alone)) => (whole - alone).max(0.0),
            _ => 0.0,
        };
        let an_epoch = match self.whole.as_slice() {
            [] => a_step * steps as f64,
            // The latest alone: a machine that was busy an hour ago says nothing of the hours to come.
            [.., last] => *last,
        };
        let run = in_epoch + val + an_epoch * epochs.saturating_sub(epoch) as f64;
        Some(Left {
            epoch: seconds(in_epoch),
            run: seconds(run),
        })
    }

    /// Seconds a step in this epoch, and steps an epoch.
    fn step_seconds(&self) -> Option<(f64, u64)> {
        let (first, first_step) = self.first?;
        let (_, _, step, steps, at) = self.last?;
        let taken = step.checked_sub(first_step).filter(|taken| *taken > 0)?;
        Some((at.saturating_sub(first).as_secs_f64() / taken as f64, steps))
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// `0:07`, `12:34`, `1:02:03`; days are hours.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_left_of_epoch_and_run() {
        let mut pace = Pace::default();
        assert_eq!(pace.left(at(0)), None);
        pace.step((1, 3), (1, 10), at(5));
        assert_eq!(pace.left(at(5)), None, "the first step tells nothing yet");
        pace.step((1, 3), (2, 10), at(7));
        // Eight steps of two seconds, then two epochs of twenty.
        let left = pace.left(at(7)).expect("known");
        assert_eq!((left.epoch, left.run), (at(16), at(56)));
        // The clock goes on between steps, but never below nothing.
        assert_eq!(pace.left(at(9)).expect("known").epoch, at(14));
        assert_eq!(pace.left(at(999)).expect("known").epoch, at(0));
        for step in 3..=10 {
            pace.step((1, 3), (step, 10), at(3 + 2 * step));
        }
        // An epoch took 30 s with val, which is 10 s beside its steps.
        pace.epoch(30.0);
        pace.step((2, 3), (1, 10), at(40));
        let left = pace.left(at(40)).expect("known");
        assert_eq!((left.epoch, left.run), (at(18), at(18 + 10 + 30)));
    }

    #[test]
    fn clocks() {
        for (seconds, text) in [
            (0, "0:00"),
            (754, "12:34"),
            (3723, "1:02:03"),
            (360_000, "100:00:00"),
        ] {
            assert_eq!(clock(at(seconds)), text);
        }
    }
}
