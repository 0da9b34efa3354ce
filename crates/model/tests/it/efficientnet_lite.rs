//! The backbone with published weights below a map head.

use std::path::{Path, PathBuf};

use osteon_data::{Decoder, Preprocess};
use osteon_model::{
    Architecture, ArchitectureName, Compute, Device, EfficientNetLiteOptions, LiteVariant,
    MemoryFormat, ModelError, Net, begin_from_backbone, import,
};
use serde_json::Value;
use tch::{Kind, Tensor};

use crate::parity::{films, random_films};

fn architecture(efficientnet_lite: EfficientNetLiteOptions) -> Architecture {
    Architecture {
        name: ArchitectureName::EfficientnetLite,
        efficientnet_lite,
        ..Architecture::default()
    }
}

/// Nothing is drawn at random in training.
fn still(variant: LiteVariant) -> EfficientNetLiteOptions {
    EfficientNetLiteOptions {
        variant,
        dropout: 0.0,
        whole_dropout: 0.0,
        drop_path: 0.0,
        ..EfficientNetLiteOptions::default()
    }
}

fn build(options: EfficientNetLiteOptions, side: usize) -> Net {
    architecture(options)
        .build(side, Device::Cpu)
        .expect("builds")
}

fn apart(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

#[test]
fn features_and_map_have_the_shapes_of_the_drawing() {
    let net = build(still(LiteVariant::Lite0), 96);
    let mode = net.compute().judging();
    let features = net.network.features(&films(2, 96), mode).expect("computes");
    let sizes: Vec<_> = features.iter().map(Tensor::size).collect();
    assert_eq!(sizes, [vec![2, 96, 12, 12], vec![2, 1280, 3, 3]]);
    let answer = net.network.answer(&features, mode).expect("computes");
    assert_eq!(answer.map.expect("has a map").size(), [2, 12, 12]);
    assert_eq!(net.architecture.map_cell(), Some(8));
}

#[test]
fn a_frozen_network_says_the_same() {
    let mut net = build(still(LiteVariant::Lite2), 64);
    net.set_compute(Compute {
        memory_format: MemoryFormat::ChannelsLast,
        ..Compute::default()
    })
    .expect("converts");
    let x = random_films(4, 64);
    // Statistics that are not those it began with.
    let _ = net.forward(&x, true).expect("computes");
    let plain = net.answer(&x, false).expect("computes");
    net.freeze().expect("freezes");
    let frozen = net.answer(&x, false).expect("computes");
    for (a, b) in [
        (&plain.logits, &frozen.logits),
        (
            &plain.map.expect("has a map"),
            &frozen.map.expect("has a map"),
        ),
    ] {
        let scale = a.abs().max().double_value(&[]).max(1.0);
        assert!(apart(a, b) < 1e-4 * scale, "{} of {scale}", apart(a, b));
    }
}

/// Gradients of all weights, by whether they are part of the backbone.
fn reached(net: &Net) -> (usize, usize, usize) {
    let answer = net.answer(&random_films(4, 64), true).expect("computes");
    let sum = answer.logits.sum(Kind::Float) + answer.map.expect("map").sum(Kind::Float);
    sum.f_backward().expect("computes");
    let (mut backbone, mut head, mut without) = (0, 0, 0);
    for (name, tensor) in net.tensors() {
        if tensor.requires_grad() {
            if !tensor.grad().defined() {
                without += 1;
            } else if net.architecture.is_of_backbone(&name) {
                backbone += 1;
            } else {
                head += 1;
            }
        }
    }
    (backbone, head, without)
}

#[test]
fn gradients_reach_every_weight_that_is_not_held() {
    let all = build(still(LiteVariant::Lite0), 64);
    let (backbone, head, without) = reached(&all);
    assert_eq!((head, without), (15, 0));
    // Statistics move with the batches.
    let mean = |net: &Net, name: &str| net.tensors().into_iter().find(|(n, _)| n == name);
    let moved = |net: &Net, name: &str| {
        let (_, tensor) = mean(net, name).expect(name);
        tensor.abs().max().double_value(&[]) > 0.0
    };
    let first = "body._bn0.running_mean";
    let last = "body._bn1.running_mean";
    assert!(moved(&all, first) && moved(&all, last));

    // Two stages, 1 + 2 blocks, and the stem: 3 + 6 + 2·9 tensors stay.
    let part = build(
        EfficientNetLiteOptions {
            frozen_stages: 2,
            ..still(LiteVariant::Lite0)
        },
        64,
    );
    assert_eq!(reached(&part), (backbone - 27, 15, 27));
    assert!(!moved(&part, first) && moved(&part, last));

    let mut held = build(still(LiteVariant::Lite0), 64);
    assert!(held.network.hold_backbone(true));
    assert_eq!(reached(&held), (0, 15, backbone));
    assert!(!moved(&held, last));
    held.network.hold_backbone(false);
    assert_eq!(reached(&held), (backbone, 15, 0));
    // A network without a backbone says so.
    let mut plain = Architecture::default()
        .build(64, Device::Cpu)
        .expect("builds");
    assert!(!plain.network.hold_backbone(true));
}

#[test]
fn options_that_make_no_sense_are_refused() {
    type Change = fn(&mut EfficientNetLiteOptions);
    let cases: [(Change, &str); 6] = [
        (|o| o.pyramid = 0, "efficientnet_lite.pyramid"),
        // 64 pixels have 8×8 cells.
        (|o| o.top = 65, "efficientnet_lite.top"),
        (|o| o.dropout = 1.0, "efficientnet_lite.dropout"),
        (
            |o| o.whole_dropout = -0.1,
            "efficientnet_lite.whole_dropout",
        ),
        (|o| o.drop_path = f64::NAN, "efficientnet_lite.drop_path"),
        (|o| o.frozen_stages = 8, "efficientnet_lite.frozen_stages"),
    ];
    for (change, key) in cases {
        let mut options = EfficientNetLiteOptions::default();
        change(&mut options);
        let architecture = architecture(options);
        assert_eq!(architecture.check(64).expect_err(key).0, key);
        assert!(architecture.build(64, Device::Cpu).is_err());
    }
    for side in [0, 16, 48, 225] {
        let plain = architecture(EfficientNetLiteOptions::default());
        let (key, must) = plain.check(side).expect_err("32 does not divide it");
        assert!(key == "name" && must.contains("32 divides"), "{side}");
    }
}

/// Where the published weights lie, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn published(variant: LiteVariant) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/backbones");
    let file = architecture(still(variant)).backbone()?.file();
    let path = folder.join(file);
    if path.is_file() {
        return Some(path);
    }
    println!(
        "skipped: {} is not there (cargo xtask download backbones)",
        path.display()
    );
    None
}

