//! Bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use osteon_train::{Event, Observer};

use super::lines::{Doing, EVERY, Lines};
use super::pace::{Pace, clock};
use super::words::words;

const COUNTING: &str = "{prefix:>12} {wide_bar:.cyan/dim} {pos}/{len}  {msg}  {eta:>4}";
const TRAINING: &str = "{prefix:>12} {wide_bar:.cyan/dim} {pos}/{len}  {msg}";

/// A bar that counts to `total`; draws nothing where stderr is no terminal.
pub fn bar(what: &str, total: usize) -> ProgressBar {
    bar_as(COUNTING, what, total)
}

fn bar_as(template: &str, what: &str, total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64).with_prefix(what.to_owned());
    // Invariant: the templates are constants, and right.
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style)
}

/// Draws a training run.
pub struct TrainProgress {
    bar: ProgressBar,
    epochs: u64,
    start: Instant,
    pace: Pace,
    /// Where stderr is no terminal, in place of the bar.
    lines: Option<Lines>,
}

impl TrainProgress {
    pub fn new(epochs: u64) -> Self {
        let plain = !std::io::stderr().is_terminal();
        Self {
            lines: plain.then(|| Lines::start(EVERY, |line| eprintln!("{line}"))),
            bar: ProgressBar::hidden(),
            epochs,
            start: Instant::now(),
            pace: Pace::default(),
        }
    }

    fn say(&self, text: &str) {
        // Above the bar on a terminal, plainly elsewhere.
        self.bar.suspend(|| eprintln!("{text}"));
        if let Some(lines) = &self.lines {
            lines.said();
        }
    }

    /// Tells the thread that says where the run is.
    fn follow(&self, event: &Event<'_>) {
        let Some(lines) = &self.lines else { return };
        match event {
            Event::Reading { split, .. } => {
                lines.doing(Doing::Reading(split.to_string(), self.bar.clone()));
            }
            Event::Read { .. } => lines.doing(Doing::Starting),
            Event::Step {
                epoch,
                epochs,
                step,
                steps,
                loss,
                images_per_second,
            } => lines.doing(Doing::Step {
                epoch: (*epoch, *epochs),
                step: (*step, *steps),
                loss: *loss,
                images_per_second: *images_per_second,
            }),
            Event::Epoch(record) => lines.epoch(record.seconds),
            _ => {}
        }
    }
}

impl Drop for TrainProgress {
    fn drop(&mut self) {
        // A run that ends in the middle of an epoch leaves no half bar under what is said next.
        self.bar.finish_and_clear();
    }
}

impl Observer for TrainProgress {
    fn on(&mut self, event: &Event<'_>) {
        let now = self.start.elapsed();
        let mut left = String::new();
        match event {
            Event::Reading { split, films } => self.bar = bar(&format!("reading {split}"), *films),
            Event::Read { .. } => self.bar.finish_and_clear(),
            Event::Step {
                epoch,
                epochs,
                step,
                steps,
                loss,
                images_per_second,
                ..
            } => {
                // A resumed run may begin in the middle of an epoch.
                if *step == 1 || self.bar.is_finished() || self.bar.length() != Some(*steps) {
                    let what = format!("epoch {epoch}/{epochs}");
                    self.bar = bar_as(TRAINING, &what, *steps as usize);
                    self.bar.enable_steady_tick(Duration::from_millis(500));
                }
                self.epochs = *epochs;
                self.pace.step((*epoch, *epochs), (*step, *steps), now);
                self.bar.set_position(*step);
                let left = self.pace.left(now).map_or_else(String::new, |left| {
                    format!("  {} left, run {}", clock(left.epoch), clock(left.run))
                });
                self.bar.set_message(format!(
                    "loss {loss:.4}  {images_per_second:.0} img/s{left}"
                ));
            }
            Event::Tried {
                step,
                steps,
                lr,
                loss,
            } => {
                if *step == 1 {
                    self.bar = bar("steps", *steps);
                }
                self.bar.set_position(*step as u64);
                self.bar.set_message(format!("lr {lr:.1e}  loss {loss:.4}"));
            }
            Event::Epoch(record) => {
                self.bar.finish_and_clear();
                self.pace.epoch(record.seconds);
                if let Some(time) = self.pace.left(now).filter(|_| record.epoch < self.epochs) {
                    left = format!("  {} left", clock(time.run));
                }
            }
            _ => {}
        }
        self.follow(event);
        for line in words(event, self.epochs) {
            self.say(&format!("{line}{left}"));
        }
    }

    fn film_read(&self) {
        self.bar.inc(1);
    }
}
