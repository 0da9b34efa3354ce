//! What a run leaves to look at.

use crate::{assert_code, osteon, stderr, trained};

#[test]
fn a_run_leaves_its_learning_curves() {
    let dir = trained();
    let path = dir.path().join("run/report/learning_curves.svg");
    let svg = std::fs::read_to_string(&path).expect("a figure");
    assert!(
        svg.starts_with("<svg") && svg.contains("Learning curves of 2 epochs"),
        "{svg}"
    );
    let resumed = osteon(
        dir.path(),
        "train --resume --force --run run --set train.epochs=3",
    );
    assert_code(&resumed, 0);
    let svg = std::fs::read_to_string(&path).expect("a figure");
    assert!(svg.contains("Learning curves of 3 epochs"));
}

/// Where there is no terminal, as in this test, `--tui` is plain lines, with nothing in them that steers a terminal.
#[test]
fn the_dashboard_falls_back_to_lines() {
    let dir = trained();
    let set = "--set train.epochs=3";
    let output = osteon(
        dir.path(),
        &format!("train --tui --resume --force --run run {set}"),
    );
    assert_code(&output, 0);
    let said = stderr(&output);
    assert!(said.contains("epoch   3/3  loss "), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