/// A gray image in all three colours gives PyTorch the same features (`tests/oracles/make_backbones.py`).
#[test]
fn published_weights_see_a_gray_image_as_pytorch_does() {
    let oracles: Value =
        serde_json::from_str(include_str!("../oracles/backbones.json")).expect("JSON");
    for variant in LiteVariant::ALL {
        let Some(path) = published(variant) else {
            return;
        };
        let net = build(still(variant), 96);
        let head = |net: &Net| {
            let map = net.tensors().into_iter().find(|(n, _)| n == "map.weight");
            map.expect("has a map").1.copy()
        };
        let before = head(&net);
        begin_from_backbone(&path, &net).expect("takes over");
        assert!(
            apart(&before, &head(&net)) < 1e-12,
            "the head keeps its own"
        );
        let features = net
            .network
            .features(&films(1, 96), net.compute().judging())
            .expect("computes");
        let means = features[1].mean_dim([2, 3].as_slice(), false, Kind::Double);
        let ours: Vec<f64> = Vec::try_from(means.get(0)).expect("a vector");
        let theirs = oracles[format!("efficientnet_{}", variant.name())]
            .as_array()
            .expect("a list");
        for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            let theirs = theirs.as_f64().expect("a number");
            assert!(
                (ours - theirs).abs() < 1e-4 * theirs.abs().max(1.0),
                "{variant:?}, feature {at}: {ours} and {theirs}"
            );
        }
    }
}

#[test]
fn weights_of_another_backbone_or_for_another_network_are_refused() {
    let (Some(lite0), Some(lite2)) = (published(LiteVariant::Lite0), published(LiteVariant::Lite2))
    else {
        return;
    };
    let net = build(still(LiteVariant::Lite0), 64);
    let said = begin_from_backbone(&lite2, &net)
        .expect_err("of another size")
        .to_string();
    assert!(said.contains("tensor body."), "{said}");
    let residual = Architecture::default()
        .build(64, Device::Cpu)
        .expect("builds");
    let error = begin_from_backbone(&lite0, &residual).expect_err("has none");
    assert!(
        matches!(error, ModelError::NoBackbone { .. }) && error.to_string().contains("residual"),
        "{error}"
    );
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/state_dicts/legacy.pt");
    let said = begin_from_backbone(&other, &net)
        .expect_err("is another network")
        .to_string();
    assert!(said.contains("is unknown"), "{said}");
}

/// PyTorch's answers of a network that was trained, to eight radiographs, where they are there.
#[test]
fn a_trained_network_says_what_pytorch_says() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let reference = shared.join("reference");
    let images = shared.join("xrays/fracatlas/val");
    if !reference.is_dir() || !images.is_dir() {
        println!("skipped: {} is not there", reference.display());
        return;
    }
    let preprocess = Preprocess {
        size: 512,
        ..Preprocess::default()
    };
    let (mut net, _) = import(
        &reference.join("lite2_map_512.safetensors"),
        &architecture(still(LiteVariant::Lite2)),
        &preprocess,
        &[],
    )
    .expect("imports");
    net.set_compute(Compute {
        memory_format: MemoryFormat::ChannelsLast,
        ..Compute::default()
    })
    .expect("converts");
    net.freeze().expect("freezes");
    let said = std::fs::read_to_string(reference.join("lite2_map_512.json")).expect("reads");
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let said = said.as_array().expect("a list");
    assert_eq!(said.len(), 8);
    for image in said {
        let name = image["file"].as_str().expect("a name");
        let levels = Decoder::default()
            .decode_path(&images.join(name))
            .expect("decodes");
        let x = net
            .input(&preprocess.apply(&levels), 1, 512)
            .expect("arranges");
        let answer = net.answer(&x, false).expect("computes");
        let map = answer.map.expect("has a map");
        for (what, ours) in [
            ("logit", answer.logits.double_value(&[0])),
            ("whole", answer.whole.expect("whole").double_value(&[0])),
            ("map_max", map.max().double_value(&[])),
            ("map_mean", map.mean(Kind::Double).double_value(&[])),
        ] {
            let theirs = image[what].as_f64().expect("a number");
            // Decoders of JPEG differ by a gray level in places: one level in two pixels of a hundred moves PyTorch's own logit by 0.016.
            assert!(
                (ours - theirs).abs() < 5e-2,
                "{name}, {what}: {ours} and {theirs}"
            );
        }
    }
}
