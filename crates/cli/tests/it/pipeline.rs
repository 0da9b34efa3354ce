//! Data to prediction through the command line.

use serde_json::Value;

use crate::{TINY, assert_code, osteon, osteon_with, stderr, stdout, trained};

fn object(text: &str) -> Value {
    assert_eq!(
        text.lines().count(),
        1,
        "one JSON object and nothing else: {text}"
    );
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn evaluate_prints_what_the_design_says() {
    let dir = trained();
    let output = osteon(
        dir.path(),
        "evaluate --model run --data set --split test --json",
    );
    assert_code(&output, 0);
    let report = object(&stdout(&output));
    assert_eq!(report["positive_class"], "fractured");
    assert_eq!(
        (report["split"].as_str(), report["images"].as_u64()),
        (Some("test"), Some(9))
    );
    assert_eq!(
        (
            report["unreadable"].as_u64(),
            report["leak"]["exact"].as_u64()
        ),
        (Some(0), Some(0))
    );
    let counts = |c: &Value| {
        ["tp", "fn", "fp", "tn"]
            .iter()
            .map(|k| c[k].as_u64().expect("count"))
            .sum::<u64>()
    };
    assert_eq!(counts(&report["confusion"]), 9);
    for rate in [
        "accuracy",
        "sensitivity",
        "specificity",
        "precision",
        "npv",
        "f1",
        "roc_auc",
        "average_precision",
    ] {
        for part in ["value", "low", "high"] {
            assert!(report[rate].get(part).is_some(), "{rate}.{part}");
        }
    }
    for number in ["brier", "ece", "threshold"] {
        assert!(report[number].is_number(), "{number}");
    }
    assert_eq!(report["doubt"]["deferred"], 0);
    assert_eq!(counts(&report["doubt"]["confusion_of_the_rest"]), 9);

    let text = osteon(
        dir.path(),
        "evaluate --model run/model.safetensors --data set --split val",
    );
    assert_code(&text, 0);
    assert!(
        stdout(&text).contains("sensitivity")
            && stdout(&text).contains("were picked on this split"),
        "{}",
        stdout(&text)
    );
}

/// Images of the training set under another name are found out.
#[test]
fn a_leak_is_said_out_loud() {
    let dir = trained();
    std::fs::create_dir_all(dir.path().join("leaky/test")).expect("folder");
    std::fs::rename(
        dir.path().join("set/train/fractured"),
        dir.path().join("leaky/test/fractured"),
    )
    .expect("moves");
    std::fs::rename(
        dir.path().join("set/test/not fractured"),
        dir.path().join("leaky/test/normal"),
    )
    .expect("moves");
    let output = osteon(dir.path(), "evaluate --model run --data leaky");
    assert_code(&output, 0);
    assert!(
        stdout(&output).contains("WARNING")
            && stdout(&output).contains("remember instead of judge"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn predict_gives_one_line_a_file_and_loses_none() {
    let dir = trained();
    let films = dir.path().join("films/deep er");
    std::fs::create_dir_all(&films).expect("folder");
    let first = std::fs::read_dir(dir.path().join("set/test/fractured"))
        .expect("lists")
        .next()
        .expect("one")
        .expect("entry");
    std::fs::copy(first.path(), films.join("b.png")).expect("copies");
    std::fs::copy(first.path(), films.join("a.jpg")).expect("copies");
    std::fs::write(films.join("c.png"), b"no image").expect("writes");
    let output = osteon_with(
        dir.path(),
        &["predict", "--model", "run", "--json", "films", "absent.png"],
    );
    assert_code(&output, 1);
    let lines: Vec<Value> = stdout(&output)
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let paths: Vec<&str> = lines
        .iter()
        .map(|l| l["path"].as_str().expect("path"))
        .collect();
    assert_eq!(
        paths,
        [
            "films/deep er/a.jpg",
            "films/deep er/b.png",
            "films/deep er/c.png",
            "absent.png"
        ]
    );
    assert_eq!(
        lines[0]["score"], lines[1]["score"],
        "a PNG named .jpg is a PNG"
    );
    for key in ["score", "decision", "xray_score", "milliseconds"] {
        assert!(lines[0].get(key).is_some(), "{key}");
    }
    assert!(
        lines[2]["error"]
            .as_str()
            .expect("error")
            .contains("not an image")
    );
    assert!(
        lines[3]["error"]
            .as_str()
            .expect("error")
            .contains("No such file")
    );

    let csv = osteon_with(dir.path(), &["predict", "--model", "run", "--csv", "films"]);
    assert_code(&csv, 1);
    let text = stdout(&csv);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        (lines.len(), lines[0]),
        (4, "path,score,decision,xray_score,flags,milliseconds,error")
    );

    let plain = osteon_with(
        dir.path(),
        &["predict", "--model", "run", "films/deep er/b.png"],
    );
    assert_code(&plain, 0);
    assert!(
        stdout(&plain).ends_with("films/deep er/b.png\n"),
        "{}",
        stdout(&plain)
    );
}

#[test]
fn an_unreadable_film_is_counted_named_and_in_no_rate() {
    let dir = trained();
    std::fs::write(
        dir.path().join("set/test/fractured/0_broken.png"),
        b"no image",
    )
    .expect("writes");
    for (policy, code) in [("error", 1), ("skip", 0)] {
        let output = osteon(
            dir.path(),
            &format!("evaluate --model run --data set --json --unreadable {policy}"),
        );
        assert_code(&output, code);
        let report = object(&stdout(&output));
        assert_eq!(
            (report["unreadable"].as_u64(), report["images"].as_u64()),
            (Some(1), Some(9))
        );
        assert!(
            stderr(&output).contains("test/fractured/0_broken.png: not an image"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn train_resumes_and_reports_as_json() {
    let dir = trained();
    let output = osteon(
        dir.path(),
        "train --resume --force --run run --set train.epochs=3 --test --json",
    );
    assert_code(&output, 0);
    let report = object(&stdout(&output));
    assert_eq!(
        (report["epochs"].as_u64(), report["stopped"].as_str()),
        (Some(3), Some("finished"))
    );
    assert_eq!(
        (
            report["val"]["images"].as_u64(),
            report["test"]["images"].as_u64()
        ),
        (Some(9), Some(9))
    );
    assert!(
        stderr(&output).contains("going on after step 12, in epoch 3"),
        "{}",
        stderr(&output)
    );
    let info = osteon(dir.path(), "info run --json");
    assert_code(&info, 0);
    let info = object(&stdout(&info));
    assert_eq!(info["metrics"]["test"]["images"], 9);
    assert_eq!(info["architecture"]["name"], "residual");
}

#[test]
fn info_tells_the_model_in_words() {
    let dir = trained();
    let output = osteon(dir.path(), "info run");
    assert_code(&output, 0);
    for part in [
        "architecture   residual",
        "input          32×32 pixels, letterboxed",
        "licence        not stated",
        "on val:",
    ] {
        assert!(
            stdout(&output).contains(part),
            "{part}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = osteon(
            std::env::temp_dir().as_path(),
            &format!("completions {shell}"),
        );
        assert_code(&output, 0);
        assert!(stdout(&output).contains("evaluate"), "{shell}");
    }
}

/// The default run folder has the config's name.
#[test]
fn runs_are_named_after_their_config() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join("mine.toml"), TINY).expect("writes");
    assert_code(&osteon(dir.path(), "data synth set --images 60"), 0);
    assert_code(
        &osteon(
            dir.path(),
            "train --config mine.toml --data set --set train.epochs=1",
        ),
        0,
    );
    assert!(dir.path().join("runs/mine/model.safetensors").exists());
}
