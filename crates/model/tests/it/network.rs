//! Shapes, counts and names of the networks.

use osteon_model::{
    Architecture, ArchitectureName, Compute, Device, MemoryFormat, Net, Precision, ResidualOptions,
};
use tch::{Kind, Tensor};

use crate::parity;

fn build(name: ArchitectureName, side: usize) -> Net {
    Architecture {
        name,
        ..Architecture::default()
    }
    .build(side, Device::Cpu)
    .expect("builds")
}

#[test]
fn the_seed_s_network_has_its_parameters_exactly() {
    assert_eq!(
        build(ArchitectureName::SeedCnn, 150).parameters(),
        2_822_945
    );
}

#[test]
fn the_default_network_is_compact() {
    let parameters = build(ArchitectureName::Residual, 224).parameters();
    assert_eq!(parameters, 1_255_265);
    assert!(parameters <= 1_500_000);
}

#[test]
fn films_in_logits_out() {
    for (name, side) in [
        (ArchitectureName::SeedCnn, 150),
        (ArchitectureName::Residual, 224),
        (ArchitectureName::Residual, 97),
    ] {
        let net = build(name, side);
        let films = Tensor::randn([3, 1, side as i64, side as i64], (Kind::Float, Device::Cpu));
        for train in [false, true] {
            let logits = net.forward(&films, train).expect("computes");
            assert_eq!(logits.size(), [3], "{name} at {side}");
        }
    }
}

#[test]
fn names_are_those_of_the_code() {
    let names: Vec<String> = build(ArchitectureName::SeedCnn, 150)
        .tensors()
        .into_iter()
        .map(|(n, _)| n)
        .collect();
    let expected = ["conv1", "conv2", "fc1", "fc2"]
        .map(|layer| [format!("{layer}.bias"), format!("{layer}.weight")]);
    assert_eq!(names, expected.concat());
    let residual = build(ArchitectureName::Residual, 64).tensors();
    for name in [
        "stem.weight",
        "stem_bn.running_var",
        "stages.1.0.shortcut.weight",
        "stages.2.1.bn2.bias",
        "fc.weight",
    ] {
        assert!(residual.iter().any(|(known, _)| known == name), "{name}");
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let wrong = [
        ResidualOptions {
            widths: vec![],
            ..ResidualOptions::default()
        },
        ResidualOptions {
            blocks: vec![1],
            ..ResidualOptions::default()
        },
        ResidualOptions {
            dropout: 1.0,
            ..ResidualOptions::default()
        },
    ];
    for residual in wrong {
        let architecture = Architecture {
            residual,
            ..Architecture::default()
        };
        assert!(architecture.check(64).is_err());
        assert!(architecture.build(64, Device::Cpu).is_err());
    }
}

#[test]
fn more_stages_than_the_film_has_halves_are_refused() {
    let residual = ResidualOptions {
        widths: vec![4; 5],
        blocks: vec![1; 5],
        ..ResidualOptions::default()
    };
    let architecture = Architecture {
        residual,
        ..Architecture::default()
    };
    assert!(architecture.check(64).is_ok());
    assert_eq!(
        architecture.check(31).expect_err("16 after the stem").0,
        "residual.widths"
    );
}

#[test]
fn a_film_of_another_size_is_an_error_not_a_panic() {
    let net = build(ArchitectureName::SeedCnn, 150);
    let films = Tensor::zeros([1, 1, 64, 64], (Kind::Float, Device::Cpu));
    assert!(net.forward(&films, false).is_err());
}

#[test]
fn sixteen_bits_stay_near_and_logits_and_gradients_stay_f32() {
    for (name, side) in [
        (ArchitectureName::SeedCnn, 36),
        (ArchitectureName::Residual, 64),
    ] {
        let mut net = build(name, side);
        let films = Tensor::randn([4, 1, side as i64, side as i64], (Kind::Float, Device::Cpu));
        let plain = net.forward(&films, false).expect("computes");
        net.set_compute(Compute {
            precision: Precision::Bf16,
            memory_format: MemoryFormat::ChannelsLast,
        })
        .expect("converts");
        let rough = net.forward(&films, false).expect("computes");
        assert_eq!((rough.kind(), rough.size()), (Kind::Float, vec![4]));
        let far = (&plain - &rough).abs().max().double_value(&[]);
        let scale = plain.abs().max().double_value(&[]).max(0.1);
        assert!(far > 0.0 && far < 0.1 * scale, "{name}: {far} of {scale}");
        let logits = net.forward(&films, true).expect("computes");
        logits.sum(Kind::Float).f_backward().expect("computes");
        for (weight, tensor) in net.tensors() {
            if tensor.requires_grad() {
                let grad = tensor.grad();
                assert_eq!(
                    (grad.kind(), grad.size()),
                    (Kind::Float, tensor.size()),
                    "{weight}"
                );
                assert!(grad.isfinite().all().int64_value(&[]) == 1, "{weight}");
            }
        }
    }
}

#[test]
fn a_frozen_network_gives_the_same_logits() {
    for precision in [Precision::Fp32, Precision::Bf16] {
        for name in [ArchitectureName::SeedCnn, ArchitectureName::Residual] {
            let mut net = build(name, 64);
            // Weights and images as drawn give logits near 0 now and then, to which no error is small.
            parity::fill(&net);
            net.set_compute(Compute {
                precision,
                memory_format: MemoryFormat::ChannelsLast,
            })
            .expect("converts");
            let films = parity::films(4, 64);
            // A step of training moves the norms' statistics.
            let _ = net.forward(&films, true).expect("computes");
            let plain = net.forward(&films, false).expect("computes");
            net.freeze().expect("freezes");
            let frozen = net.forward(&films, false).expect("computes");
            let far = (&plain - &frozen).abs().max().double_value(&[]);
            let scale = plain.abs().max().double_value(&[]).max(0.1);
            // In 16 bits either way rounds, each elsewhere.
            let limit = if precision == Precision::Fp32 {
                1e-5
            } else {
                0.1
            };
            assert!(far <= limit * scale, "{name} {precision}: {far} of {scale}");
        }
    }
}
