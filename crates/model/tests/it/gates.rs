//! Gates in a model file that are damaged, or made up to do harm.

use std::path::Path;

use osteon_gate::Gate;
use osteon_model::{Device, Predictor, load_bytes};
use serde_json::{Value, json};

use crate::damage::{refusal, tiny, with_info};

#[test]
fn gates_that_none_is_are_refused() {
    let whole = tiny();
    let dir = tempfile::tempdir().expect("temporary folder");
    let with_gate = {
        let mut stored = json!({
            "version": 2, "features": osteon_gate::FEATURES_VERSION, "hidden": 1, "members": 1,
            "threshold": 0.5, "cross_section_threshold": 0.5, "outside_threshold": 0.5,
            "fitted": {"seed": 0, "pictures": []}, "measured": [], "weights": "",
        });
        // As many numbers as the error asks for, all of them 1.
        let said = serde_json::from_value::<Gate>(stored.clone())
            .expect_err("no weights")
            .to_string();
        let count: usize = said
            .rsplit("need ")
            .next()
            .and_then(|n| n.trim().parse().ok())
            .expect(&said);
        stored["weights"] = base64_of(&1.0_f32.to_le_bytes().repeat(count)).into();
        stored
    };
    let attach = |gate: &Value| {
        with_info(&whole, |info| {
            let mut info: Value = serde_json::from_str(info).expect("JSON");
            info["gate"] = gate.clone();
            info.to_string()
        })
    };
    load_bytes(Path::new("x"), &attach(&with_gate), Device::Cpu).expect("a sound gate");
    let weights = with_gate["weights"].as_str().expect("text").to_owned();
    let no_numbers = {
        let count = weights.len() * 3 / 4 / 4;
        base64_of(&f32::NAN.to_le_bytes().repeat(count))
    };
    for (key, value, says) in [
        (
            "weights",
            json!(&weights[..weights.len() / 2]),
            "gate.weights",
        ),
        ("weights", json!("!!!"), "not base64"),
        ("weights", json!(no_numbers), "not finite"),
        ("weights", json!(null), "invalid type"),
        ("hidden", json!(1_000_000_000_u64), "gate.weights"),
        ("hidden", json!(u64::MAX), "gate.weights"),
        ("members", json!(0), "gate.weights"),
        ("threshold", json!(2.0), "gate.threshold"),
        ("threshold", json!(null), "invalid type"),
        (
            "cross_section_threshold",
            json!(-1.0),
            "gate.cross_section_threshold",
        ),
        ("outside_threshold", json!(1.5), "gate.outside_threshold"),
        ("version", json!(7), "gate.version"),
    ] {
        let mut gate = with_gate.clone();
        gate[key] = value;
        let said = refusal(&attach(&gate));
        assert!(said.contains(says), "{key}: {said}");
    }
    // To put a gate into a file whose header is damaged would give it a right checksum.
    let gate: Gate = serde_json::from_value(with_gate).expect("sound");
    let mut damaged = whole.clone();
    let at = whole
        .windows(15)
        .position(|w| w == b"\\\"threshold\\\":0")
        .expect("there");
    damaged[at + 15] = b'1';
    assert!(osteon_gate_fit::attach(&damaged, &gate).is_err());
    let attached = osteon_gate_fit::attach(&whole, &gate).expect("attaches");
    let path = dir.path().join("model.safetensors");
    std::fs::write(&path, attached).expect("writes");
    assert_eq!(
        Predictor::open(&path, Device::Cpu)
            .expect("opens")
            .info()
            .gate,
        Some(gate)
    );
}

/// Base64 without padding, by the table of RFC 4648.
fn base64_of(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let number =
            part.iter().fold(0_u32, |n, &b| n << 8 | u32::from(b)) << (8 * (3 - part.len()));
        for digit in 0..=part.len() {
            text.push(DIGITS[(number >> (18 - 6 * digit)) as usize & 63] as char);
        }
    }
    text
}
