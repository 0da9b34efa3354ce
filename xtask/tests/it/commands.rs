//! The commands themselves, those that neither fetch nor build: the real program, run as a person would.

use std::process::Command;

use crate::{root, run};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.current_dir(root()).args(arguments);
    command
}

#[test]
fn every_step_of_ci_is_listed_and_explained() {
    let (output, out, _) = run(&mut xtask(&["ci", "--list"]));
    assert!(output.status.success());
    let page = std::fs::read_to_string(root().join("docs/CONTRIBUTING.md")).unwrap();
    let steps: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(steps.len() > 10, "{out}");
    for step in steps {
        assert!(page.contains(&format!("| `{step}` |")), "{step}");
    }
}

#[test]
fn a_step_that_is_not_there_is_named_with_those_that_are() {
    let (output, _, err) = run(&mut xtask(&["ci", "--only", "lint"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("\"lint\"") && err.contains("clippy"), "{err}");
}

#[test]
fn steps_run_alone_and_the_summary_says_how_they_ended() {
    // Without cargo's own folder there is no database of advisories; steps that ask cargo would fetch every crate anew.
    let empty = tempfile::tempdir().unwrap();
    let steps = ["ci", "--only", "advisories", "--only", "book"];
    let (output, out, err) = run(xtask(&steps).env("CARGO_HOME", empty.path()));
    let said = format!("{out}{err}");
    assert!(output.status.success(), "{said}");
    assert!(said.contains("skipped  advisories"), "{said}");
    assert!(said.contains("cargo deny fetch db"), "{said}");
    assert!(said.contains("failed: 0"), "{said}");
}

#[test]
fn doctor_says_how_to_mend_what_is_missing() {
    let (output, out, err) = run(&mut xtask(&["doctor"]));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{err}");
    for row in ["Rust", "libtorch", "disk: workspace", "data/kaggle"] {
        assert!(out.contains(row), "{row}: {out}");
    }
    let wants = |line: &&str| line.starts_with("could") || line.starts_with("MISSING");
    let missing = out.lines().filter(wants).count();
    assert_eq!(out.matches("fix: ").count(), missing, "{out}");
}

#[test]
fn fuzzing_without_a_fuzzer_says_so_and_passes() {
    let empty = tempfile::tempdir().unwrap();
    let (output, out, err) = run(xtask(&["fuzz", "image"]).env("PATH", empty.path()));
    assert!(output.status.success(), "{err}");
    assert!(
        out.starts_with("skipped: cargo-fuzz is not installed"),
        "{out}"
    );
}
