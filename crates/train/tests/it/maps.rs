//! A network that is taught where, and runs that begin from another's weights.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use osteon_model::{ArchitectureName, Device, FractureMapOptions, load, read_info};
use osteon_train::config::Layers;
use osteon_train::{Config, Event, Plan, Refit, TrainError, Written, find_lr, sanity, shrink};
use tch::Kind;

use crate::runs::{alone, films, go, plan};

/// A tiny network with a map, taught by the boxes that synthetic images come with.
fn taught(dir: &Path, run: &str, epochs: u64) -> Plan {
    let mut plan = plan(dir, run, epochs);
    plan.config.preprocess.size = 64;
    plan.config.model.name = ArchitectureName::FractureMap;
    plan.config.model.fracture_map = FractureMapOptions {
        widths: [4, 4, 8, 8, 8],
        blocks: [1, 1, 1, 1],
        pyramid: 8,
        top: 3,
        dropout: 0.0,
        drop_path: 0.0,
    };
    (plan.config.loss.map, plan.config.loss.whole) = (1.0, 0.5);
    plan
}

fn quiet() -> impl FnMut(&Event<'_>) + Sync {
    |_: &Event<'_>| {}
}

#[test]
fn a_network_is_taught_where() {
    let _alone = alone();
    let dir = films();
    let outcome = go(&taught(dir.path(), "run", 2)).expect("trains");
    let (net, info) = load(&outcome.model, Device::Cpu).expect("a whole model");
    assert_eq!(info.architecture.name, ArchitectureName::FractureMap);
    let film = net.input(&[0.1; 64 * 64], 1, 64).expect("fits");
    let map = net.answer(&film, false).expect("computes").map;
    assert_eq!(map.expect("has a map").size(), [1, 8, 8]);
}

#[test]
fn a_map_without_boxes_or_without_a_network_for_it_is_refused() {
    let _alone = alone();
    let dir = films();
    std::fs::remove_file(dir.path().join("set/boxes.csv")).expect("removes");
    let error = go(&taught(dir.path(), "run", 1)).expect_err("no boxes");
    assert!(matches!(error, TrainError::NoBoxes), "{error}");
    assert!(error.is_usage() && error.to_string().contains("data.annotations"));
    let layers = Layers {
        file: None,
        set: vec!["loss.map=1.0".to_owned()],
    };
    let said = layers
        .resolve()
        .expect_err("residual has no map")
        .to_string();
    assert_eq!(
        said,
        "--set loss.map=1.0: loss.map must be 0 for a network without a map; fracture_map and efficientnet_lite have one, not 1.0"
    );
}

/// What a look tries is what training learns, the map included.
#[test]
fn looks_learn_the_map_too() {
    let _alone = alone();
    let dir = films();
    let mut config = taught(dir.path(), "run", 1).config;
    config.optimizer.lr = 1e-2;
    let never = AtomicBool::new(false);
    let look = |config: &_| sanity(config, &mut quiet(), &never).expect("looks");
    let with = look(&config);
    assert!(with.untouched.is_empty(), "{:?}", with.untouched);
    assert!(with.last_loss < 0.7 * with.first_loss, "{with:?}");
    let found = find_lr(&config, &mut quiet(), &never).expect("looks");
    (config.loss.map, config.loss.whole) = (0.0, 0.0);
    let without = look(&config);
    assert!(
        with.first_loss > without.first_loss + 0.1,
        "{with:?} {without:?}"
    );
    let first = find_lr(&config, &mut quiet(), &never)
        .expect("looks")
        .points[0]
        .loss;
    assert!(found.points[0].loss > first + 0.1, "{first}");
}

#[test]
fn a_run_begins_from_another_s_weights() {
    let _alone = alone();
    let dir = films();
    let first = go(&taught(dir.path(), "first", 1)).expect("trains");
    let mut plan = taught(dir.path(), "second", 1);
    plan.config.train.init.clone_from(&first.model);
    // Another size of image and another dropout are no other network.
    plan.config.preprocess.size = 32;
    plan.config.model.fracture_map.dropout = 0.1;
    plan.config.train.seed = 9;
    plan.config.optimizer.lr = 1e-12;
    let second = go(&plan).expect("trains");
    let (a, _) = load(&first.model, Device::Cpu).expect("reads");
    let (b, _) = load(&second.model, Device::Cpu).expect("reads");
    for ((name, a), (_, b)) in a.tensors().into_iter().zip(b.tensors()) {
        // Statistics are of the images seen since.
        if a.requires_grad() {
            let far = (&a - &b).abs().max().double_value(&[]);
            assert!(far < 1e-7, "{name}: {far}");
        }
    }

    plan.run = dir.path().join("third");
    plan.config.model.fracture_map.pyramid = 16;
    let error = go(&plan).expect_err("other sizes");
    assert!(
        matches!(error, TrainError::InitSizes { .. }) && error.is_usage(),
        "{error}"
    );
    plan.config.model.name = ArchitectureName::Residual;
    plan.config.loss.map = 0.0;
    plan.run = dir.path().join("fourth");
    let said = go(&plan).expect_err("another network").to_string();
    assert!(
        said.ends_with("holds the network fracture_map, and model.name is residual"),
        "{said}"
    );
}

