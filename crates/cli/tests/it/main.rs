//! Integration tests of the command line: the real binary, run as a person would.

mod audit;
mod compare;
mod dicom;
mod errors;
mod evaluate;
mod export;
mod faults;
mod gate;
mod heatmap;
mod hostile;
mod litter;
mod looks;
mod man;
mod names;
mod openmp;
mod pack;
mod page;
mod patients;
mod pipeline;
#[path = "../../../../xtask/testing/python.rs"]
mod python;
mod serve;
mod shipped;
mod signals;
mod split;
mod sweep;
mod tensorboard;
mod terminal;
mod training;

use std::path::Path;
use std::process::{Command, Output};

/// Runs `osteon` in a folder; arguments are split at spaces.
fn osteon(dir: &Path, arguments: &str) -> Output {
    osteon_with(dir, &arguments.split_whitespace().collect::<Vec<_>>())
}

fn osteon_with(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_osteon"))
        .current_dir(dir)
        .args(arguments)
        .output()
        .expect("starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Fails with everything the program said.
fn assert_code(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "\nstdout: {}\nstderr: {}",
        stdout(output),
        stderr(output)
    );
}

/// Small inputs with what is expected of them beside the checkout, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn case(folder: &str) -> Option<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/cases")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

const TINY: &str = "\
[preprocess]
size = 32
[model.residual]
widths = [4, 8]
blocks = [1, 1]
[train]
epochs = 2
batch_size = 8
[compute]
plan = \"fixed\"
";

/// A folder with a synthetic set `set` and a config `tiny.toml`.
fn set() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join("tiny.toml"), TINY).expect("writes");
    assert_code(
        &osteon(dir.path(), "data synth set --images 60 --seed 4"),
        0,
    );
    dir
}

/// As [`set`], and a trained run `run`.
fn trained() -> tempfile::TempDir {
    let dir = set();
    assert_code(
        &osteon(
            dir.path(),
            "train --config tiny.toml --data set --run run --device cpu",
        ),
        0,
    );
    dir
}
