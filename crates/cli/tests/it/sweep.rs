//! `osteon sweep` on tiny nets.

use std::path::Path;

use serde_json::Value;

use crate::{assert_code, osteon, set, stderr, stdout};

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("JSON")
}

const GRID: &str = "sweep --config tiny.toml --data set --device cpu --out out --set train.threads=1 --grid optimizer.lr=1e-4,3e-3 --grid optimizer.weight_decay=0.0,0.1";

#[test]
fn a_grid_is_trained_compared_and_not_trained_again() {
    let dir = set();
    let first = osteon(dir.path(), GRID);
    assert_code(&first, 0);
    let table = stdout(&first);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "{table}");
    assert!(
        lines[0].contains("optimizer.lr") && lines[0].contains("val AUC"),
        "{table}"
    );
    assert!(lines[1].starts_with('*'), "{table}");

    let out = dir.path().join("out");
    let sweep = json(&out.join("sweep.json"));
    let trials = sweep["trials"].as_array().expect("trials");
    let aucs: Vec<f64> = trials
        .iter()
        .map(|t| t["val_roc_auc"].as_f64().expect("AUC"))
        .collect();
    assert!(
        aucs.windows(2).all(|w| w[0] >= w[1]),
        "best first: {aucs:?}"
    );
    assert_eq!(sweep["best"], trials[0]["number"]);
    for trial in trials {
        let run = out.join(trial["run"].as_str().expect("run"));
        let config = std::fs::read_to_string(run.join("config.toml")).expect("reads");
        let lr: f64 = trial["values"][0][1]
            .as_str()
            .expect("lr")
            .parse()
            .expect("a number");
        assert!(config.contains(&format!("lr = {lr}")), "{config}");
        assert!(run.join("model.safetensors").exists());
        assert!(run.join("report/learning_curves.svg").exists());
    }
    let csv = std::fs::read_to_string(out.join("sweep.csv")).expect("reads");
    assert_eq!(csv.lines().count(), 5);
    assert!(
        csv.starts_with("trial,optimizer.lr,optimizer.weight_decay,val_roc_auc,"),
        "{csv}"
    );

    // Again, with one trial unfinished: that one alone goes on, and ends as before.
    let run = out.join(trials[3]["run"].as_str().expect("run"));
    std::fs::remove_file(run.join("result.json")).expect("removes");
    let again = osteon(dir.path(), &format!("{GRID} --json"));
    assert_code(&again, 0);
    assert_eq!(
        stderr(&again).matches("done before").count(),
        3,
        "{}",
        stderr(&again)
    );
    let printed: Value = serde_json::from_str(&stdout(&again)).expect("one JSON object");
    assert_eq!(printed, sweep);

    // Sorted by another figure without training anything.
    let by_loss = osteon(dir.path(), &format!("{GRID} --by val_loss --json"));
    assert_code(&by_loss, 0);
    assert_eq!(stderr(&by_loss).matches("done before").count(), 4);
    let printed: Value = serde_json::from_str(&stdout(&by_loss)).expect("JSON");
    let losses = printed["trials"].as_array().expect("trials");
    let losses: Vec<f64> = losses
        .iter()
        .map(|t| t["val_loss"].as_f64().expect("loss"))
        .collect();
    assert!(losses.windows(2).all(|w| w[0] <= w[1]), "{losses:?}");

    // The folder is this sweep's.
    let other = osteon(dir.path(), &GRID.replace("1e-4,3e-3", "1e-4,1e-3"));
    assert_code(&other, 2);
    assert!(
        stderr(&other).contains("out holds a sweep over other values"),
        "{}",
        stderr(&other)
    );
    let other = osteon(dir.path(), &format!("{GRID} --set train.epochs=9"));
    assert_code(&other, 2);
    assert!(
        stderr(&other).contains("from another config"),
        "{}",
        stderr(&other)
    );
}

