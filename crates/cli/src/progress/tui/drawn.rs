//! The dashboard as it looks, on terminals of three sizes.

use std::time::Duration;

use insta::assert_snapshot;
use osteon_data::Split;
use osteon_train::{EpochRecord, Event};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::draw::draw;
use super::view::View;

const STEPS: u64 = 40;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn record(epoch: u64) -> EpochRecord {
    let t = epoch as f64;
    EpochRecord {
        epoch,
        step: epoch * STEPS,
        train_loss: 0.7 / t.sqrt(),
        val_loss: 0.72 / t.sqrt() + 0.004 * t,
        val_roc_auc: Some(0.95 - 0.4 / t),
        val_sensitivity: Some(0.8),
        val_specificity: (epoch > 1).then_some(0.75),
        val_accuracy: Some(0.78),
        val_balanced_accuracy: None,
        val_f1: None,
        val_average_precision: None,
        val_brier: None,
        lr: 1e-3,
        images_per_second: 28.0,
        input_wait: 0.01,
        seconds: 50.0,
        best: epoch <= 7,
    }
}

fn step(view: &mut View, epoch: u64, step: u64, now: u64) {
    let event = Event::Step {
        epoch,
        epochs: 30,
        step,
        steps: STEPS,
        loss: 0.69 / (epoch as f64).sqrt(),
        images_per_second: 20.0 + (step % 9) as f64,
    };
    view.take(&event, at(now));
}

/// In the tenth epoch of thirty; a step takes a second, val ten.
fn running() -> View {
    let mut view = View::new("runs/mine", 30, Vec::new());
    let reading = |split, films| Event::Reading { split, films };
    let read = |split, films, fractured| Event::Read {
        split,
        films,
        fractured,
        unreadable: &[],
        repaired: &[],
    };
    view.take(&reading(Split::Train, 640), at(0));
    view.take(&read(Split::Train, 640, 310), at(2));
    view.take(&read(Split::Val, 90, 44), at(3));
    let built = Event::Built {
        architecture: "residual".to_owned(),
        parameters: 2_797_697,
        device: "cpu".to_owned(),
        batch_size: 16,
        processes: 1,
        films_on_device: false,
    };
    view.take(&built, at(3));
    for epoch in 1..=10 {
        let begin = 3 + (epoch - 1) * 50;
        let last = if epoch == 10 { 12 } else { STEPS };
        for n in 1..=last {
            step(&mut view, epoch, n, begin + n);
        }
        if epoch < 10 {
            view.take(&Event::Epoch(&record(epoch)), at(begin + 50));
        }
    }
    view
}

fn picture(view: &mut View, width: u16, height: u16, now: Duration) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal
        .draw(|frame| draw(frame, view, now))
        .expect("draws");
    terminal.backend().to_string()
}

#[test]
fn in_the_middle_of_a_run() {
    for (width, height) in [(80, 24), (120, 40), (40, 12)] {
        let name = format!("running_{width}x{height}");
        assert_snapshot!(name, picture(&mut running(), width, height, at(465)));
    }
}

#[test]
fn at_the_beginning_and_when_asked_to_stop() {
    let mut view = View::new("runs/mine", 30, Vec::new());
    let reading = Event::Reading {
        split: Split::Train,
        films: 640,
    };
    view.take(&reading, at(0));
    assert_snapshot!("reading_80x24", picture(&mut view, 80, 24, at(1)));
    view.stopping = true;
    assert!(picture(&mut view, 80, 24, at(1)).contains("stopping after this step"));
}

/// No size makes it fail, not even those in which there is no room for anything.
#[test]
fn any_size() {
    for width in [1, 2, 7, 20, 59, 60, 200] {
        for height in [1, 2, 3, 5, 15, 16, 60] {
            picture(&mut running(), width, height, at(465));
            picture(&mut View::new("", 1, Vec::new()), width, height, at(0));
        }
    }
}

#[test]
fn what_is_left_behind_is_what_plain_lines_say() {
    let view = running();
    let lines: Vec<&str> = view.lines().collect();
    assert_eq!(lines.len(), 3 + 9);
    assert_eq!(lines[0], "train: 640 images, 310 fractured, 330 not");
    assert!(lines[3].starts_with("epoch   1/30  loss 0.7000") && lines[3].ends_with("best"));
    assert!(
        view.pane()
            .any(|entry| entry.text.contains("the best so far"))
    );
}

/// A run of any length keeps a bounded curve of the running epoch, and undefined figures are no points.
#[test]
fn long_epochs_and_undefined_figures() {
    let mut view = View::new("runs/mine", 3, Vec::new());
    for n in 1..=100_000 {
        let event = Event::Step {
            epoch: 1,
            epochs: 3,
            step: n,
            steps: 100_000,
            loss: 1.0 / n as f64,
            images_per_second: 30.0,
        };
        view.take(&event, at(n));
    }
    assert!(
        (100..=401).contains(&view.live.len()),
        "{}",
        view.live.len()
    );
    assert!(view.live.windows(2).all(|w| w[0].0 < w[1].0));
    let undefined = EpochRecord {
        val_roc_auc: None,
        val_loss: f64::NAN,
        ..record(1)
    };
    view.take(&Event::Epoch(&undefined), at(100_001));
    let shown = picture(&mut view, 100, 30, at(100_002));
    assert!(
        shown.contains('–') && shown.contains("after the first epoch"),
        "{shown}"
    );
}

#[test]
fn a_resumed_run_shows_the_epochs_behind_it() {
    let mut view = View::new("runs/mine", 30, (1..=6).map(record).collect());
    let resumed = Event::Resumed {
        epoch: 5,
        step: 160,
        damaged: &[],
        differences: &[],
    };
    view.take(&resumed, at(1));
    assert_eq!(view.records.len(), 4, "epochs 5 and 6 are run again");
    assert_eq!(view.best().map(|r| r.epoch), Some(4));
}

/// The log scrolls no further than it reaches.
#[test]
fn the_log_scrolls() {
    let mut view = running();
    view.scroll_by(1000);
    let up = picture(&mut view, 80, 24, at(465));
    assert!(
        view.scroll < 1000 && up.contains("train: 640 images"),
        "{up}"
    );
    view.scroll_by(-1000);
    assert_eq!(view.scroll, 0);
}
