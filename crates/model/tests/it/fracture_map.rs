//! The network that says where.

use osteon_model::{
    Architecture, ArchitectureName, Compute, Device, FractureMapOptions, MemoryFormat, Net,
};
use tch::{Kind, Tensor};

use crate::parity::random_films as films;

fn architecture(fracture_map: FractureMapOptions) -> Architecture {
    Architecture {
        name: ArchitectureName::FractureMap,
        fracture_map,
        ..Architecture::default()
    }
}

fn small() -> FractureMapOptions {
    FractureMapOptions {
        widths: [8, 8, 12, 16, 20],
        blocks: [1, 2, 1, 1],
        pyramid: 8,
        top: 3,
        ..FractureMapOptions::default()
    }
}

fn build(options: FractureMapOptions, side: usize) -> Net {
    architecture(options)
        .build(side, Device::Cpu)
        .expect("builds")
}

fn apart(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

#[test]
fn it_has_the_parameters_of_its_drawing() {
    let net = build(FractureMapOptions::default(), 64);
    assert_eq!(net.parameters(), 2_893_234);
    // Two bytes each and the header must fit what ships, 8 MiB.
    assert!(net.parameters() * 2 < 7 << 20);
}

#[test]
fn features_and_map_have_the_shapes_of_the_drawing() {
    let net = build(FractureMapOptions::default(), 96);
    for train in [false, true] {
        let mode = if train {
            net.compute().training()
        } else {
            net.compute().judging()
        };
        let features = net.network.features(&films(2, 96), mode).expect("computes");
        let sizes: Vec<_> = features.iter().map(Tensor::size).collect();
        assert_eq!(sizes, [vec![2, 64, 12, 12], vec![2, 256, 3, 3]]);
        let answer = net.network.answer(&features, mode).expect("computes");
        assert_eq!(answer.logits.size(), [2]);
        assert_eq!(answer.map.expect("has a map").size(), [2, 12, 12]);
        assert_eq!(answer.whole.expect("has a whole").size(), [2]);
    }
    assert_eq!(net.architecture.map_cell(), Some(8));
    assert_eq!(Architecture::default().map_cell(), None);
}

#[test]
fn a_film_s_logit_is_the_mean_of_the_highest_cells_and_the_whole() {
    let net = build(small(), 64);
    let answer = net.answer(&films(3, 64), false).expect("computes");
    let (map, whole) = (answer.map.expect("map"), answer.whole.expect("whole"));
    for film in 0..3 {
        let mut cells: Vec<f64> =
            Vec::try_from(map.get(film).flatten(0, -1).to_kind(Kind::Double)).expect("a vector");
        cells.sort_by(|a, b| b.total_cmp(a));
        let expected = cells[..3].iter().sum::<f64>() / 3.0 + whole.double_value(&[film]);
        let logit = answer.logits.double_value(&[film]);
        assert!((logit - expected).abs() < 1e-5, "{logit} and {expected}");
    }
}

/// What freezing folds must be what training left, statistics included.
#[test]
fn a_frozen_network_says_the_same() {
    let mut net = build(FractureMapOptions::default(), 64);
    net.set_compute(Compute {
        memory_format: MemoryFormat::ChannelsLast,
        ..Compute::default()
    })
    .expect("converts");
    let films = films(4, 64);
    let _ = net.forward(&films, true).expect("computes");
    let plain = net.answer(&films, false).expect("computes");
    net.freeze().expect("freezes");
    let frozen = net.answer(&films, false).expect("computes");
    let near = |a: &Tensor, b: &Tensor| {
        let scale = a.abs().max().double_value(&[]).max(1.0);
        assert!(apart(a, b) < 1e-4 * scale, "{} of {scale}", apart(a, b));
    };
    near(&plain.logits, &frozen.logits);
    near(&plain.map.expect("map"), &frozen.map.expect("map"));
}

/// Near to its shortcuts, and with few fractures expected.
#[test]
fn it_begins_as_it_says() {
    let net = build(small(), 64);
    let mut gains = 0;
    for (name, tensor) in net.tensors() {
        let all = |value: f64| apart(&tensor, &tensor.full_like(value)) < 1e-7;
        if name.ends_with("bn2.weight") {
            assert!(all(0.2), "{name}");
            gains += 1;
        } else if name.ends_with("bn1.weight") {
            assert!(all(1.0), "{name}");
        } else if name == "map.bias" {
            assert!(all(-3.0), "{name}");
        }
        assert!(name.contains("running") || tensor.requires_grad(), "{name}");
    }
    assert_eq!(gains, 5);
}

/// Every weight has a part in what is taught.
#[test]
fn gradients_reach_every_weight() {
    let options = FractureMapOptions {
        dropout: 0.0,
        drop_path: 0.0,
        ..small()
    };
    let net = build(options, 64);
    let answer = net.answer(&films(4, 64), true).expect("computes");
    let map = answer.map.expect("map");
    let sum = answer.logits.sum(Kind::Float) + map.sum(Kind::Float);
    sum.f_backward().expect("computes");
    for (name, tensor) in net.tensors() {
        if tensor.requires_grad() {
            assert!(tensor.grad().defined(), "{name}");
            assert!(
                tensor.grad().abs().sum(Kind::Float).double_value(&[]) > 0.0,
                "{name}"
            );
        }
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let with = |change: fn(&mut FractureMapOptions)| {
        let mut options = FractureMapOptions::default();
        change(&mut options);
        options
    };
    let cases = [
        (with(|o| o.widths[3] = 0), "fracture_map.widths"),
        (with(|o| o.blocks[0] = 0), "fracture_map.blocks"),
        (with(|o| o.pyramid = 4096), "fracture_map.pyramid"),
        (with(|o| o.top = 0), "fracture_map.top"),
        // 64 pixels have 8×8 cells.
        (with(|o| o.top = 65), "fracture_map.top"),
        (with(|o| o.dropout = 1.0), "fracture_map.dropout"),
        (with(|o| o.drop_path = f64::NAN), "fracture_map.drop_path"),
    ];
    for (options, key) in cases {
        let architecture = architecture(options);
        assert_eq!(architecture.check(64).expect_err(key).0, key);
        assert!(architecture.build(64, Device::Cpu).is_err());
    }
    let plain = architecture(FractureMapOptions::default());
    for side in [16, 48, 225] {
        let (key, must) = plain.check(side).expect_err("32 does not divide it");
        assert!(
            key == "name" && must.contains("32 divides"),
            "{side}: {must}"
        );
    }
    assert!(plain.check(32).is_ok(), "16 cells");
}

/// Fully convolutional: weights for one size serve another.
#[test]
fn the_weights_do_not_depend_on_the_film_s_size() {
    let (a, b) = (build(small(), 64), build(small(), 96));
    let weights = a.tensors().into_iter().collect();
    b.copy_weights(&weights, "a".as_ref()).expect("fit");
    let answer = b.answer(&films(1, 96), false).expect("computes");
    assert_eq!(answer.map.expect("map").size(), [1, 12, 12]);
}
