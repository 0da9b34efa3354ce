//! Looks before a run, and runs of several folds.

use std::sync::atomic::AtomicBool;

use osteon_train::config::{DeviceAugment, PrecisionChoice};
use osteon_train::{Event, OptimizerName, TrainError, cross_validate, find_lr, sanity, train};

use crate::runs::{alone, films, go, plan};

fn quiet() -> impl FnMut(&Event<'_>) + Sync {
    |_: &Event<'_>| {}
}

#[test]
fn the_finder_goes_up_until_the_loss_blows_up() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.optimizer.name = OptimizerName::Sgd;
    let found = find_lr(&plan.config, &mut quiet(), &AtomicBool::new(false)).expect("looks");
    assert!((found.points[0].lr - 1e-7).abs() < 1e-12);
    assert!(found.points.windows(2).all(|p| p[0].lr < p[1].lr));
    // Nothing is known at first: ln 2.
    assert!(
        (found.points[0].loss - 0.7).abs() < 0.3,
        "{:?}",
        found.points[0]
    );
    // Where the loss of 8 films a step falls fastest is noise; that it is among the rates tried is not.
    let last = found.points.last().expect("some").lr;
    assert!(found.suggestion.is_none_or(|lr| (1e-7..last).contains(&lr)));
    assert!(!plan.run.exists(), "a look leaves nothing");
}

#[test]
fn one_batch_is_learned_by_heart_or_not() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.optimizer.lr = 1e-2;
    let found = sanity(&plan.config, &mut quiet(), &AtomicBool::new(false)).expect("looks");
    assert!(found.passed && found.films == 8, "{found:?}");
    assert!(found.untouched.is_empty() && found.last_loss < 0.1 * found.first_loss);
    plan.config.optimizer.lr = 1e-9;
    let found = sanity(&plan.config, &mut quiet(), &AtomicBool::new(false)).expect("looks");
    assert!(!found.passed, "{found:?}");
}

#[test]
fn every_film_of_train_and_val_is_judged_by_one_fold() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "folds", 1);
    let found = cross_validate(&plan, 3, &mut quiet(), &AtomicBool::new(false)).expect("validates");
    assert!(!found.interrupted && found.folds.len() == 3);
    assert_eq!(found.folds.iter().map(|fold| fold.films).sum::<usize>(), 51);
    let table = std::fs::read_to_string(plan.run.join("out_of_fold.csv")).expect("reads");
    let mut ids: Vec<&str> = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .collect();
    assert!(ids.iter().all(|id| !id.starts_with("test/")), "{table}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 51);
    // A fold that is done is not run again: its scores are read.
    plan.resume = true;
    std::fs::remove_dir_all(plan.run.join("fold-2")).expect("removes");
    let mut begun = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Fold { fold, .. } = event {
            begun.push(*fold);
        }
    };
    let again =
        cross_validate(&plan, 3, &mut observer, &AtomicBool::new(false)).expect("validates");
    assert_eq!(begun, [2]);
    assert_eq!(again, found, "the same seed gives the same scores");
}

/// Batches made by tensor arithmetic, here on the CPU device, train as the loader's do.
#[test]
fn films_on_the_device_train_alike() {
    let _alone = alone();
    let dir = films();
    let losses = |name: &str, where_to| {
        let mut plan = plan(dir.path(), name, 1);
        plan.config.compute.device_augment = where_to;
        plan.config.train.log_every = 1;
        plan.config.augment.cutmix = 1.0;
        plan.config.augment.noise = 0.0;
        let mut losses = Vec::new();
        let mut observer = |event: &Event<'_>| match event {
            Event::Step { loss, .. } => losses.push(*loss),
            Event::Built {
                films_on_device, ..
            } => assert_eq!(*films_on_device, where_to == DeviceAugment::On),
            _ => {}
        };
        train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
        losses
    };
    let (host, device) = (
        losses("host", DeviceAugment::Off),
        losses("device", DeviceAugment::On),
    );
    assert_eq!(host.len(), 6);
    for (host, device) in host.iter().zip(&device) {
        assert!((host - device).abs() < 5e-3, "{host} and {device}");
    }
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.compute.precision = PrecisionChoice::Fp16;
    let error = go(&plan).expect_err("no half precision on the CPU");
    assert!(matches!(error, TrainError::HalfOnCpu) && error.is_usage());
    assert!(!plan.run.exists(), "refused before anything is written");
}

/// 16 bits learn, too, and what is judged and kept is in 32.
#[test]
fn bf16_learns() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 6);
    plan.config.compute.precision = PrecisionChoice::Bf16;
    plan.config.augment = osteon_data::Augment::NONE;
    let mut losses = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Epoch(record) = event {
            losses.push(record.train_loss);
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
    assert!(losses[5] < losses[0], "{losses:?}");
}

/// Whoever follows `metrics.jsonl` need not wait for the end of an epoch.
#[test]
fn the_log_grows_within_an_epoch() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.train.log_every = 1;
    let metrics = plan.run.join("metrics.jsonl");
    let mut seen = false;
    let mut observer = |event: &Event<'_>| {
        if let Event::Step { step: 1, .. } = event {
            let text = std::fs::read_to_string(&metrics).unwrap_or_default();
            seen = text.contains("\"kind\":\"step\"");
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
    assert!(seen, "the first step is there before the second");
}
