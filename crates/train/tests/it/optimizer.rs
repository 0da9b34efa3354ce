//! SGD, Adam and AdamW against PyTorch's (`tests/oracles/make_oracles.py`).

use osteon_model::{Architecture, ArchitectureName, Device, Net};
use osteon_train::{Optimizer, OptimizerConfig, OptimizerName};
use serde_json::Value;
use tch::{Kind, Tensor};

fn filled(count: usize, value: impl Fn(f64) -> f64) -> Tensor {
    let values: Vec<f32> = (0..count).map(|i| value(i as f64) as f32).collect();
    Tensor::from_slice(&values)
}

fn network() -> Net {
    let architecture = Architecture {
        name: ArchitectureName::SeedCnn,
        ..Architecture::default()
    };
    let net = architecture.build(16, Device::Cpu).expect("builds");
    for (k, (_, tensor)) in net.tensors().into_iter().enumerate() {
        let values = filled(tensor.numel(), |i| 0.1 * (0.37 * i + k as f64).sin());
        tensor.detach().copy_(&values.reshape(tensor.size()));
    }
    net
}

/// Gradients by formula: those of Σ w·g.
fn step(net: &Net, optimizer: &mut Optimizer, t: f64) {
    optimizer.zero_grad().expect("zeroes");
    let mut loss = Tensor::zeros([1], (Kind::Float, Device::Cpu));
    for (k, (_, tensor)) in net.tensors().into_iter().enumerate() {
        let gradient =
            filled(tensor.numel(), |i| (0.23 * i + k as f64).cos() * t).reshape(tensor.size());
        loss += (&tensor * gradient).sum(Kind::Float);
    }
    loss.sum(Kind::Float).backward();
    optimizer.step(1.0).expect("steps");
}

fn config(name: OptimizerName) -> OptimizerConfig {
    OptimizerConfig {
        name,
        lr: 0.01,
        weight_decay: 0.1,
        ..OptimizerConfig::default()
    }
}

fn first_values(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().flatten(0, -1).to_kind(Kind::Double)).expect("a vector")
}

#[test]
fn five_steps_end_where_pytorch_s_do() {
    let oracles: Value =
        serde_json::from_str(include_str!("../oracles/oracles.json")).expect("JSON");
    let nesterov = OptimizerConfig {
        nesterov: true,
        ..config(OptimizerName::Sgd)
    };
    let clipped = OptimizerConfig {
        clip_norm: 10.0,
        ..config(OptimizerName::Adamw)
    };
    for (config, key) in [
        (config(OptimizerName::Sgd), "sgd"),
        (nesterov, "nesterov"),
        (config(OptimizerName::Adam), "adam"),
        (config(OptimizerName::Adamw), "adamw"),
        (clipped, "adamw_clip_10"),
    ] {
        let net = network();
        let mut optimizer = Optimizer::new(&config, &net).expect("state");
        for t in 1..=5 {
            step(&net, &mut optimizer, f64::from(t));
        }
        for (tensor_name, tensor) in net.tensors() {
            let expected: Vec<f64> =
                serde_json::from_value(oracles[key][&tensor_name].clone()).expect("numbers");
            let values = first_values(&tensor);
            let sum: f64 = values.iter().sum();
            assert!(
                (sum - expected[0]).abs() < 1e-6 * values.len() as f64,
                "{key} {tensor_name}: sum {sum}"
            );
            for (ours, theirs) in values.iter().zip(&expected[1..]) {
                assert!(
                    (ours - theirs).abs() < 2e-6,
                    "{key} {tensor_name}: {ours} and {theirs}"
                );
            }
        }
    }
}

#[test]
fn a_restored_state_goes_on_to_the_bit() {
    let config = config(OptimizerName::Adamw);
    let (net, other) = (network(), network());
    let mut optimizer = Optimizer::new(&config, &net).expect("state");
    step(&net, &mut optimizer, 1.0);
    let state = optimizer
        .state()
        .map(|(name, t)| (name, t.copy()))
        .collect();
    let weights = net
        .tensors()
        .into_iter()
        .map(|(name, t)| (name, t.detach().copy()))
        .collect();
    step(&net, &mut optimizer, 2.0);

    let mut restored = Optimizer::new(&config, &other).expect("state");
    other
        .copy_weights(&weights, "memory".as_ref())
        .expect("fits");
    restored.restore(&state).expect("copies").expect("fits");
    step(&other, &mut restored, 2.0);
    for ((name, a), (_, b)) in net.tensors().into_iter().zip(other.tensors()) {
        assert!(a == b, "{name}");
    }
}

#[test]
fn a_state_that_does_not_fit_names_its_tensor() {
    let net = network();
    let mut optimizer = Optimizer::new(&config(OptimizerName::Adam), &net).expect("state");
    let missing = optimizer
        .restore(&osteon_model::TensorRecord::new())
        .expect("no libtorch error");
    assert_eq!(
        missing.expect_err("nothing in it"),
        "optimizer.mean.conv1.bias"
    );
}
