//! `data split`: what a person and a program read, and that the result trains.

use std::fmt::Write as _;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;

use crate::{TINY, assert_code, osteon, stderr, stdout};

/// A manifest of 60 images in pairs, undivided, of three regions.
fn pairs(dir: &Path) {
    assert_code(&osteon(dir, "data synth drawn --images 60 --seed 2"), 0);
    let mut rows = String::from("path,label,pair,region\n");
    let mut number = 0;
    for split in ["train", "val", "test"] {
        for class in ["fractured", "not fractured"] {
            let folder = dir.join("drawn").join(split).join(class);
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .expect("lists")
                .map(|f| f.expect("entry").file_name())
                .collect();
            files.sort();
            for file in files {
                let file = file.to_str().expect("UTF-8");
                writeln!(
                    rows,
                    "{split}/{class}/{file},{class},{},r{}",
                    number / 2,
                    number % 3
                )
                .expect("a String");
                number += 1;
            }
        }
    }
    std::fs::write(dir.join("drawn/films.csv"), rows).expect("writes");
}

fn said(dir: &Path, arguments: &str) -> String {
    let output = osteon(dir, arguments);
    assert_code(&output, 0);
    // The fingerprint has tests of its own.
    match stdout(&output).split_once(", fingerprint ") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|c| c != '\n'))
        }
        None => stdout(&output),
    }
}

fn refusal(dir: &Path, arguments: &str, code: i32) -> String {
    let output = osteon(dir, arguments);
    assert_code(&output, code);
    assert_eq!(stdout(&output), "", "nothing on stdout");
    stderr(&output).replace(&format!("{}/", dir.display()), "")
}

