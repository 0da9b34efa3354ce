//! What a person reads when something is wrong: one paragraph on stderr and, where something can be done about it, a hint; nothing on stdout, exit code
//! 2 or 1.

use std::path::Path;

use insta::assert_snapshot;

use crate::{assert_code, osteon, stderr, stdout, trained};

/// The message of a call that must fail with this code, the temporary folder's name taken out.
fn refusal(dir: &Path, arguments: &str, code: i32) -> String {
    let output = osteon(dir, arguments);
    assert_code(&output, code);
    assert_eq!(stdout(&output), "", "nothing on stdout");
    let said = stderr(&output).replace(&format!("{}/", dir.display()), "");
    let errors: Vec<&str> = said.lines().filter(|l| l.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "one paragraph: {said}");
    let hint = said.lines().find(|l| l.starts_with("hint: "));
    errors
        .into_iter()
        .chain(hint)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn data() {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_snapshot!(refusal(dir.path(), "train --data nowhere", 2), @r#"
    error: there is no folder nowhere
    hint: fetch a data set with `cargo xtask download sample` (synthetic, at once), `kaggle` or `fracatlas`, or point --data at a folder laid out as train|val|test / fractured|not fractured
    "#);
    std::fs::create_dir_all(dir.path().join("cats/dogs")).expect("folder");
    assert_snapshot!(refusal(dir.path(), "train --data cats", 2), @r#"
    error: cats holds no class folders. Expected train|val|test / fractured|not fractured (or the two class folders alone); found dogs. Known names: fractured is called fractured, fracture, positive; not fractured is called not fractured, non-fractured, unfractured, not fracture, no fracture, normal, negative
    hint: rename what is meant as a class, move the rest out of the data set, or say what your classes are called, for folders and tables alike: --set 'data.classes={ fractured = ["kırık"], not_fractured = ["kırık değil"] }', or in a config, under [data]: classes = { fractured = ["kırık"], not_fractured = ["kırık değil"] }
    "#);
    assert_code(&osteon(dir.path(), "data synth set --images 20"), 0);
    assert_snapshot!(refusal(dir.path(), "data synth set --images 20", 2), @"error: set is not empty. Choose a new folder, or remove it first");
    std::fs::remove_dir_all(dir.path().join("set/train/fractured")).expect("removes");
    std::fs::create_dir(dir.path().join("set/train/fractured")).expect("folder");
    assert_snapshot!(refusal(dir.path(), "train --data set", 1), @"error: set has no fractured images in split train. A split needs both classes");
    std::fs::remove_dir_all(dir.path().join("set/val")).expect("removes");
    std::fs::remove_dir_all(dir.path().join("set/train")).expect("removes");
    assert_snapshot!(refusal(dir.path(), "train --data set", 2), @"error: set has no split train; it has test");
}

#[test]
fn config() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(
        dir.path().join("mine.toml"),
        "[train]\nepochs = 3\nbatchsize = 8\n",
    )
    .expect("writes");
    assert_snapshot!(refusal(dir.path(), "train --config mine.toml", 2), @r#"error: mine.toml, line 3: unknown key "train.batchsize". The nearest valid key is "train.batch_size""#);
    assert_snapshot!(refusal(dir.path(), "train --config absent.toml", 2), @"error: cannot read the config absent.toml: No such file or directory (os error 2)");
    assert_snapshot!(refusal(dir.path(), "train --set optimizer.lr=0", 2), @"error: --set optimizer.lr=0: optimizer.lr must be above 0, not 0");
    assert_snapshot!(refusal(dir.path(), "train --device gpu", 2), @r#"error: --set train.device="gpu": train.device must be auto, cpu, cuda, cuda:N or mps, not "gpu""#);
    assert_snapshot!(refusal(dir.path(), "train --resume --run none", 2), @"error: none holds no run to resume: config.toml is missing");
}

#[test]
fn runs() {
    let dir = trained();
    assert_snapshot!(refusal(dir.path(), "train --config tiny.toml --data set --run run", 2), @r#"
    error: run holds a run already
    hint: continue it with `--resume --run run`, or choose another folder with --run
    "#);
    std::fs::write(dir.path().join("file"), b"").expect("writes");
    assert_snapshot!(refusal(dir.path(), "train --config tiny.toml --data set --run file/run", 1), @"error: cannot create file/run: Not a directory (os error 20)");
}

#[test]
fn models() {
    let dir = trained();
    assert_snapshot!(refusal(dir.path(), "evaluate --model absent --data set", 2), @r#"
    error: there is no model file absent
    hint: `osteon train` writes one to runs/<name>/model.safetensors
    "#);
    assert_snapshot!(refusal(dir.path(), "evaluate --model run --data set --split holdout", 2), @r#"error: unknown split "holdout": expected train, val or test"#);
    let bytes = std::fs::read(dir.path().join("run/model.safetensors")).expect("reads");
    std::fs::write(
        dir.path().join("half.safetensors"),
        &bytes[..bytes.len() - 100],
    )
    .expect("writes");
    assert_snapshot!(refusal(dir.path(), "predict --model half.safetensors set", 1), @"error: half.safetensors is not a whole safetensors file: its header places tensor stem.weight beyond its end");
    std::fs::write(dir.path().join("note.safetensors"), b"dear colleague").expect("writes");
    assert_snapshot!(refusal(dir.path(), "info note.safetensors", 1), @"error: note.safetensors is not a whole safetensors file: header too large");
}

/// A wrong call is clap's to explain, with exit code 2.
#[test]
fn usage() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for arguments in [
        "",
        "frobnicate",
        "evaluate",
        "train --resume --config x.toml",
        "data synth d --images 0",
        "predict --json --csv x",
    ] {
        let output = osteon(dir.path(), arguments);
        assert_code(&output, 2);
        assert!(!stderr(&output).is_empty());
    }
}

/// `--device cuda` without CUDA says what is missing.
#[test]
fn cuda() {
    if tch::Cuda::is_available() {
        println!("skipped: this machine has CUDA");
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let said = refusal(dir.path(), "train --device cuda", 2);
    assert!(
        said.starts_with("error: device cuda is not available: "),
        "{said}"
    );
}
