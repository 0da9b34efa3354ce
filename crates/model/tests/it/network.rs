//! Shapes, counts and names of the networks.

use osteon_model::{Architecture, ArchitectureName, Device, Net, ResidualOptions};
use tch::{Kind, Tensor};

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
            let logits = net.network.forward(&films, train).expect("computes");
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
    assert!(net.network.forward(&films, false).is_err());
}
