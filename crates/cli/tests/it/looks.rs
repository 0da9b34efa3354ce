//! `train --sanity`, `--find-lr`, `--folds` and `--force`, as a person calls them.

use serde_json::Value;

use crate::{assert_code, osteon, set, stderr, stdout, trained};

const TRAIN: &str = "train --config tiny.toml --data set --run run --device cpu";

#[test]
fn looks_before_a_run() {
    let dir = set();
    let sanity = osteon(
        dir.path(),
        &format!("{TRAIN} --sanity --set optimizer.lr=0.01"),
    );
    assert_code(&sanity, 0);
    assert!(stdout(&sanity).contains("learned by heart"));
    let hopeless = osteon(
        dir.path(),
        &format!("{TRAIN} --sanity --set optimizer.lr=1e-9"),
    );
    assert_code(&hopeless, 1);
    assert!(stdout(&hopeless).contains("NOT learned by heart"));

    let finder = osteon(dir.path(), &format!("{TRAIN} --find-lr --json"));
    assert_code(&finder, 0);
    let found: Value = serde_json::from_str(&stdout(&finder)).expect("one JSON object");
    assert!(
        found["points"]
            .as_array()
            .is_some_and(|points| points.len() > 20)
    );
    let plot = dir.path().join("run/report/lr_finder.svg");
    assert!(
        std::fs::read_to_string(plot)
            .expect("a plot")
            .contains("<svg")
    );
    // A look is no run: one can begin there.
    assert_code(&osteon(dir.path(), TRAIN), 0);
}

#[test]
fn folds_give_a_table_and_files() {
    let dir = set();
    let folds = osteon(
        dir.path(),
        &format!("{TRAIN} --folds 3 --set train.epochs=1"),
    );
    assert_code(&folds, 0);
    let said = stdout(&folds);
    assert!(
        said.contains("fold   images") && said.contains(" all      51"),
        "{said}"
    );
    assert!(dir.path().join("run/out_of_fold.csv").exists());
    // As after an interruption: what is not done is run, by the config that the rest was run by.
    std::fs::remove_dir_all(dir.path().join("run/fold-2")).expect("removes");
    let resumed = osteon(dir.path(), "train --resume --run run --folds 3");
    assert_code(&resumed, 0);
    assert_eq!(stdout(&resumed), said);
    let config = std::fs::read_to_string(dir.path().join("run/fold-2/config.toml"));
    assert!(config.expect("a run").contains("size = 32"));
    let again = osteon(dir.path(), &format!("{TRAIN} --folds 3"));
    assert_code(&again, 2);
    assert!(stderr(&again).contains("--resume"), "{}", stderr(&again));
    let two = osteon(dir.path(), &format!("{TRAIN} --folds 2"));
    assert_code(&two, 2);
    assert!(stderr(&two).contains("3 or more"), "{}", stderr(&two));
}

#[test]
fn another_run_is_not_gone_on_with() {
    let dir = trained();
    let more = osteon(dir.path(), "train --resume --run run --set train.epochs=3");
    assert_code(&more, 2);
    let said = stderr(&more);
    assert!(
        said.contains("train.epochs: 2 then, 3 now") && said.contains("--force"),
        "{said}"
    );
    let forced = osteon(
        dir.path(),
        "train --resume --force --run run --set train.epochs=3",
    );
    assert_code(&forced, 0);
    assert!(
        stderr(&forced).contains("forced: train.epochs"),
        "{}",
        stderr(&forced)
    );
    let alone = osteon(dir.path(), "train --force --run run");
    assert_code(&alone, 2);
}
