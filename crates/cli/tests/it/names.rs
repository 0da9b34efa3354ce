//! Names of classes: what is not known is an error that says what is and how to name one's own; one's own are taken everywhere.

use std::path::Path;

use serde_json::Value;

use crate::{TINY, assert_code, case, osteon, osteon_with, stderr, stdout};

const OWN: &str = r#"data.classes={ fractured = ["kırık"], not_fractured = ["kırık değil"] }"#;

/// The synthetic set with Turkish folders.
fn turkish() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_code(
        &osteon(dir.path(), "data synth set --images 60 --seed 4"),
        0,
    );
    for split in ["train", "val", "test"] {
        let folder = dir.path().join("set").join(split);
        std::fs::rename(folder.join("fractured"), folder.join("Kırık")).expect("renames");
        std::fs::rename(folder.join("not fractured"), folder.join("kırık_değil")).expect("renames");
    }
    std::fs::remove_file(dir.path().join("set/boxes.csv")).expect("removes");
    std::fs::write(dir.path().join("tiny.toml"), TINY).expect("writes");
    dir
}

fn json(dir: &Path, arguments: &[&str]) -> Value {
    let output = osteon_with(dir, arguments);
    assert_code(&output, 0);
    serde_json::from_str(&stdout(&output)).expect("one JSON object")
}

#[test]
fn an_unknown_name_says_what_is_known_and_how_to_name_ones_own() {
    let dir = turkish();
    for command in [
        &["evaluate", "--data", "set"][..],
        &["train", "--data", "set"],
        &["data", "audit", "set"],
        &["data", "split", "set"],
        &["data", "pack", "set", "--cache", "cache"],
    ] {
        let output = osteon_with(dir.path(), command);
        assert!(!output.status.success(), "{command:?}");
        let said = stderr(&output);
        for part in [
            "set/test/Kırık",
            "fractured is called fractured, fracture, positive; not fractured is called",
            OWN,
        ] {
            assert!(
                said.contains(part) || part.starts_with("set/"),
                "{command:?}: {part}: {said}"
            );
        }
        assert!(said.contains("Kırık"), "{said}");
    }
    std::fs::write(
        dir.path().join("films.csv"),
        "path,label\nset/test/Kırık/x.png,kırık\n",
    )
    .expect("writes");
    let film = std::fs::read_dir(dir.path().join("set/test/Kırık"));
    let film = film
        .expect("lists")
        .next()
        .expect("an image")
        .expect("entry")
        .path();
    std::fs::rename(film, dir.path().join("set/test/Kırık/x.png")).expect("renames");
    let output = osteon(dir.path(), "data audit films.csv");
    assert_code(&output, 1);
    let said = stderr(&output);
    assert!(
        said.contains("films.csv, line 2, column label: unknown label \"kırık\""),
        "{said}"
    );
    assert!(said.contains(OWN), "{said}");
    let table = json(
        dir.path(),
        &["data", "audit", "films.csv", "--json", "--set", OWN],
    );
    assert_eq!(table["balance"][0]["fractured"], 1);
}

#[test]
fn names_of_ones_own_are_taken_by_every_command() {
    let dir = turkish();
    let dir = dir.path();
    let train = [
        "train",
        "--config",
        "tiny.toml",
        "--data",
        "set",
        "--run",
        "run",
        "--device",
        "cpu",
        "--set",
        OWN,
    ];
    assert_code(&osteon_with(dir, &train), 0);
    let run = std::fs::read_to_string(dir.join("run/config.toml")).expect("reads");
    assert!(run.contains("kırık değil"), "{run}");
    let evaluated = json(
        dir,
        &[
            "evaluate", "--model", "run", "--data", "set", "--json", "--set", OWN,
        ],
    );
    assert_eq!(evaluated["images"], 9);
    // A config says it as well as a flag.
    std::fs::write(
        dir.join("own.toml"),
        "[data]\nclasses = { fractured = [\"kırık\"], not_fractured = [\"kırık değil\"] }\n",
    )
    .expect("writes");
    let audited = json(
        dir,
        &["data", "audit", "set", "--json", "--config", "own.toml"],
    );
    assert_eq!(audited["images"], 60);
    assert_eq!(audited["balance"].as_array().map(Vec::len), Some(3));
    let packed = json(
        dir,
        &[
            "data", "pack", "set", "--cache", "cache", "--config", "own.toml", "--json",
        ],
    );
    assert_eq!(packed["splits"].as_array().map(Vec::len), Some(3));
    let split = json(dir, &["data", "split", "set", "--json", "--set", OWN]);
    assert_eq!(split["dropped"], 0);
    // The manifest has the names that everybody knows.
    let audited = json(dir, &["data", "audit", "set", "--json"]);
    assert_eq!(audited["images"], 60);
    let wrong = osteon_with(
        dir,
        &[
            "data",
            "audit",
            "set",
            "--set",
            r#"data.classes={ fractured = ["normal"] }"#,
        ],
    );
    assert_code(&wrong, 2);
    assert!(
        stderr(&wrong).contains("takes for the other class"),
        "{}",
        stderr(&wrong)
    );
}

#[test]
fn two_names_of_one_class_are_said_to_be_one() {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_code(&osteon(dir.path(), "data synth set --images 12"), 0);
    let test = dir.path().join("set/train");
    std::fs::rename(test.join("not fractured"), test.join("positive")).expect("renames");
    let audit = osteon(dir.path(), "data audit set/train");
    assert_code(&audit, 0);
    let warning = "warning: the data set has no not_fractured images: \"fractured\", \"positive\" all mean the other class";
    assert!(stderr(&audit).contains(warning), "{}", stderr(&audit));
    let found = json(dir.path(), &["data", "audit", "set/train", "--json"]);
    assert_eq!(found["missing_class"], "not_fractured");
    let judged = osteon(dir.path(), "evaluate --data set/train");
    assert_code(&judged, 1);
    let said = stderr(&judged);
    assert!(
        said.contains("\"fractured\" and \"positive\" both mean the other one"),
        "{said}"
    );
}

#[test]
fn the_cases() {
    let Some(cases) = case("22-class-names") else {
        return;
    };
    for set in [
        "mixed-script",
        "mixed-zh",
        "mark",
        "question",
        "three",
        "manifest-negated.csv",
    ] {
        for command in [["evaluate", "--data"], ["data", "audit"]] {
            let path = cases.join(set);
            let output = osteon_with(
                &cases,
                &[&command[..], &[path.to_str().expect("UTF-8")]].concat(),
            );
            assert!(!output.status.success(), "{set}");
            assert!(
                stderr(&output).contains("data.classes={"),
                "{set}: {}",
                stderr(&output)
            );
        }
    }
    let both = osteon_with(&cases, &["data", "audit", "both-mean-1"]);
    assert!(
        stderr(&both).contains("has no not_fractured images"),
        "{}",
        stderr(&both)
    );
}
