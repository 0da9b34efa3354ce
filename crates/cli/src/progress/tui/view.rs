//! What the dashboard knows of a run. Made of the run's events alone; draws nothing.

use std::time::Duration;

use osteon_train::{EpochRecord, Event};

use crate::progress::pace::{Left, Pace};
use crate::progress::words::{figure, words};

/// Points of the running epoch's loss kept at most: as many as a wide screen shows.
const LIVE: usize = 400;
/// Samples of the throughput kept.
const SPEEDS: usize = 240;

/// A line of the log.
pub struct Entry {
    /// Since the run began.
    pub at: Duration,
    pub text: String,
    pub kind: Kind,
}

/// Where a line of the log is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In the log, and left behind on the terminal.
    Line,
    /// Left behind; the table of epochs shows it in its own way.
    Epoch,
    /// In the log alone.
    Note,
}

/// What is being done.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Starting,
    Reading {
        what: String,
        films: usize,
        done: usize,
    },
    Training,
    Judging,
}

pub struct View {
    pub run: String,
    pub phase: Phase,
    pub epochs: u64,
    /// Epoch, step and steps of the last step.
    pub step: Option<(u64, u64, u64)>,
    pub loss: Option<f64>,
    /// Images a second, of the last steps.
    pub speeds: Vec<f64>,
    pub model: String,
    pub records: Vec<EpochRecord>,
    /// Mean loss so far over the time in epochs, within the running epoch.
    pub live: Vec<(f64, f64)>,
    pub log: Vec<Entry>,
    /// Lines of the log between its end and what is shown.
    pub scroll: usize,
    pub stopping: bool,
    pace: Pace,
    /// The live loss keeps every so-manieth step.
    every: u64,
}

impl View {
    /// `history`: epochs that a resumed run has behind it.
    pub fn new(run: &str, epochs: u64, history: Vec<EpochRecord>) -> Self {
        Self {
            run: run.to_owned(),
            phase: Phase::Starting,
            epochs,
            step: None,
            loss: None,
            speeds: Vec::new(),
            model: String::new(),
            records: history,
            live: Vec::new(),
            log: Vec::new(),
            scroll: 0,
            stopping: false,
            pace: Pace::default(),
            every: 1,
        }
    }

    /// Takes in an event, `now` since the run began.
    pub fn take(&mut self, event: &Event<'_>, now: Duration) {
        match event {
            Event::Reading { split, films } => {
                self.phase = Phase::Reading {
                    what: split.to_string(),
                    films: *films,
                    done: 0,
                };
            }
            Event::Read { .. } => self.phase = Phase::Starting,
            Event::Built {
                architecture,
                device,
                batch_size,
                ..
            } => self.model = format!("{architecture} on {device}, batch {batch_size}"),
            // What came after the checkpoint is run again.
            Event::Resumed { epoch, .. } => self.records.retain(|record| record.epoch < *epoch),
            Event::Fold { .. } => {
                self.records.clear();
                self.live.clear();
            }
            Event::Step {
                epoch,
                epochs,
                step,
                steps,
                loss,
                images_per_second,
                ..
            } => {
                self.epochs = *epochs;
                self.take_step((*epoch, *step, *steps), *loss, *images_per_second);
                self.pace.step((*epoch, *epochs), (*step, *steps), now);
            }
            Event::Epoch(record) => {
                self.phase = Phase::Training;
                self.pace.epoch(record.seconds);
                self.live.clear();
                self.records.push((*record).clone());
                if record.best {
                    let auc = figure(record.val_roc_auc);
                    let text = format!("epoch {}: the best so far, AUC {auc}", record.epoch);
                    self.note(text, now);
                }
            }
            _ => {}
        }
        let kind = match event {
            Event::Epoch(_) => Kind::Epoch,
            _ => Kind::Line,
        };
        let lines = words(event, self.epochs).into_iter();
        self.log.extend(lines.map(|text| Entry {
            at: now,
            text,
            kind,
        }));
    }

    /// Adds a line of the dashboard's own.
    pub fn note(&mut self, text: String, now: Duration) {
        self.log.push(Entry {
            at: now,
            text,
            kind: Kind::Note,
        });
    }

    fn take_step(&mut self, (epoch, step, steps): (u64, u64, u64), loss: f64, speed: f64) {
        if self.step.is_none_or(|(last, ..)| last != epoch) {
            self.live.clear();
            self.every = 1;
        }
        self.step = Some((epoch, step, steps));
        self.phase = if step >= steps {
            Phase::Judging
        } else {
            Phase::Training
        };
        self.loss = Some(loss);
        if loss.is_finite() && step.is_multiple_of(self.every) {
            let time = (epoch - 1) as f64 + step as f64 / steps as f64;
            self.live.push((time, loss));
        }
        if self.live.len() > LIVE {
            let kept = self.live.iter().skip(1).step_by(2).copied();
            self.live = kept.collect();
            self.every *= 2;
        }
        if self.speeds.len() >= SPEEDS {
            self.speeds.remove(0);
        }
        self.speeds.push(speed);
    }

    /// Moves the log up, or down if negative; what is drawn keeps it within the log.
    pub fn scroll_by(&mut self, lines: isize) {
        self.scroll = self.scroll.saturating_add_signed(lines);
    }

    pub fn best(&self) -> Option<&EpochRecord> {
        self.records.iter().rev().find(|record| record.best)
    }

    pub fn left(&self, now: Duration) -> Option<Left> {
        self.pace.left(now)
    }

    /// How much of the run is done, 0 to 1.
    pub fn done(&self) -> f64 {
        let Some((epoch, step, steps)) = self.step else {
            return 0.0;
        };
        let epochs = (epoch - 1) as f64 + step as f64 / steps.max(1) as f64;
        (epochs / self.epochs.max(1) as f64).clamp(0.0, 1.0)
    }

    /// Lines of the log pane.
    pub fn pane(&self) -> impl Iterator<Item = &Entry> {
        self.log.iter().filter(|entry| entry.kind != Kind::Epoch)
    }

    /// What is left behind on the terminal: the lines that a run without a dashboard says.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = self.log.iter().filter(|entry| entry.kind != Kind::Note);
        lines.map(|entry| entry.text.as_str())
    }
}
