//! Going on with a run, or refusing to.

use std::sync::atomic::{AtomicBool, Ordering};

use osteon_model::Precision;
use osteon_train::config::PrecisionChoice;
use osteon_train::{Event, Plan, StopReason, TrainError, train};

use crate::runs::{alone, films, go, plan};

/// Stops a run after so many steps.
fn stop_after(plan: &Plan, steps: usize) -> StopReason {
    let stop = AtomicBool::new(false);
    let mut seen = 0;
    let mut observer = |event: &Event<'_>| {
        seen += usize::from(matches!(event, Event::Step { .. }));
        if seen == steps {
            stop.store(true, Ordering::Relaxed);
        }
    };
    train(plan, &mut observer, &stop).expect("trains").reason
}

#[test]
fn what_differs_is_said_and_refused_unless_forced() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 2);
    assert_eq!(stop_after(&plan, 2), StopReason::Interrupted);
    plan.resume = true;
    plan.config.train.epochs = 3;
    plan.config.optimizer.lr = 0.5;
    let error = go(&plan).expect_err("another run");
    assert!(error.is_usage());
    let said = error.to_string();
    for part in [
        "train.epochs: 2 then, 3 now",
        "optimizer.lr: 0.002 then, 0.5 now",
    ] {
        assert!(said.contains(part), "{said}");
    }
    // What changes no weight is free.
    plan.config.train.epochs = 2;
    plan.config.optimizer.lr = 0.002;
    plan.config.train.log_every = 1;
    assert_eq!(stop_after(&plan, 1), StopReason::Interrupted);

    // Other images.
    let film = std::fs::read_dir(dir.path().join("set/train/fractured"))
        .expect("lists")
        .next()
        .expect("one")
        .expect("entry");
    std::fs::remove_file(film.path()).expect("removes");
    let said = go(&plan).expect_err("other images").to_string();
    assert!(said.contains("training images: "), "{said}");
    plan.force = true;
    let mut told = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Resumed {
            step, differences, ..
        } = event
        {
            told.push((*step, differences.len()));
        }
    };
    let outcome = train(&plan, &mut observer, &AtomicBool::new(false)).expect("forced");
    assert_eq!((outcome.epochs, told), (2, vec![(3, 1)]));
}

#[test]
fn damaged_checkpoints_are_passed_over_for_the_one_before() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 2);
    plan.config.train.checkpoint_steps = 2;
    plan.config.train.keep_checkpoints = 3;
    assert_eq!(stop_after(&plan, 5), StopReason::Interrupted);
    let folder = dir.path().join("run/checkpoints");
    let newest = folder.join("step-000000005.safetensors");
    let mut bytes = std::fs::read(&newest).expect("the newest");
    let last = bytes.len() - 100;
    bytes[last] ^= 4;
    std::fs::write(&newest, bytes).expect("damages");
    // And one in its header: where it stands, and what the best figure was, is no less of it.
    let second = folder.join("step-000000004.safetensors");
    let mut bytes = std::fs::read(&second).expect("the one before");
    let key = b"\\\"films\\\":";
    let place = bytes
        .windows(key.len())
        .position(|w| w == key)
        .expect("there")
        + key.len();
    bytes[place] ^= 1;
    std::fs::write(&second, bytes).expect("damages");
    plan.resume = true;
    let mut told = None;
    let mut observer = |event: &Event<'_>| {
        if let Event::Resumed {
            step,
            damaged: [first, second],
            ..
        } = event
        {
            told = Some((*step, format!("{first}\n{second}")));
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("goes on");
    let (step, said) = told.expect("said");
    assert_eq!(step, 2);
    for part in [
        "step-000000005.safetensors is damaged: its tensors do not have the checksum",
        "step-000000004.safetensors is damaged, or another program wrote its header anew",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn old_checkpoints_go_and_the_best_stays() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 4);
    plan.config.train.keep_checkpoints = 1;
    let mut best = 0;
    let mut observer = |event: &Event<'_>| {
        if let Event::Epoch(record) = event
            && record.best
        {
            best = record.step;
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
    let mut kept: Vec<String> = std::fs::read_dir(dir.path().join("run/checkpoints"))
        .expect("lists")
        .map(|item| {
            item.expect("entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    kept.sort();
    let mut expected = vec![
        format!("step-{best:09}.safetensors"),
        "step-000000024.safetensors".into(),
    ];
    expected.dedup();
    assert_eq!(kept, expected);
}

#[test]
fn a_loss_that_is_no_number_stops_with_its_films() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 3);
    plan.config.optimizer.lr = 1e30;
    let error = go(&plan).expect_err("diverges");
    let TrainError::Diverged { films, step, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(films.len(), 8);
    assert!(*step >= 1 && films[0].starts_with("train/"), "{error}");
    assert!(error.to_string().contains(&films[0]), "{error}");
    assert!(!error.is_usage(), "the work failed, not the call");
}

#[test]
fn a_run_that_ended_is_not_begun_again() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 9);
    plan.config.train.patience = 1;
    plan.config.optimizer.lr = 1e-9;
    let outcome = go(&plan).expect("trains");
    assert_eq!(outcome.reason, StopReason::Patience);
    plan.resume = true;
    let again = go(&plan).expect("nothing to do");
    assert_eq!(
        (again.reason, again.epochs),
        (outcome.reason, outcome.epochs)
    );
}

/// What the plan chose is the run's: it is not chosen anew where the config leaves it open.
#[test]
fn a_run_goes_on_as_it_computed() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 2);
    plan.config.train.threads = 2;
    plan.config.compute.precision = PrecisionChoice::Bf16;
    assert_eq!(stop_after(&plan, 2), StopReason::Interrupted);
    plan.config.train.threads = 0;
    plan.config.compute.precision = PrecisionChoice::Auto;
    plan.resume = true;
    let mut told = None;
    let mut observer = |event: &Event<'_>| {
        if let Event::Computes(plan) = event {
            told = Some((plan.threads, plan.compute.precision));
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("goes on");
    assert_eq!(told, Some((2, Precision::Bf16)));
}
