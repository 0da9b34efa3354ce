//! Equal weights give PyTorch's logits (`tests/oracles/make_oracles.py`).

use osteon_model::{
    Architecture, ArchitectureName, Device, EfficientNetLiteOptions, FractureMapOptions,
    LiteVariant, Net, ResidualOptions,
};
use serde_json::Value;
use tch::{Kind, Tensor};

fn wave(count: usize, frequency: f64, phase: f64) -> Vec<f64> {
    (0..count)
        .map(|i| (frequency * i as f64 + phase).sin())
        .collect()
}

/// The same closed formula as in the script: no weights travel.
pub fn fill(net: &Net) {
    for (k, (name, tensor)) in net.tensors().into_iter().enumerate() {
        let size = tensor.size();
        let fan_in: i64 = size.iter().skip(1).product();
        let one_plus =
            name.ends_with("running_var") || (name.ends_with("weight") && name.contains("bn"));
        let values: Vec<f32> = wave(tensor.numel(), 0.37, k as f64)
            .into_iter()
            .map(|w| match (size.len() > 1, one_plus) {
                (true, _) => 1.5 / (fan_in as f64).sqrt() * w,
                (false, true) => 1.0 + 0.1 * w,
                (false, false) => 0.1 * w,
            } as f32)
            .collect();
        tensor
            .detach()
            .copy_(&Tensor::from_slice(&values).reshape(&size));
    }
}

pub fn films(n: i64, side: i64) -> Tensor {
    let values: Vec<f32> = wave((n * side * side) as usize, 0.11, 0.0)
        .into_iter()
        .map(|v| v as f32)
        .collect();
    Tensor::from_slice(&values).reshape([n, 1, side, side])
}

/// Drawn from the standard normal distribution.
pub fn random_films(count: i64, side: i64) -> Tensor {
    Tensor::randn([count, 1, side, side], (Kind::Float, Device::Cpu))
}

fn oracle(key: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../oracles/oracles.json")).expect("JSON");
    all[key].clone()
}

fn assert_logits(net: &Net, side: i64, train: bool, key: &str) {
    let logits = net
        .forward(&films(3, side), train)
        .expect("computes")
        .to_kind(Kind::Double);
    let logits: Vec<f64> = Vec::try_from(logits).expect("a vector");
    // Statistics of a few numbers, by fifty norms behind each other, lose digits.
    let within = if train && key.starts_with("efficientnet") {
        1e-3
    } else {
        1e-5
    };
    assert_within(&logits, key, within);
}

fn assert_near(ours: &[f64], key: &str) {
    assert_within(ours, key, 1e-5);
}

fn assert_within(ours: &[f64], key: &str, within: f64) {
    let theirs = oracle(key);
    let theirs = theirs.as_array().expect("a list");
    assert_eq!(ours.len(), theirs.len(), "{key}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        let theirs = theirs.as_f64().expect("number");
        assert!(
            (ours - theirs).abs() < within * theirs.abs().max(1.0),
            "{key}: {ours} and {theirs}"
        );
    }
}

#[test]
fn the_seed_s_network() {
    let architecture = Architecture {
        name: ArchitectureName::SeedCnn,
        ..Architecture::default()
    };
    let net = architecture.build(24, Device::Cpu).expect("builds");
    fill(&net);
    assert_logits(&net, 24, false, "seed_cnn_24");
}

#[test]
fn the_residual_network_in_both_modes() {
    let residual = ResidualOptions {
        widths: vec![8, 12, 16],
        blocks: vec![1, 2, 1],
        dropout: 0.0,
        ..ResidualOptions::default()
    };
    let net = Architecture {
        residual,
        ..Architecture::default()
    }
    .build(33, Device::Cpu)
    .expect("builds");
    fill(&net);
    assert_logits(&net, 33, false, "residual_33_eval");
    assert_logits(&net, 33, true, "residual_33_train");
    let residual = ResidualOptions {
        widths: vec![8, 12],
        blocks: vec![1, 1],
        stem_stride: 1,
        dropout: 0.0,
        ..ResidualOptions::default()
    };
    let fine = Architecture {
        residual,
        ..Architecture::default()
    }
    .build(33, Device::Cpu)
    .expect("builds");
    fill(&fine);
    assert_logits(&fine, 33, false, "fine_33_eval");
}

/// Logits, the map and the logit of the whole image, with statistics as stored and as of the batch.
#[test]
fn the_network_with_a_map_in_both_modes() {
    let fracture_map = FractureMapOptions {
        widths: [8, 8, 12, 16, 20],
        blocks: [1, 2, 1, 1],
        pyramid: 8,
        top: 3,
        dropout: 0.0,
        drop_path: 0.0,
    };
    let net = Architecture {
        name: ArchitectureName::FractureMap,
        fracture_map,
        ..Architecture::default()
    }
    .build(64, Device::Cpu)
    .expect("builds");
    fill(&net);
    assert_answer(&net, "fracture_map_64");
}

/// Logits, map and logit of the whole on three 64-pixel images, and the logits with the batch's statistics.
fn assert_answer(net: &Net, key: &str) {
    let answer = net.answer(&films(3, 64), false).expect("computes");
    let flat = |tensor: &Tensor| {
        Vec::<f64>::try_from(tensor.flatten(0, -1).to_kind(Kind::Double)).expect("a vector")
    };
    let of = |part: &str| format!("{key}_{part}");
    assert_near(&flat(&answer.logits), &of("eval"));
    let map = answer.map.expect("has a map").get(1);
    assert_near(&flat(&map), &of("eval_map"));
    assert_near(
        &flat(&answer.whole.expect("has a whole")),
        &of("eval_whole"),
    );
    assert_logits(net, 64, true, &of("train"));
}

#[test]
fn efficientnet_lite_in_both_modes() {
    for variant in LiteVariant::ALL {
        let efficientnet_lite = EfficientNetLiteOptions {
            variant,
            pyramid: 8,
            top: 3,
            dropout: 0.0,
            whole_dropout: 0.0,
            drop_path: 0.0,
            frozen_stages: 0,
        };
        let net = Architecture {
            name: ArchitectureName::EfficientnetLite,
            efficientnet_lite,
            ..Architecture::default()
        }
        .build(64, Device::Cpu)
        .expect("builds");
        fill(&net);
        assert_answer(&net, &format!("efficientnet_{}_64", variant.name()));
    }
}
