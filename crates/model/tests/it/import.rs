//! What PyTorch users save (`tests/oracles/make_state_dicts.py`), read without running any of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use osteon_data::Preprocess;
use osteon_model::{
    Architecture, ArchitectureName, CalibrationMethod, Device, ModelError, ModelInfo, Net, Rename,
    ResidualOptions, import, write_tensors,
};
use serde_json::Value;
use tch::Kind;

use crate::parity::{fill, films};

fn saved(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/state_dicts");
    folder.join(name)
}

fn tiny() -> Architecture {
    Architecture {
        residual: ResidualOptions {
            widths: vec![4, 8],
            blocks: vec![1, 1],
            ..ResidualOptions::default()
        },
        ..Architecture::default()
    }
}

fn side(size: u32) -> Preprocess {
    Preprocess {
        size,
        ..Preprocess::default()
    }
}

fn read(file: &Path, renames: &[&str]) -> Result<(Net, ModelInfo), ModelError> {
    let renames: Vec<Rename> = renames
        .iter()
        .map(|r| r.parse().expect("a rename"))
        .collect();
    import(file, &tiny(), &side(33), &renames)
}

fn assert_logits(net: &Net, side: i64, theirs: &Value, within: f64, what: &str) {
    let logits = net.forward(&films(3, side), false).expect("computes");
    let logits: Vec<f64> = Vec::try_from(logits.to_kind(Kind::Double)).expect("a vector");
    let theirs = theirs.as_array().expect("a list");
    assert_eq!(logits.len(), theirs.len());
    for (ours, theirs) in logits.iter().zip(theirs) {
        let theirs = theirs.as_f64().expect("a number");
        assert!((ours - theirs).abs() < within, "{what}: {ours} {theirs}");
    }
}

#[test]
fn state_dicts_give_pytorch_s_logits() {
    let logits: Value =
        serde_json::from_str(include_str!("../oracles/state_dicts/logits.json")).expect("JSON");
    let logits = &logits["residual_33"];
    let files: [(&str, &[&str], f64); 8] = [
        ("state.pt", &[], 1e-5),
        ("state.safetensors", &[], 1e-5),
        ("parameters.pt", &[], 1e-5),
        ("views.pt", &[], 1e-5),
        ("protocol4.pt", &[], 1e-5),
        ("parallel.pt", &["module="], 1e-5),
        ("legacy.pt", &[], 1e-5),
        // Rounded when it was saved.
        ("half.pt", &[], 5e-3),
    ];
    for (name, renames, within) in files {
        let (net, info) = read(&saved(name), renames).expect(name);
        assert_logits(&net, 33, logits, within, name);
        assert_eq!(info.calibration.method, CalibrationMethod::None);
        assert_eq!((info.threshold(), info.licence), (0.5, None));
    }
}

/// PyTorch's logits of the seed's network with weights by the formula that both sides know, by way of a plain safetensors file.
#[test]
fn the_seed_s_network() {
    let oracles: Value =
        serde_json::from_str(include_str!("../oracles/oracles.json")).expect("JSON");
    let architecture = Architecture {
        name: ArchitectureName::SeedCnn,
        ..Architecture::default()
    };
    let net = architecture.build(24, Device::Cpu).expect("builds");
    fill(&net);
    let dir = tempfile::tempdir().expect("temporary folder");
    let file = dir.path().join("seed.safetensors");
    write_tensors(&file, &net.tensors(), BTreeMap::new()).expect("writes");
    let (net, _) = import(&file, &architecture, &side(24), &[]).expect("imports");
    assert_logits(&net, 24, &oracles["seed_cnn_24"], 1e-5, "seed_cnn");
    let said = refusal(import(&file, &architecture, &side(28), &[]));
    assert!(
        said.contains("tensor fc1.weight has shape [64, 1152], expected [64, 1568]"),
        "{said}"
    );
}

fn refusal(read: Result<(Net, ModelInfo), ModelError>) -> String {
    match read {
        Ok(_) => panic!("was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_flat_dict_of_tensors_is_refused() {
    for (name, said) in [
        (
            "checkpoint.pt",
            "its entry state_dict is a dict; a state_dict of tensors alone is read",
        ),
        (
            "module.pt",
            "it asks for networks.Residual, which is not run",
        ),
        ("foreign.pt", "it asks for posix.system, which is not run"),
        ("list.pt", "its top is a list"),
        ("bare.pt", "a pickle, but not one that torch.save writes"),
        (
            "double.pt",
            "has element type Double, expected Float or Half",
        ),
        (
            "logits.json",
            "neither a safetensors file nor what torch.save writes",
        ),
    ] {
        let found = refusal(read(&saved(name), &[]));
        assert!(found.contains(said), "{name}: {found}");
    }
    assert!(!Path::new("pickle_was_run").exists());
}

#[test]
fn names_that_do_not_fit_are_named_with_the_nearest() {
    let found = refusal(read(&saved("parallel.pt"), &[]));
    assert!(
        found.contains("tensor module.fc.bias is unknown; the nearest known name is fc.bias"),
        "{found}"
    );
    let found = refusal(read(&saved("state.pt"), &["stem=steam"]));
    assert!(
        found.contains("tensor steam.weight is unknown; the nearest known name is stem.weight"),
        "{found}"
    );
    let found = refusal(read(&saved("state.pt"), &["fc.weight=fc.bias"]));
    assert!(found.contains("tensor fc.bias comes twice"), "{found}");
}

/// Every beginning of a good file, and the file with any one byte of its pickles changed, is read or refused, never worse.
#[test]
fn damage_is_refused() {
    for name in ["state.pt", "legacy.pt"] {
        let whole = std::fs::read(saved(name)).expect("reads");
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join("damaged.pt");
        let mut refused = 0;
        for end in (0..whole.len()).step_by(997) {
            std::fs::write(&file, &whole[..end]).expect("writes");
            assert!(read(&file, &[]).is_err(), "the first {end} bytes of {name}");
        }
        for at in (0..4096).step_by(61) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            std::fs::write(&file, &bytes).expect("writes");
            refused += usize::from(read(&file, &[]).is_err());
        }
        assert!(refused > 20, "{name}: {refused}");
    }
}
