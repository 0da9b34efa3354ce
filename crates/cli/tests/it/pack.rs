//! `osteon data pack`, and training from what it made.

use insta::assert_snapshot;

use crate::{TINY, assert_code, osteon, stderr, stdout};

#[test]
fn films_are_packed_once_and_trained_on() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join("tiny.toml"), TINY).expect("writes");
    assert_code(
        &osteon(dir.path(), "data synth set --images 40 --seed 4"),
        0,
    );
    let pack = || osteon(dir.path(), "data pack set --config tiny.toml --cache kept");
    let first = pack();
    assert_code(&first, 0);
    assert_snapshot!(stdout(&first), @r"
    train: 28 images, decoded and kept
      val: 6 images, decoded and kept
     test: 6 images, decoded and kept
    in kept; train on them with --set data.cache=kept
    ");
    assert!(stdout(&pack()).contains("train: 28 images, found as it was"));

    let train = "train --config tiny.toml --data set --device cpu --json --set train.threads=1";
    let cached = osteon(
        dir.path(),
        &format!("{train} --run a --set data.cache=kept"),
    );
    assert_code(&cached, 0);
    // What was packed is found: nothing is decoded and kept again.
    assert!(!stderr(&cached).contains("cache"), "{}", stderr(&cached));
    let plain = osteon(dir.path(), &format!("{train} --run b"));
    assert_code(&plain, 0);
    let losses = |run: &str| -> Vec<String> {
        let log = std::fs::read_to_string(dir.path().join(run).join("metrics.jsonl"));
        let log = log.expect("reads");
        let lines = log.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line
        });
        lines
            .filter_map(|line| Some(line.get("val_loss")?.to_string()))
            .collect()
    };
    assert_eq!(losses("a").len(), 2);
    assert_eq!(
        losses("a"),
        losses("b"),
        "the same images, the same training"
    );

    let nowhere = osteon(dir.path(), "data pack set");
    assert_code(&nowhere, 2);
    assert!(stderr(&nowhere).contains("--cache"), "{}", stderr(&nowhere));
}
