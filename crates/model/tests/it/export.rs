//! The networks as TorchScript and their own forward pass, every one, in batches of any size. ONNX Runtime's word on ONNX is in `cli`'s tests.

use osteon_metrics::Isotonic;
use osteon_model::{
    Architecture, ArchitectureName, Calibration, CalibrationMethod, Device, ExportFormat,
    FractureMapOptions, ModelInfo, Net, ResidualOptions, ResidualSize, export, load, read_info,
    save,
};
use tch::{CModule, IValue, Kind, Tensor};

use crate::parity::{fill, films};

fn residual(options: ResidualOptions) -> Architecture {
    Architecture {
        residual: options,
        ..Architecture::default()
    }
}

/// Every network, with the side of its images.
fn networks() -> Vec<(Architecture, usize)> {
    let named = |name| Architecture {
        name,
        ..Architecture::default()
    };
    let size = |size| {
        residual(ResidualOptions {
            size,
            ..ResidualOptions::default()
        })
    };
    let small = FractureMapOptions {
        widths: [8, 8, 12, 16, 20],
        blocks: [1, 2, 1, 1],
        pyramid: 8,
        top: 3,
        ..FractureMapOptions::default()
    };
    vec![
        (named(ArchitectureName::SeedCnn), 30),
        (size(ResidualSize::Small), 48),
        (size(ResidualSize::Medium), 33),
        (size(ResidualSize::Large), 32),
        (
            residual(ResidualOptions {
                widths: vec![8, 8, 12],
                blocks: vec![2, 1, 1],
                stem_stride: 1,
                ..ResidualOptions::default()
            }),
            33,
        ),
        (
            Architecture {
                fracture_map: small,
                ..named(ArchitectureName::FractureMap)
            },
            64,
        ),
        (named(ArchitectureName::FractureMap), 96),
        (named(ArchitectureName::EfficientnetLite), 64),
    ]
}

fn info_of(architecture: &Architecture, side: usize) -> ModelInfo {
    let mut info = ModelInfo::new(architecture.clone(), osteon_data::Preprocess::default());
    info.preprocess.size = side as u32;
    info.calibration = Calibration {
        method: CalibrationMethod::Platt,
        slope: 0.7,
        intercept: -0.3,
        isotonic: None,
    };
    info
}

fn opened(net: &Net, info: &ModelInfo) -> CModule {
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("model.pt");
    export(net, info, ExportFormat::TorchScript, &file).expect("exports");
    CModule::load(&file).expect("libtorch reads it")
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.flatten(0, -1).to_kind(Kind::Double)).expect("a vector")
}

fn assert_near(ours: &[f64], theirs: &[f64], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        let apart = (ours - theirs).abs();
        assert!(
            apart < 1e-5 * theirs.abs().max(1.0),
            "{what}: {ours} {theirs}"
        );
    }
}

#[test]
fn torchscript_says_what_the_network_says() {
    for (architecture, side) in networks() {
        let what = format!("{} {side}", architecture.name);
        let net = architecture.build(side, Device::Cpu).expect("builds");
        fill(&net);
        let info = info_of(&architecture, side);
        let module = opened(&net, &info);
        for count in [1, 3, 20] {
            let x = films(count, side as i64);
            let answer = net.answer(&x, false).expect("computes");
            let logits = numbers(&answer.logits);
            let theirs = module.method_ts("logit", &[&x]).expect("runs");
            assert_eq!(theirs.size(), [count], "{what}");
            assert_near(&numbers(&theirs), &logits, &what);
            let scores: Vec<f64> = logits.iter().map(|&l| info.calibration.score(l)).collect();
            let theirs = module.forward_ts(&[&x]).expect("runs");
            assert_near(&numbers(&theirs), &scores, &what);
            assert!(
                count == 1 || (scores[0] - scores[1]).abs() > 1e-9,
                "{what} tells images apart"
            );
            match answer.map {
                Some(map) => {
                    let theirs = module.method_ts("map_logits", &[&x]).expect("runs");
                    assert_eq!(theirs.size(), map.size(), "{what}");
                    assert_near(&numbers(&theirs), &numbers(&map), &what);
                    let both = module.method_is("score_and_map", &[IValue::Tensor(x)]);
                    assert!(
                        matches!(both.expect("runs"), IValue::Tuple(parts) if parts.len() == 2)
                    );
                }
                None => assert!(module.method_ts("map_logits", &[&x]).is_err(), "{what}"),
            }
        }
        // Names as they were, for `state_dict`.
        let mut names: Vec<String> = module
            .named_parameters()
            .expect("names")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        let own = net.tensors().into_iter();
        let own: Vec<String> = own
            .filter(|(_, t)| t.requires_grad())
            .map(|(n, _)| n)
            .collect();
        assert_eq!(names, own, "{what}");
    }
}

/// A curve with flat and steep pieces, at its knots, between and beyond them.
#[test]
fn an_isotonic_calibration_goes_along() {
    let (architecture, side) = networks().swap_remove(4);
    let net = architecture.build(side, Device::Cpu).expect("builds");
    fill(&net);
    let x = films(20, side as i64);
    let logits = numbers(&net.forward(&x, false).expect("computes"));
    let (low, high) = logits
        .iter()
        .fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let at = |share: f64| low + (high - low) * share;
    for knots in [
        vec![
            (at(0.2), 0.1),
            (at(0.3), 0.1),
            (at(0.31), 0.5),
            (at(0.7), 0.9),
        ],
        vec![(at(0.5), 0.4)],
    ] {
        let mut info = info_of(&architecture, side);
        info.calibration = Calibration {
            method: CalibrationMethod::Isotonic,
            isotonic: Some(Isotonic::new(knots).expect("rises")),
            ..Calibration::NONE
        };
        let scores: Vec<f64> = logits.iter().map(|&l| info.calibration.score(l)).collect();
        let theirs = opened(&net, &info).forward_ts(&[&x]).expect("runs");
        assert_near(&numbers(&theirs), &scores, "isotonic");
    }
}

/// 16 bits become 32, and the header stays but for the weights' checksum.
#[test]
fn plain_safetensors_keep_the_header() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (half, plain) = (dir.path().join("half"), dir.path().join("plain"));
    let (architecture, side) = networks().swap_remove(4);
    let net = architecture.build(side, Device::Cpu).expect("builds");
    let info = info_of(&architecture, side);
    osteon_model::save_as(&half, &net, &info, osteon_model::Storage::Half).expect("writes");
    let (net, info) = load(&half, Device::Cpu).expect("reads");
    export(&net, &info, ExportFormat::Safetensors, &plain).expect("exports");
    let mut found = read_info(&plain).expect("reads");
    assert_ne!(found.weights_sha256, info.weights_sha256);
    found.weights_sha256.clone_from(&info.weights_sha256);
    assert_eq!(found, info);
    let (again, _) = load(&plain, Device::Cpu).expect("reads");
    for ((name, a), (_, b)) in net.tensors().iter().zip(&again.tensors()) {
        assert_eq!(numbers(a), numbers(b), "{name}");
    }
    save(&plain, &net, &info).expect("writes");
}
