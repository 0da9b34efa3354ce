//! Losses and schedules against PyTorch's (`tests/oracles/make_oracles.py`).

use osteon_model::{Answer, Device};
use osteon_train::{Loss, LossConfig, LossName, ScheduleConfig, ScheduleName};
use serde_json::Value;
use tch::{Kind, Tensor};

fn oracles() -> Value {
    serde_json::from_str(include_str!("../oracles/oracles.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|v| v.as_f64().expect("a number")).collect()
}

#[test]
fn losses_are_pytorch_s() {
    let oracles = oracles();
    let count = 17;
    let logits = Tensor::arange(count, (Kind::Double, Device::Cpu)) * 0.5 - 4.0;
    let hard = Tensor::arange(count, (Kind::Double, Device::Cpu)).remainder(2);
    let soft = Tensor::arange(count, (Kind::Double, Device::Cpu)).remainder(5) * 0.25;
    let plain = LossConfig::default();
    let focal = |gamma| LossConfig {
        name: LossName::Focal,
        focal_gamma: gamma,
        ..LossConfig::default()
    };
    let weighted = |config: LossConfig| LossConfig {
        positive_weight: 3.0,
        ..config
    };
    let smooth = LossConfig {
        label_smoothing: 0.2,
        ..LossConfig::default()
    };
    let cases = [
        ("bce_hard", plain.clone(), &hard),
        ("bce_soft_weight_3", weighted(plain), &soft),
        ("bce_smoothing_0.2", smooth, &hard),
        ("focal_2_hard", focal(2.0), &hard),
        ("focal_1.5_soft_weight_3", weighted(focal(1.5)), &soft),
    ];
    for (name, config, targets) in cases {
        let loss = Loss::new(&config, 50, 50, Device::Cpu).expect("makes");
        let ours: Vec<f64> =
            Vec::try_from(loss.per_image(&logits, targets).expect("computes")).expect("a vector");
        let theirs = numbers(&oracles["losses"][name]);
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() < 1e-6, "{name}: {ours} {theirs}");
        }
    }
}

/// The image's logit, the logit of the whole and the map, each with its weight; cells that are not known have no part.
#[test]
fn the_loss_of_an_answer_s_parts_is_pytorch_s() {
    let config = LossConfig {
        map: 2.0,
        map_positive_weight: 3.0,
        whole: 0.5,
        ..LossConfig::default()
    };
    let numbers = || Tensor::arange(48, (Kind::Float, Device::Cpu));
    let answer = || Answer {
        logits: Tensor::from_slice(&[-1.5_f32, 0.25, 2.0]),
        map: Some(((numbers() * 0.7).sin() * 2.0).reshape([3, 4, 4])),
        whole: Some(Tensor::from_slice(&[0.5_f32, -0.75, 1.0])),
    };
    let truth = numbers().remainder(5) - 1.0;
    let truth = truth.where_self(&truth.le(1.0), &truth.zeros_like());
    let truth = truth.reshape([3, 4, 4]);
    let targets = Tensor::from_slice(&[0.0_f32, 1.0, 1.0]);
    let loss = Loss::new(&config, 50, 50, Device::Cpu).expect("makes");
    let of = |loss: &Loss, maps| {
        let sum = loss.of(&answer(), &targets, maps).expect("computes");
        sum.double_value(&[])
    };
    let theirs = oracles()["loss_of_parts"].as_f64().expect("a number");
    let ours = of(&loss, Some(&truth));
    assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");
    // Not taught, the parts count for nothing.
    let plain = Loss::new(&LossConfig::default(), 50, 50, Device::Cpu).expect("makes");
    let films = plain
        .per_image(&answer().logits, &targets)
        .expect("computes");
    let films = films.sum(Kind::Float).double_value(&[]);
    assert!((of(&plain, None) - films).abs() < 1e-6);
    assert!(
        (of(&plain, Some(&truth)) - films).abs() < 1e-6,
        "a weight of 0"
    );
}

#[test]
fn a_step_s_rate_is_pytorch_s() {
    let oracles = oracles();
    let schedule = |name| ScheduleConfig {
        name,
        warmup_epochs: 0.0,
        final_fraction: 0.1,
        step_epochs: 3,
        step_factor: 0.5,
        ..ScheduleConfig::default()
    };
    // A step's rate is that of its end on the smooth curves; where the rate falls by steps, that of its epoch.
    let cases = [
        ("cosine", schedule(ScheduleName::Cosine), 0.0),
        ("one_cycle", schedule(ScheduleName::OneCycle), 0.0),
        ("step", schedule(ScheduleName::Step), 1.0),
    ];
    for (name, schedule, shift) in cases {
        let theirs = numbers(&oracles["schedules"][name]);
        for (k, theirs) in theirs.iter().enumerate() {
            let ours = schedule.factor((k as f64 + shift) / 4.0, 10.0);
            assert!((ours - theirs).abs() < 1e-9, "{name} {k}: {ours} {theirs}");
        }
    }
}