#[test]
fn more_draws_keep_the_ones_there_are_and_a_loss_that_runs_away_is_a_result() {
    let dir = set();
    let draws = |n: usize, json: &str| {
        let line = format!(
            "sweep --config tiny.toml --data set --device cpu --out out --set train.epochs=1 --random {n} --seed 5 --range optimizer.lr=1e-4..1e-2:log --range train.batch_size=4..16{json}"
        );
        osteon(dir.path(), &line)
    };
    assert_code(&draws(1, ""), 0);
    let two = draws(2, " --json");
    assert_code(&two, 0);
    assert_eq!(
        stderr(&two).matches("done before").count(),
        1,
        "{}",
        stderr(&two)
    );
    let printed: Value = serde_json::from_str(&stdout(&two)).expect("JSON");
    assert_eq!(printed["trials"].as_array().map(Vec::len), Some(2));

    let wild = "sweep --config tiny.toml --data set --device cpu --out wild --set train.epochs=1 --set optimizer.weight_decay=0.0 --grid optimizer.lr=1e-3,1e38";
    let output = osteon(dir.path(), wild);
    assert_code(&output, 0);
    let table = stdout(&output);
    assert!(
        table.lines().last().is_some_and(|l| l.contains("failed")),
        "{table}"
    );
}

/// Nothing is trained if any of the trials makes no sense.
#[test]
fn bad_searches_are_refused_at_once() {
    let dir = set();
    for (search, said) in [
        (
            "--grid optimizer.lrr=1e-3,1e-2",
            "The nearest valid key is \"optimizer.lr\"",
        ),
        (
            "--grid optimizer.lr=1e-3,-1.0",
            "optimizer.lr must be above 0, not -1.0",
        ),
        (
            "--grid optimizer.lr=1e-3,fast",
            "optimizer.lr: invalid type",
        ),
        ("--grid optimizer.lr", "expected section.key=VALUE"),
        ("--random 3 --range optimizer.lr=0..1:log", "begins above 0"),
        ("--range optimizer.lr=0.1..1.0", "--random"),
        ("", "nothing to search"),
    ] {
        let output = osteon(
            dir.path(),
            &format!("sweep --config tiny.toml --data set {search}"),
        );
        assert_code(&output, 2);
        assert!(
            stderr(&output).contains(said),
            "{search}: {}",
            stderr(&output)
        );
        assert!(!dir.path().join("runs").exists(), "{search}");
    }
}

/// Ctrl-C ends cleanly with exit code 130, and the same command goes on.
#[cfg(unix)]
#[test]
fn interrupted_and_gone_on_with() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let dir = set();
    let line = "sweep --config tiny.toml --data set --device cpu --out out --set train.epochs=40 --set train.patience=0 --grid optimizer.lr=1e-3,2e-3";
    let mut child = Command::new(env!("CARGO_BIN_EXE_osteon"))
        .current_dir(dir.path())
        .args(line.split(' '))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let mut said = BufReader::new(child.stderr.take().expect("piped")).lines();
    // In the middle of the first trial, by what it says and not by a clock.
    assert!(said.any(|line| line.expect("UTF-8").starts_with("epoch   1/40")));
    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-INT", &pid]).status();
    assert!(kill.expect("kill").success());
    let rest: Vec<String> = said.map(|line| line.expect("UTF-8")).collect();
    let code = child.wait().expect("ends").code();
    assert_eq!(code, Some(130), "{rest:?}");
    assert!(
        rest.iter().any(|l| l.ends_with("the same command goes on")),
        "{rest:?}"
    );
    let done = json(&dir.path().join("out/sweep.json"))["trials"]
        .as_array()
        .map(Vec::len);
    assert!(done < Some(2));

    let again = osteon(dir.path(), line);
    assert_code(&again, 0);
    assert!(
        stderr(&again).contains("going on after step"),
        "{}",
        stderr(&again)
    );
    let sweep = json(&dir.path().join("out/sweep.json"));
    let trials = sweep["trials"].as_array().expect("trials");
    assert_eq!(trials.len(), 2);
    assert!(trials.iter().all(|t| t["epochs"] == 40));
}
