//! What a run leaves to look at.

use std::process::Command;

use crate::{assert_code, osteon, set, stderr, trained};

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

/// A run that leaves open how the machine is used tries it, writes down what it chose, and the next one computes the same without a trial.
#[test]
fn how_the_machine_is_used_is_tried_once() {
    let dir = set();
    let cache = dir.path().join("cache");
    let train = |run: &str, plan: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_osteon"))
            .current_dir(dir.path())
            .env("XDG_CACHE_HOME", &cache)
            .env("OMP_NUM_THREADS", "2")
            // Other tests run beside this one.
            .env("OSTEON_BUSY_LIMIT", "1")
            .args([
                "train",
                "--config",
                "tiny.toml",
                "--data",
                "set",
                "--device",
                "cpu",
            ])
            .args(["--set", "train.epochs=1", "--run", run, "--plan", plan])
            .output()
            .expect("starts");
        assert_code(&output, 0);
        stderr(&output)
    };
    let model =
        |run: &str| std::fs::read(dir.path().join(run).join("model.safetensors")).expect("a model");
    let first = train("first", "auto");
    assert!(
        first.contains("(by trial; fp32 contiguous × 2: "),
        "{first}"
    );
    assert!(cache.join("osteon/plans.json").is_file());
    // What was chosen stands in the run's own config, nothing is left open.
    let config = std::fs::read_to_string(dir.path().join("first/config.toml")).expect("a config");
    assert!(
        !config.contains("\"auto\"\nmemory_format") && !config.contains("loader_threads = 0"),
        "{config}"
    );

    let second = train("second", "auto");
    assert!(second.contains("(found before; "), "{second}");
    assert_eq!(model("first"), model("second"));
    let asked = train("third", "measure");
    assert!(asked.contains("(by trial; "), "{asked}");
    let fixed = train("fourth", "fixed");
    assert!(fixed.contains("(as given)"), "{fixed}");

    // A file that cannot be read is no reason to fail.
    std::fs::write(cache.join("osteon/plans.json"), "{").expect("writes");
    let again = train("fifth", "auto");
    assert!(again.contains("(by trial; "), "{again}");
}
