//! Models for other programs, and of another program. What PyTorch and ONNX Runtime say of them is theirs.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::python::python_with;
use crate::{assert_code, osteon, osteon_with, set, stderr, stdout, trained};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn object(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON object")
}

/// `xtask/parity/parity.py` on images of the folder's `set`, with whatever of PyTorch and ONNX Runtime is there.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn compare(dir: &Path, model: Option<&str>, count: usize) {
    let engines = [("torchscript", "torch"), ("onnx", "onnxruntime")];
    let mut found = Vec::new();
    for (format, module) in engines {
        let out = format!("model.{format}");
        let mut call = vec!["export", "--format", format, &out, "--json"];
        call.extend(model.iter().flat_map(|model| ["--model", model]));
        let done = osteon_with(dir, &call);
        assert_code(&done, 0);
        let report = object(&stdout(&done));
        assert_eq!(report["format"], format);
        assert_eq!(report["outputs"][0], "score");
        match python_with(&format!("{module}, numpy, PIL")) {
            Ok(python) => found.push((python, format, out)),
            Err(reason) => println!("skipped: {reason}"),
        }
    }
    let Some((python, ..)) = found.first() else {
        return;
    };
    let mut script = Command::new(python);
    script
        .current_dir(dir)
        .arg(root().join("xtask/parity/parity.py"));
    script.args(["--osteon", env!("CARGO_BIN_EXE_osteon"), "--films", "set"]);
    script.args(["--count", &count.to_string(), "--json"]);
    script.args(model.iter().flat_map(|model| ["--model", model]));
    for (_, format, out) in &found {
        script.args([&format!("--{format}"), out]);
    }
    let done = script.output().expect("starts");
    assert_code(&done, 0);
    let report = object(&stdout(&done));
    assert_eq!(report["films"], count);
    assert_eq!(report["passed"], true, "{report}");
    let engines = report["engines"].as_array().expect("a list");
    assert_eq!(engines.len(), found.len());
    for engine in engines {
        let apart = engine["largest_difference"]["same pixels"].as_f64();
        assert!(apart.expect("a number") <= 1e-4, "{report}");
    }
}

#[test]
fn other_programs_give_a_trained_model_s_scores() {
    compare(trained().path(), Some("run"), 20);
}

#[test]
fn other_programs_give_the_shipped_model_s_scores() {
    compare(set().path(), None, 4);
}

/// PyTorch's own modules come in and go out again (`tests/python/imported.py`).
#[test]
fn pytorch_s_weights_come_in() {
    let python = match python_with("torch, safetensors.torch") {
        Ok(python) => python,
        Err(reason) => {
            println!("skipped: {reason}");
            return;
        }
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    let done = Command::new(python)
        .arg(root().join("crates/cli/tests/python/imported.py"))
        .arg(env!("CARGO_BIN_EXE_osteon"))
        .arg(root().join("crates/model/tests/oracles"))
        .arg(dir.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("starts");
    assert_code(&done, 0);
    let apart = object(&stdout(&done));
    let apart = apart.as_object().expect("an object");
    assert_eq!(apart.len(), 4);
    for (what, apart) in apart {
        assert!(apart.as_f64().expect("a number") < 1e-5, "{what}: {apart}");
    }
}

#[test]
fn an_imported_model_says_that_it_has_no_calibration() {
    let dir = set();
    let state = root().join("crates/model/tests/oracles/state_dicts/state.pt");
    let state = state.to_str().expect("UTF-8");
    let call = [
        "import",
        state,
        "imported.safetensors",
        "--architecture",
        "residual",
        "--size",
        "33",
        "--set",
        "model.residual.widths=[4,8]",
        "--set",
        "model.residual.blocks=[1,1]",
        "--licence",
        "MIT",
    ];
    let done = osteon_with(dir.path(), &call);
    assert_code(&done, 0);
    assert!(
        stdout(&done).contains("It has no calibration"),
        "{}",
        stdout(&done)
    );
    let info = osteon(dir.path(), "info imported.safetensors");
    for part in [
        "calibration    none: score = sigmoid(logit)",
        "trained on     not known: the weights were imported",
        "licence        MIT",
    ] {
        assert!(stdout(&info).contains(part), "{part}: {}", stdout(&info));
    }
    assert_code(&osteon(dir.path(), "info imported.safetensors --card"), 0);
    assert_code(
        &osteon(
            dir.path(),
            "predict --model imported.safetensors set/test --device cpu",
        ),
        0,
    );
    let plain = "export --model imported.safetensors --format safetensors plain.safetensors --json";
    let done = osteon(dir.path(), plain);
    assert_code(&done, 0);
    assert_eq!(object(&stdout(&done))["outputs"], Value::Null);
    assert_code(&osteon(dir.path(), "info plain.safetensors"), 0);

    // Of another size, by another name, without a network, and what is no state_dict.
    let module = state.replace("state.pt", "module.pt");
    let with = |file: &str, more: &[&str]| {
        let call = [&["import", file, "x.safetensors"][..], more].concat();
        let done = osteon_with(dir.path(), &call);
        assert_eq!(stdout(&done), "");
        assert!(!dir.path().join("x.safetensors").exists());
        (done.status.code(), stderr(&done))
    };
    let (code, said) = with(state, &["--architecture", "residual"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("does not fit its architecture: tensor "),
        "{said}"
    );
    let (code, said) = with(&module, &["--architecture", "residual"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("which is not run"), "{said}");
    let (code, said) = with("absent.pt", &["--architecture", "residual"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, _) = with(state, &[]);
    assert_eq!(code, Some(2));
    let (code, said) = with(state, &["--architecture", "residual", "--rename", "fc"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("OLD=NEW"), "{said}");
    let (code, said) = with(state, &["--architecture", "fracture_map", "--size", "33"]);
    assert_eq!(code, Some(2), "{said}");
}
