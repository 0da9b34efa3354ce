//! Looks before a run, and runs of several folds.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use osteon_model::{Device, load, read_info};
use osteon_train::config::{DeviceAugment, Monitor, PrecisionChoice};
use osteon_train::{
    Event, OptimizerName, Refit, TrainError, Written, cross_validate, find_lr, sanity, shrink,
    train,
};

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
    // Where the loss of 8 images a step falls fastest is noise; that it is among the rates tried is not.
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

/// With the last epoch kept nothing is chosen: all but the judged third is learned from. The average of the three has learned from all.
#[test]
fn folds_that_choose_nothing_can_be_averaged() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "folds", 1);
    plan.config.train.monitor = Monitor::LastEpoch;
    cross_validate(&plan, 3, &mut quiet(), &AtomicBool::new(false)).expect("validates");
    let models: Vec<PathBuf> = (1..=3)
        .map(|fold| plan.run.join(format!("fold-{fold}/model.safetensors")))
        .collect();
    for model in &models {
        let known = read_info(model).expect("reads").training_data;
        assert_eq!(known.train_images + known.val_images, 51);
        assert!((15..=19).contains(&known.val_images), "{known:?}");
    }
    let scores = plan.run.join("out_of_fold.csv");
    let mut table = csv::Reader::from_path(&scores).expect("reads");
    for row in table.records() {
        let row = row.expect("reads");
        let number = |at: usize| row[at].parse::<f64>().expect("a number");
        let plain = 1.0 / (1.0 + (-number(5)).exp());
        assert!((number(4) - plain).abs() < 1e-9, "{row:?}");
    }

    let out = dir.path().join("average.safetensors");
    let config = plan.config.clone();
    let to = Written {
        path: &out,
        name: Some("average"),
    };
    let fitted = |config, scores| {
        let refit = Refit {
            config,
            scores,
            only: None,
        };
        shrink(&models, to, Some(refit), &mut quiet())
    };
    shrink(&models, to, None, &mut quiet()).expect("averages, to begin from");
    let plain = read_info(&out).expect("reads");
    assert!(plain.metrics.val.is_none() && plain.operating_points[0].sensitivity.is_none());
    let error = fitted(&config, None).expect_err("val is not apart");
    assert!(matches!(error, TrainError::AverageUnfitted), "{error}");
    let error = fitted(&config, Some(scores.as_path())).expect_err("val is not apart");
    assert!(matches!(error, TrainError::ValLearned { .. }), "{error}");
    let mut config = config.clone();
    config.data.dir = dir.path().join("other");
    osteon_synth::write_synth(&config.data.dir, 60, 12, &|| {}).expect("writes");
    fitted(&config, Some(scores.as_path())).expect("averages");

    let (net, info) = load(&out, Device::Cpu).expect("reads");
    let data = &info.training_data;
    assert_eq!((data.averaged, data.train_images), (Some(3), 51));
    assert_eq!(info.name.as_deref(), Some("average"));
    // Val chose nothing: it is not among what the model has seen.
    assert!(data.val_apart && data.val_films.is_empty() && data.val_images > 0);
    let of_folds: Vec<_> = models
        .iter()
        .map(|model| load(model, Device::Cpu).expect("reads").0.tensors())
        .collect();
    for (place, (name, tensor)) in net.tensors().into_iter().enumerate() {
        let sum = &of_folds[0][place].1 + &of_folds[1][place].1 + &of_folds[2][place].1;
        let apart = (&sum / 3.0 - &tensor).abs().max().double_value(&[]);
        // What 16 bits round.
        let largest = tensor.abs().max().double_value(&[]).max(1e-3);
        assert!(apart < 1e-3 * largest, "{name}: {apart} of {largest}");
    }

    // Each fold of a second cross-validation begins from the same fold of the first, and none from one that knows what it is judged on.
    let mut second = plan.clone();
    second.run = dir.path().join("second");
    second.config.train.init = plan.run.join("fold-{fold}/model.safetensors");
    cross_validate(&second, 3, &mut quiet(), &AtomicBool::new(false)).expect("validates");
    second.run = dir.path().join("third");
    second.config.train.init = models[1].clone();
    let error = cross_validate(&second, 3, &mut quiet(), &AtomicBool::new(false))
        .expect_err("the second fold's model knows what the first judges");
    assert!(matches!(error, TrainError::InitLearned { .. }), "{error}");

    // A model of another set of images is no fold.
    let mut other = plan.clone();
    other.config.data.dir = config.data.dir.clone();
    other.run = dir.path().join("other run");
    let stranger = go(&other).expect("trains").model;
    let refit = Refit {
        config: &config,
        scores: Some(&scores),
        only: None,
    };
    let mixed = [models[0].clone(), stranger];
    let error = shrink(&mixed, to, Some(refit), &mut quiet()).expect_err("no folds");
    assert!(matches!(error, TrainError::NotFolds { .. }), "{error}");
}

#[test]
fn a_field_to_balance_by_must_be_known() {
    let _alone = alone();
    let dir = films();
    let mut plan = plan(dir.path(), "run", 1);
    plan.config.train.balance = "hospital".to_owned();
    let said = go(&plan).expect_err("there is none").to_string();
    assert!(said.contains("hospital"), "{said}");
}
