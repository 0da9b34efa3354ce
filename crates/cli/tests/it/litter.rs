//! What lies among images and is none: no command counts it, each says it.

use std::path::Path;

use serde_json::Value;

use crate::{TINY, assert_code, case, osteon, osteon_with, stderr, stdout};

/// A synthetic set with litter in every class's folder, and thumbnails of another split's images.
fn littered() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_code(
        &osteon(dir.path(), "data synth set --images 60 --seed 4"),
        0,
    );
    std::fs::write(dir.path().join("tiny.toml"), TINY).expect("writes");
    let film = |split: &str, class: &str| {
        let folder = dir.path().join("set").join(split).join(class);
        let mut films: Vec<_> = std::fs::read_dir(folder)
            .expect("lists")
            .map(|film| film.expect("entry").path())
            .collect();
        films.sort();
        films.swap_remove(0)
    };
    for class in ["fractured", "not fractured"] {
        for (split, other) in [("train", "test"), ("val", "train"), ("test", "train")] {
            let thumbnail = film(other, class);
            let folder = dir.path().join("set").join(split).join(class);
            let thumbnails = folder.join("@eaDir/f.png");
            std::fs::create_dir_all(&thumbnails).expect("folder");
            std::fs::copy(thumbnail, thumbnails.join("SYNOPHOTO_THUMB_M.png")).expect("copies");
            for (name, content) in [
                ("Desktop.ini", "x"),
                ("THUMBS.DB", "x"),
                ("Icon\r", ""),
                ("notes.txt", "ask X"),
                ("lost.png", ""),
            ] {
                std::fs::write(folder.join(name), content).expect("writes");
            }
        }
    }
    dir
}

fn json(dir: &Path, arguments: &str) -> Value {
    let output = osteon(dir, arguments);
    assert_code(&output, 0);
    serde_json::from_str(&stdout(&output)).expect("one JSON object")
}

#[test]
fn no_command_counts_it() {
    let dir = littered();
    let dir = dir.path();
    let audit = osteon(dir, "data audit set --json");
    assert_code(&audit, 0);
    let said = stderr(&audit);
    for part in [
        "note: 12 files are left aside, neither labelled nor counted:",
        "set/",
        "train/fractured/lost.png (an empty file)",
        "train/fractured/notes.txt (no image)",
        "@eaDir (6 times)",
        r"Icon\r (6 times)",
    ] {
        assert!(said.contains(part) || part == "set/", "{part}: {said}");
    }
    let found: Value = serde_json::from_str(&stdout(&audit)).expect("JSON");
    assert_eq!(found["images"], 60);
    assert_eq!(found["unreadable"].as_array().map(Vec::len), Some(0));
    assert_eq!(found["aside"].as_array().map(Vec::len), Some(36));
    assert_eq!(found["exact_copies"], 0);
    let train = "train --config tiny.toml --data set --run run --device cpu --test --json";
    let trained = json(dir, train);
    assert_eq!(
        (&trained["val"]["images"], &trained["val"]["unreadable"]),
        (&9.into(), &0.into())
    );
    assert_eq!(
        (
            &trained["test"]["images"],
            &trained["test"]["leak"]["exact"]
        ),
        (&9.into(), &0.into())
    );
    let judged = json(dir, "evaluate --model run --data set --json");
    assert_eq!(
        (&judged["images"], &judged["unreadable"]),
        (&9.into(), &0.into())
    );
    let predicted = osteon(dir, "predict --model run set/test --json --device cpu");
    assert_code(&predicted, 0);
    assert_eq!(stdout(&predicted).lines().count(), 9);
    assert!(
        stderr(&predicted).contains("note: 4 files are left aside"),
        "{}",
        stderr(&predicted)
    );
    let split = json(dir, "data split set --out divided.csv --json");
    assert_eq!(split["dropped"], 0);
    let rows = std::fs::read_to_string(dir.join("divided.csv")).expect("reads");
    assert_eq!(rows.lines().count(), 61);
}

/// A file that does not read is a failure, and the last line says which kind.
#[test]
fn exit_code_1_is_explained_in_the_last_line() {
    let dir = littered();
    std::fs::write(
        dir.path().join("set/test/fractured/broken.png"),
        "no picture",
    )
    .expect("writes");
    let predicted = osteon(dir.path(), "predict set/test");
    assert_code(&predicted, 1);
    let said = stderr(&predicted);
    let last = said.lines().last().expect("a line");
    assert_eq!(
        last,
        "exit code 1: 1 of 10 files could not be answered; each has a line that says why"
    );
    let judged = osteon(dir.path(), "evaluate --data set");
    assert_code(&judged, 1);
    let said = stderr(&judged);
    let last = said.lines().last().expect("a line");
    assert_eq!(
        last,
        "exit code 1: 1 file does not read and is in no figure; with --unreadable skip that is no failure"
    );
    let only = dir.path().join("only");
    std::fs::create_dir(&only).expect("folder");
    std::fs::write(only.join("Thumbs.db"), "x").expect("writes");
    let none = osteon(dir.path(), "predict only");
    assert_code(&none, 1);
    assert!(
        stdout(&none).contains("only: the folder holds no images"),
        "{}",
        stdout(&none)
    );
}

#[test]
fn the_case() {
    let Some(case) = case("21-folders-with-litter") else {
        return;
    };
    let audit = osteon_with(&case, &["data", "audit", "set", "--json"]);
    assert_code(&audit, 0);
    let found: Value = serde_json::from_str(&stdout(&audit)).expect("JSON");
    assert_eq!(found["images"], 12);
    assert_eq!(found["unreadable"].as_array().map(Vec::len), Some(0));
    let judged = osteon_with(
        &case,
        &["evaluate", "--data", "set", "--split", "val", "--json"],
    );
    assert_code(&judged, 0);
    let found: Value = serde_json::from_str(&stdout(&judged)).expect("JSON");
    assert_eq!(
        (&found["images"], &found["unreadable"]),
        (&4.into(), &0.into())
    );
    let predicted = osteon_with(&case, &["predict", "set", "--json"]);
    assert_code(&predicted, 0);
    assert_eq!(stdout(&predicted).lines().count(), 12);
}
