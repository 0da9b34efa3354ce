//! Whole runs on a handful of synthetic images.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use osteon_model::{ArchitectureName, load, read_info, read_tensors};
use osteon_synth::write_synth;
use osteon_train::config::{MemoryFormatChoice, PlanRule, PrecisionChoice};
use osteon_train::{Config, Event, Plan, StopReason, TrainError, train};
use serde_json::Value;

/// libtorch has one random generator a process: runs that are compared to the bit must not share it with others.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn films() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    write_synth(&dir.path().join("set"), 60, 11, &|| {}).expect("writes");
    dir
}

pub(crate) fn plan(dir: &Path, run: &str, epochs: u64) -> Plan {
    let mut config = Config::default();
    config.data.dir = dir.join("set");
    config.preprocess.size = 32;
    config.model.residual.widths = vec![4, 8];
    config.model.residual.blocks = vec![1, 1];
    config.train.epochs = epochs;
    config.train.batch_size = 8;
    config.train.patience = 0;
    config.train.log_every = 3;
    config.train.threads = 1;
    config.compute.plan = PlanRule::Fixed;
    "cpu".clone_into(&mut config.train.device);
    Plan {
        config,
        run: dir.join(run),
        resume: false,
        force: false,
    }
}

pub(crate) fn go(plan: &Plan) -> Result<osteon_train::Outcome, TrainError> {
    train(plan, &mut |_: &Event<'_>| {}, &AtomicBool::new(false))
}

#[test]
fn a_run_leaves_what_the_design_says() {
    let _alone = alone();
    let dir = films();
    let plan = plan(dir.path(), "run", 2);
    let mut epochs = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Epoch(record) = event {
            epochs.push((*record).clone());
        }
    };
    let outcome = train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
    assert_eq!((outcome.epochs, outcome.reason), (2, StopReason::Finished));
    assert_eq!(epochs.len(), 2);

    let (_, info) = load(&outcome.model, osteon_model::Device::Cpu).expect("a whole model");
    assert_eq!(info.training_data.train_images, 42);
    let known = &info.training_data;
    assert_eq!((known.train_films.len(), known.val_films.len()), (42, 9));
    assert_eq!((known.train_hashes.len(), known.val_hashes.len()), (42, 9));
    assert_eq!(
        info.metrics.val.as_ref().map(|s| s.confusion.total()),
        Some(9)
    );
    assert_eq!(info.training_data.epochs, outcome.best_epoch);

    let config: Config =
        toml::from_str(&std::fs::read_to_string(plan.run.join("config.toml")).expect("reads"))
            .expect("TOML");
    // What was left open is written as it was chosen.
    let mut expected = plan.config.clone();
    expected.compute.precision = PrecisionChoice::Fp32;
    expected.compute.memory_format = MemoryFormatChoice::ChannelsLast;
    expected.compute.loader_threads = 1;
    assert_eq!(config, expected);
    let lines = std::fs::read_to_string(plan.run.join("metrics.jsonl")).expect("reads");
    let lines: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let kinds: Vec<&str> = lines
        .iter()
        .map(|l| l["kind"].as_str().expect("kind"))
        .collect();
    // 42 images in batches of 8 are 6 steps an epoch; every third is logged.
    assert_eq!(kinds, ["step", "step", "epoch", "step", "step", "epoch"]);
    assert_eq!(lines[5]["step"], 12);
    let events = std::fs::read_dir(&plan.run).expect("lists").flatten();
    assert_eq!(
        events
            .filter(|e| e
                .file_name()
                .to_string_lossy()
                .starts_with("events.out.tfevents"))
            .count(),
        1
    );
}

#[test]
fn a_resumed_run_ends_as_the_uninterrupted_one() {
    let _alone = alone();
    let dir = films();
    let whole = plan(dir.path(), "whole", 4);
    go(&whole).expect("trains");
    // The schedule must know the final number of epochs from the beginning: stop in the third of four.
    let mut first = plan(dir.path(), "parts", 4);
    let stop = AtomicBool::new(false);
    let mut observer = |event: &Event<'_>| {
        if matches!(
            event,
            Event::Step {
                epoch: 3,
                step: 4,
                ..
            }
        ) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let outcome = train(&first, &mut observer, &stop).expect("trains");
    assert_eq!(
        (outcome.reason, outcome.epochs),
        (StopReason::Interrupted, 2)
    );
    first.resume = true;
    assert_eq!(go(&first).expect("resumes").epochs, 4);

    let last = |run: &str| {
        read_tensors(
            &dir.path()
                .join(run)
                .join("checkpoints/step-000000024.safetensors"),
        )
        .expect("reads")
        .0
    };
    let (a, b) = (last("whole"), last("parts"));
    assert_eq!(a.len(), b.len());
    for (name, tensor) in &a {
        assert!(tensor == &b[name], "{name} differs");
    }
    let lines = |run: &str| {
        let text =
            std::fs::read_to_string(dir.path().join(run).join("metrics.jsonl")).expect("reads");
        text.lines()
            .map(|l| serde_json::from_str::<Value>(l).expect("JSON"))
            .map(|v| (v["kind"].clone(), v["step"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(lines("whole"), lines("parts"));
}

#[test]
fn stopped_in_the_first_epoch_there_is_a_usable_model() {
    let _alone = alone();
    let dir = films();
    let plan = plan(dir.path(), "run", 5);
    let stop = AtomicBool::new(true);
    let outcome = train(&plan, &mut |_: &Event<'_>| {}, &stop).expect("ends cleanly");
    assert_eq!(
        (outcome.reason, outcome.epochs),
        (StopReason::Interrupted, 0)
    );
    assert!(
        read_info(&outcome.model)
            .expect("a whole model")
            .metrics
            .val
            .is_some()
    );
}

#[test]
fn learning_works() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 12);
    plan.config.model.name = ArchitectureName::SeedCnn;
    plan.config.augment = osteon_data::Augment::NONE;
    let mut losses = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Epoch(record) = event {
            losses.push(record.train_loss);
        }
    };
    train(&plan, &mut observer, &AtomicBool::new(false)).expect("trains");
    // 90,000 weights and 42 images: it must be able to learn them by heart.
    assert!(losses[11] < 0.7 * losses[0], "{losses:?}");
}

#[test]
fn runs_are_not_overwritten_and_not_shared() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.resume = true;
    assert!(matches!(go(&plan), Err(TrainError::NoRun { .. })));
    plan.resume = false;
    go(&plan).expect("trains");
    let said = go(&plan).expect_err("it is there").to_string();
    assert!(said.ends_with("holds a run already"), "{said}");
    let _held = osteon_train::RunDir::open(&plan.run).expect("locks");
    plan.resume = true;
    assert!(matches!(go(&plan), Err(TrainError::RunInUse { .. })));
}

#[test]
fn settings_that_the_films_do_not_allow() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.train.batch_size = 43;
    assert!(matches!(
        go(&plan),
        Err(TrainError::BatchTooLarge {
            batch_size: 43,
            films: 42
        })
    ));
    std::fs::write(dir.path().join("set/train/fractured/aaa.png"), b"no image").expect("writes");
    plan.config.train.batch_size = 8;
    plan.config.data.unreadable = osteon_train::config::Unreadable::Error;
    plan.run = dir.path().join("other");
    let said = go(&plan).expect_err("one is broken").to_string();
    assert!(
        said.contains("1 images of train do not read; the first is train/fractured/aaa.png"),
        "{said}"
    );
}