fn to(path: &Path) -> Written<'_> {
    Written { path, name: None }
}

fn refit<'a>(config: &'a Config, scores: Option<&'a Path>) -> Refit<'a> {
    Refit {
        config,
        scores,
        only: None,
    }
}

#[test]
fn a_shrunk_model_has_half_the_size_and_a_header_that_is_true_of_it() {
    let _alone = alone();
    let dir = films();
    let plan = taught(dir.path(), "run", 2);
    let model = go(&plan).expect("trains").model;
    let (plain, refitted) = (
        dir.path().join("a.safetensors"),
        dir.path().join("b.safetensors"),
    );
    let shrunk =
        shrink(std::slice::from_ref(&model), to(&plain), None, &mut quiet()).expect("shrinks");
    assert!(shrunk.bytes.1 < shrunk.bytes.0 && shrunk.val_roc_auc.1.is_none());
    let shrunk = shrink(
        std::slice::from_ref(&model),
        to(&refitted),
        Some(refit(&plan.config, None)),
        &mut quiet(),
    )
    .expect("shrinks");
    let (before, after) = shrunk.val_roc_auc;
    let (before, after) = (before.expect("val has both"), after.expect("and again"));
    // 9 images have 20 pairs: one may turn.
    assert!((before - after).abs() < 0.06, "{before} {after}");
    let (old, new) = (
        read_info(&model).expect("reads"),
        read_info(&refitted).expect("reads"),
    );
    assert_eq!(new.training_data, old.training_data);
    assert_ne!(new.weights_sha256, old.weights_sha256);
    assert_eq!(
        new.metrics.val.as_ref().and_then(|val| val.roc_auc.value),
        Some(after)
    );
    let (net, _) = load(&refitted, Device::Cpu).expect("reads");
    assert!(
        net.tensors()
            .iter()
            .all(|(_, tensor)| tensor.kind() == Kind::Float)
    );

    assert_eq!(
        new.fitted_on.map(|on| on.to_string()).as_deref(),
        Some("val: 9 images, 6 fractured")
    );
    assert!(new.metrics.out_of_fold.is_none());

    // Fitted to answers out of fold: 400 images, fractured the more likely the higher their logit.
    let table = dir.path().join("out_of_fold.csv");
    let row = |i: u32| {
        let logit = f64::from(i) / 50.0 - 4.0;
        let fractured = logit > 1.0 || (logit > -1.0 && i.is_multiple_of(2));
        format!("{i},{fractured},{},{i},0.5,{logit}\n", i % 5 + 1)
    };
    let rows: String = (0..400).map(row).collect();
    std::fs::write(
        &table,
        format!("id,fractured,fold,group,score,logit\n{rows}"),
    )
    .expect("writes");
    shrink(
        std::slice::from_ref(&model),
        to(&refitted),
        Some(refit(&plan.config, Some(&table))),
        &mut quiet(),
    )
    .expect("shrinks");
    let found = read_info(&refitted).expect("reads");
    assert_eq!(
        found.fitted_on.map(|on| on.to_string()).as_deref(),
        Some("out-of-fold scores over 5 folds: 400 images, 199 fractured")
    );
    let promises = found.promises.expect("made");
    assert!(promises.missed.cut.is_some() && promises.fractured.cut.is_some());
    assert!(found.doubt_band.is_some() && found.calibration != new.calibration);
    let of = |summary: Option<&osteon_metrics::Summary>| summary.map(|s| s.images);
    assert_eq!(of(found.metrics.out_of_fold.as_ref()), Some(400));
    // The figures on val are this model's, at the new calibration.
    let val = found.metrics.val.as_ref().expect("judged");
    assert_eq!((of(Some(val)), val.roc_auc.value), (Some(9), Some(after)));
    let apart = val.threshold - found.operating_points[0].threshold;
    assert!(apart.abs() < f64::EPSILON, "{apart}");

    let mut other = plan.config.clone();
    other.data.dir = dir.path().join("other");
    osteon_synth::write_synth(&other.data.dir, 60, 12, &|| {}).expect("writes");
    let error = shrink(
        std::slice::from_ref(&model),
        to(&plain),
        Some(refit(&other, None)),
        &mut quiet(),
    )
    .expect_err("other images");
    assert!(
        matches!(error, TrainError::OtherVal { .. }) && error.is_usage(),
        "{error}"
    );
}