#[test]
fn a_division_is_told_and_trains() {
    let dir = tempfile::tempdir().expect("temporary folder");
    pairs(dir.path());
    let split =
        "data split drawn/films.csv --groups pair --balance region --out drawn/manifest.csv";
    assert_snapshot!(said(dir.path(), split), @r#"
    train: 42 images in 21 groups, 25 fractured
      val: 8 images in 4 groups, 5 fractured
     test: 10 images in 5 groups, 6 fractured
           region "r0": train 15, val 3, test 2
           region "r1": train 14, val 2, test 4
           region "r2": train 13, val 3, test 4
    in drawn/manifest.csv
    "#);
    let again = refusal(dir.path(), split, 2);
    assert_snapshot!(again, @"error: drawn/manifest.csv is there already. Name another file, or remove it first");
    std::fs::write(dir.path().join("tiny.toml"), TINY).expect("writes");
    let train = osteon(
        dir.path(),
        "train --config tiny.toml --data drawn --run run --device cpu --set train.epochs=1 --json",
    );
    assert_code(&train, 0);
    let report: Value = serde_json::from_str(&stdout(&train)).expect("JSON");
    let record =
        std::fs::read_to_string(dir.path().join("drawn/manifest.split.json")).expect("reads");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let info: Value = serde_json::from_str(&said(dir.path(), "info run --json")).expect("JSON");
    assert_eq!(
        info["training_data"]["catalog_fingerprint"],
        record["fingerprint"]
    );
    assert_eq!(info["training_data"]["name"], "drawn");
    assert_eq!(report["val"]["images"], 8);
    let test = said(
        dir.path(),
        "evaluate --model run --data drawn/manifest.csv --layout manifest --json",
    );
    let test: Value = serde_json::from_str(&test).expect("JSON");
    assert_eq!(
        (test["images"].as_u64(), test["leak"]["exact"].as_u64()),
        (Some(10), Some(0))
    );
}

#[test]
fn folds_are_a_manifest_each() {
    let dir = tempfile::tempdir().expect("temporary folder");
    pairs(dir.path());
    let report = said(
        dir.path(),
        "data split drawn/films.csv --groups pair --folds 3 --json",
    );
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let paths: Vec<_> = report["manifests"]
        .as_array()
        .expect("three")
        .iter()
        .map(|m| m["path"].as_str().expect("path"))
        .collect();
    assert_eq!(
        paths,
        [
            "drawn/films.split.fold1.csv",
            "drawn/films.split.fold2.csv",
            "drawn/films.split.fold3.csv"
        ]
    );
    for written in report["manifests"].as_array().expect("three") {
        assert_eq!(written["splits"]["test"]["images"], 20);
    }
    let record = std::fs::read_to_string(dir.path().join("drawn/films.split.fold2.split.json"))
        .expect("reads");
    assert!(record.contains("\"how\": \"fold 2 of 3\""), "{record}");
}

/// Images of test that are in train, too, go; the rest stays where it was.
#[test]
fn a_test_set_is_cleaned() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path();
    assert_code(&osteon(root, "data synth set --images 40 --seed 2"), 0);
    let copy = |from: &str, to: &str| {
        let films = std::fs::read_dir(root.join("set").join(from)).expect("lists");
        let film = films.map(|f| f.expect("entry").path()).min().expect("one");
        std::fs::copy(&film, root.join("set").join(to)).expect("copies");
        film.strip_prefix(root.join("set"))
            .expect("below")
            .display()
            .to_string()
    };
    let seen = copy("train/fractured", "test/fractured/copy.png");
    let own = copy("val/not fractured", "val/not fractured/copy.png");
    let mut files = Vec::new();
    for entry in osteon_data::Catalog::open(root.join("set"))
        .expect("opens")
        .entries()
    {
        let cluster = match entry.id.as_str() {
            id if id == seen || id == "test/fractured/copy.png" => 1,
            id if id == own || id == "val/not fractured/copy.png" => 2,
            _ => 100 + files.len(),
        };
        files.push(serde_json::json!({"path": entry.id, "cluster": cluster}));
    }
    std::fs::write(
        root.join("clusters.json"),
        serde_json::json!({ "files": files }).to_string(),
    )
    .expect("writes");
    assert_snapshot!(said(root, "data split set --clean --groups clusters.json"), @r#"
    train: 28 images in 28 groups, 21 fractured
      val: 7 images in 6 groups, 2 fractured
     test: 6 images in 6 groups, 5 fractured
    in set/manifest.csv
    1 images of val and test left out: they have a copy or a patient in common with an earlier split
    "#);
    // Without a word on groups, the copies are found: the same division.
    let output = osteon(
        root,
        "data split set --clean --out found.csv --layout class_folders",
    );
    assert_code(&output, 0);
    assert!(
        stderr(&output).contains("copies of one image are looked for"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("test: 6 images in 6 groups, 5 fractured"),
        "{}",
        stdout(&output)
    );
    let text = std::fs::read_to_string(root.join("set/manifest.csv")).expect("reads");
    let pair = text
        .lines()
        .filter(|l| l.contains(&format!(",val,{own},")))
        .count();
    assert_eq!(pair, 2, "the manifest knows its groups: {text}");
    assert!(
        !text
            .lines()
            .any(|row| row.starts_with("test/fractured/copy.png")),
        "{text}"
    );
}

#[test]
fn what_cannot_be_divided() {
    let dir = tempfile::tempdir().expect("temporary folder");
    pairs(dir.path());
    let root = dir.path();
    assert_snapshot!(refusal(root, "data split drawn --groups patient", 2), @r#"error: no image has a column "patient"; there are kind"#);
    assert_snapshot!(refusal(root, "data split drawn/films.csv --groups region", 1), @"error: test would have no fractured images: the data set has 3 group(s) with such images, and groups are kept together");
    assert_snapshot!(refusal(root, "data split drawn/films.csv --groups pair --val 0.7 --test 0.3", 2), @"error: val and test together must be less than 1, to leave images to train on");
    assert_snapshot!(refusal(root, "data split drawn --layout mura", 2), @"error: drawn is not laid out as mura: expected train_image_paths.csv and train_labeled_studies.csv, or the same for valid");
    assert_snapshot!(refusal(root, "train --data drawn/films.csv", 2), @r"
    error: drawn/films.csv has no split train; it has test, for it comes undivided
    hint: `osteon data split` divides it
    ");
    for wrong in [
        "data split drawn --folds 3 --val 0.2",
        "data split drawn --layout kaggle",
        "data split drawn --clean --folds 3",
    ] {
        assert_code(&osteon(root, wrong), 2);
    }
    // Without a word on groups it is done, with a warning.
    let output = osteon(root, "data split drawn/films.csv --json");
    assert_code(&output, 0);
    assert!(
        stderr(&output).contains("note: no groups are known"),
        "{}",
        stderr(&output)
    );
}
