//! A patient in two splits, by the data set's own word: audit, train and evaluate say so, and train refuses.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::{TINY, assert_code, case, osteon, osteon_with, stderr, stdout};

/// A manifest of 60 images whose patients p0 and p1 lie in every split; the others in one.
fn leaking(column: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_code(
        &osteon(dir.path(), "data synth set --images 60 --seed 4"),
        0,
    );
    std::fs::write(dir.path().join("tiny.toml"), TINY).expect("writes");
    let mut rows = format!("path,label,split,{column}\n");
    for split in ["train", "val", "test"] {
        for class in ["fractured", "not fractured"] {
            let folder = dir.path().join("set").join(split).join(class);
            let mut films: Vec<_> = std::fs::read_dir(folder)
                .expect("lists")
                .map(|film| film.expect("entry").file_name())
                .collect();
            films.sort();
            for (number, film) in films.iter().enumerate() {
                let patient = match number {
                    0 => "p0".to_owned(),
                    1 if class == "fractured" => "p1".to_owned(),
                    n => format!("{split} {class} {n}"),
                };
                let film = film.to_str().expect("UTF-8");
                writeln!(rows, "{split}/{class}/{film},{class},{split},{patient}")
                    .expect("a String");
            }
        }
    }
    std::fs::write(dir.path().join("set/manifest.csv"), rows).expect("writes");
    dir
}

fn json(dir: &Path, arguments: &str) -> Value {
    let output = osteon(dir, arguments);
    assert_code(&output, 0);
    serde_json::from_str(&stdout(&output)).expect("one JSON object")
}

#[test]
fn all_three_say_so_and_train_refuses() {
    for column in ["patient", "PatientID", "group", "Subject ID"] {
        let dir = leaking(column);
        let dir = dir.path();
        let audit = osteon(dir, "data audit set");
        assert_code(&audit, 0);
        let said = stdout(&audit);
        assert!(
            said.contains(&format!("{column} p0: 2 in train, 2 in val, 2 in test")),
            "{said}"
        );
        assert!(
            said.contains(&format!("{column} p1: 1 in train, 1 in val, 1 in test")),
            "{said}"
        );
        let found = json(dir, "data audit set --json");
        let shared = found["shared_groups"].as_array().expect("a list");
        assert_eq!(shared.len(), 2, "{shared:?}");
        assert_eq!(shared[0]["images"]["val"], 2);
        let refused = osteon(
            dir,
            "train --config tiny.toml --data set --run run --device cpu",
        );
        assert_code(&refused, 2);
        let said = stderr(&refused);
        assert!(
            said.contains(&format!(
                "error: 2 patients or groups lie in more than one split, with 9 images: {column} p0: 2 in train, 2 in val, 2 in test; {column} p1"
            )),
            "{said}"
        );
        assert!(said.contains("--allow-leak"), "{said}");
        assert!(!dir.join("run").exists(), "nothing was begun");
        let judged = json(dir, "evaluate --data set --json");
        let warned = judged["warnings"].to_string();
        assert!(
            warned.contains(&format!("2 patients or groups with 3 images of this split have images in other splits, too ({column} p0: 2 in train")),
            "{warned}"
        );
        // Once divided anew all is well.
        assert_code(&osteon(dir, "data split set --out set/divided.csv"), 0);
        assert_eq!(
            json(dir, "data audit set/divided.csv --json")["shared_groups"],
            Value::Array(Vec::new())
        );
    }
}

#[test]
fn a_leak_may_be_allowed_and_goes_on() {
    let dir = leaking("patient");
    let dir = dir.path();
    let train = osteon(
        dir,
        "train --config tiny.toml --data set --run run --device cpu --allow-leak",
    );
    assert_code(&train, 0);
    let said = stderr(&train);
    assert!(
        said.contains("warning: 2 patients or groups lie in more than one split, with 9 images"),
        "{said}"
    );
    assert!(
        stdout(&train).contains("2 patients or groups with 3 images of this split"),
        "{}",
        stdout(&train)
    );
    // What was allowed once is the run's.
    let more = osteon(dir, "train --resume --run run --set train.epochs=3 --force");
    assert_code(&more, 0);
    // Folds divide anew, groups kept whole: nothing leaks.
    let folds = osteon(
        dir,
        "train --config tiny.toml --data set --run folds --device cpu --folds 3 --set train.epochs=1",
    );
    assert_code(&folds, 0);
}

#[test]
fn the_case() {
    let Some(case) = case("24-patient-in-two-splits") else {
        return;
    };
    let audit = osteon_with(&case, &["data", "audit", "manifest.csv"]);
    assert_code(&audit, 0);
    for patient in ["p0", "p1"] {
        let said = format!("patient {patient}: 2 in train, 2 in val, 2 in test");
        assert!(stdout(&audit).contains(&said), "{}", stdout(&audit));
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let data = case.join("manifest.csv");
    let train = osteon_with(
        dir.path(),
        &[
            "train",
            "--data",
            data.to_str().expect("UTF-8"),
            "--run",
            "run",
        ],
    );
    assert_code(&train, 2);
    assert!(
        stderr(&train).contains("patient p0: 2 in train"),
        "{}",
        stderr(&train)
    );
    let judged = osteon_with(&case, &["evaluate", "--data", "manifest.csv", "--json"]);
    assert_code(&judged, 0);
    assert!(
        stdout(&judged).contains("2 patients or groups with 4 images"),
        "{}",
        stdout(&judged)
    );
}
