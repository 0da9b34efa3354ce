//! A model judged: what the report holds, what is counted, what is warned of.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::python::python_with;
use crate::{assert_code, osteon, set, stderr, stdout, trained};

fn judged(dir: &Path, arguments: &str) -> Value {
    let output = osteon(dir, &format!("evaluate --json {arguments}"));
    assert_code(&output, 0);
    serde_json::from_str(&stdout(&output)).expect("one JSON object")
}

fn warnings(judgement: &Value) -> String {
    judgement["warnings"].to_string()
}

#[test]
fn a_report_is_one_page_and_three_tables() {
    let dir = trained();
    let said = judged(
        dir.path(),
        "--model run --data set --split val --report out",
    );
    let read = |name: &str| std::fs::read_to_string(dir.path().join("out").join(name)).expect(name);
    let page = read("index.html");
    for part in ["<svg", "ROC", "CLAIM", "prefers-color-scheme"] {
        assert!(page.contains(part), "{part}");
    }
    for outside in ["src=\"http", "href=\"http", "url(http", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let written: Value = serde_json::from_str(&read("judgement.json")).expect("JSON");
    assert_eq!(written["confusion"], said["confusion"]);
    assert_eq!(written["roc_auc"], said["roc_auc"]);
    assert_eq!(read("scores.csv").lines().count(), 10, "9 images");
    assert!(read("figures.csv").contains("sensitivity"));
    // Val is known to the model as val: that is no leak, and is said.
    assert_eq!(said["leak"]["exact"], 0);
    assert!(
        warnings(&said).contains("were picked on this split"),
        "{said}"
    );
    // Training ends with the same report.
    assert!(dir.path().join("run/report/val/index.html").is_file());
}

#[test]
fn the_figures_are_scikit_learn_s() {
    let python = match python_with("sklearn") {
        Ok(python) => python,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return;
        }
    };
    let dir = trained();
    judged(
        dir.path(),
        "--model run --data set --split test --report out",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/judged.py");
    let output = Command::new(python)
        .arg(script)
        .arg(dir.path().join("out"))
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", stderr(&output));
    let differences: BTreeMap<String, f64> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(differences.len() >= 15, "{differences:?}");
    for (figure, difference) in differences {
        assert!(difference < 1e-9, "{figure}: {difference}");
    }
}

#[test]
fn every_look_at_test_is_counted() {
    let dir = trained();
    let first = judged(dir.path(), "--model run --data set");
    let second = judged(dir.path(), "--model run/model.safetensors --data set");
    assert_eq!((&first["looks"], &second["looks"]), (&1.into(), &2.into()));
    assert!(!warnings(&first).contains("judgement number"));
    assert!(warnings(&second).contains("judgement number 2"), "{second}");
    // Val may be looked at; another test set is another count.
    assert_eq!(
        judged(dir.path(), "--model run --data set --split val")["looks"],
        Value::Null
    );
    std::fs::remove_file(dir.path().join("set/test").join(first_film(dir.path())))
        .expect("removes");
    assert_eq!(judged(dir.path(), "--model run --data set")["looks"], 1);
    let lines = std::fs::read_to_string(dir.path().join("run/judgements.jsonl")).expect("reads");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    // A model on its own has no run to count in.
    std::fs::create_dir(dir.path().join("alone")).expect("folder");
    std::fs::copy(
        dir.path().join("run/model.safetensors"),
        dir.path().join("alone/model.safetensors"),
    )
    .expect("copies");
    assert_eq!(
        judged(dir.path(), "--model alone --data set")["looks"],
        Value::Null
    );
}

/// The name of an image of test, below `set/test`.
fn first_film(dir: &Path) -> String {
    let films = std::fs::read_dir(dir.join("set/test/fractured")).expect("lists");
    let mut names: Vec<String> = films
        .map(|film| {
            film.expect("entry")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    format!("fractured/{}", names[0])
}

/// Images that the model has learned from, turned and mirrored, in other files: nearly seen.
#[test]
fn turned_copies_of_training_films_are_found_and_left_out() {
    let dir = set();
    // At the 32 pixels of the other tests, there is little left to know an image by.
    let train =
        "train --config tiny.toml --set preprocess.size=64 --data set --run run --device cpu";
    assert_code(&osteon(dir.path(), train), 0);
    let (train, test) = (
        dir.path().join("set/train/fractured"),
        dir.path().join("set/test/fractured"),
    );
    let mut films: Vec<_> = std::fs::read_dir(&train)
        .expect("lists")
        .map(|film| film.expect("entry").path())
        .collect();
    films.sort();
    // Copies of nearly all images are found, not of all (docs/DATA.md): of the first, mirrored, it is not.
    for (number, film) in films.iter().skip(1).take(2).enumerate() {
        let film = image::open(film).expect("reads");
        let copy = if number == 0 {
            film.fliph()
        } else {
            film.rotate90()
        };
        copy.save(test.join(format!("new-{number}.png")))
            .expect("writes");
    }
    let said = judged(dir.path(), "--model run --data set");
    let leak = &said["leak"];
    assert_eq!((&leak["exact"], &leak["near"]), (&0.into(), &2.into()));
    assert_eq!(leak["clean_summary"]["images"], 9, "{leak}");
    assert_eq!(said["images"], 11);
    assert!(
        warnings(&said).contains("2 of 11 images (18.2 %)"),
        "{said}"
    );
}

#[test]
fn copies_and_contradictions_are_named() {
    let dir = trained();
    let film = dir.path().join("set/test").join(first_film(dir.path()));
    std::fs::copy(&film, dir.path().join("set/test/fractured/again.png")).expect("copies");
    std::fs::copy(&film, dir.path().join("set/test/not fractured/or not.png")).expect("copies");
    let said = judged(dir.path(), "--model run --data set");
    let warned = warnings(&said);
    assert!(
        warned.contains("2 files are copies byte-for-byte"),
        "{warned}"
    );
    assert!(
        warned.contains("1 image is there with both labels") && warned.contains("or not.png"),
        "{warned}"
    );
}

#[test]
fn annotations_make_subgroups_and_groups() {
    let dir = trained();
    let mut rows = vec!["path,region,patient".to_owned()];
    for class in ["fractured", "not fractured"] {
        let mut films: Vec<_> = std::fs::read_dir(dir.path().join("set/test").join(class))
            .expect("lists")
            .map(|film| {
                film.expect("entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        films.sort();
        for (number, film) in films.iter().enumerate() {
            let region = ["hand", "leg"][number % 2];
            // Two images a patient, of one class.
            rows.push(format!(
                "test/{class}/{film},{region},{class} {}",
                number / 2
            ));
        }
    }
    std::fs::write(dir.path().join("known.csv"), rows.join("\n")).expect("writes");
    let said = judged(dir.path(), "--model run --data set --annotations known.csv");
    let rows: Vec<(&str, &str)> = said["subgroups"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| {
            (
                row["column"].as_str().expect("text"),
                row["value"].as_str().expect("text"),
            )
        })
        .collect();
    assert_eq!(rows, [("region", "hand"), ("region", "leg")]);
    let groups = said["groups"]["groups"].as_u64().expect("count");
    assert!((4..=6).contains(&groups), "{}", said["groups"]);
    assert!(said["intervals"].as_str().expect("text").contains("groups"));
}

/// Gate and flags decide here, too: what `predict` leaves to a person or takes for no radiograph counts as neither call.
#[test]
fn what_evaluate_decides_is_what_predict_decides() {
    let dir = set();
    let folder = dir.path().join("set/test/not fractured");
    let dark = image::GrayImage::from_fn(120, 160, |x, y| image::Luma([((x + y) % 3) as u8]));
    dark.save(folder.join("dark.png")).expect("writes");
    let sky = image::RgbImage::from_fn(160, 120, |x, y| {
        image::Rgb([90 + (x / 4) as u8, 140, 255 - y as u8])
    });
    sky.save(folder.join("sky.png")).expect("writes");
    let said = judged(dir.path(), "--data set --split test --report out");
    let table = std::fs::read_to_string(dir.path().join("out/scores.csv")).expect("reads");
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let head = rows.headers().expect("has a head").clone();
    let column = |name: &str| head.iter().position(|known| known == name).expect(name);
    let mut open = 0;
    let mut seen = Vec::new();
    for row in rows.records() {
        let row = row.expect("reads");
        let file = dir.path().join("set").join(&row[column("id")]);
        let file = file.to_str().expect("UTF-8");
        let output = crate::osteon_with(dir.path(), &["predict", "--json", file]);
        let line: Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
        assert_eq!(line["decision"], row[column("decision")], "{file}");
        open += u64::from(["doubt", "not_an_xray"].contains(&&row[column("decision")]));
        seen.push((file.to_owned(), row[column("decision")].to_owned()));
    }
    assert_eq!(said["doubt"]["deferred"], open);
    for name in ["dark.png", "sky.png"] {
        let (_, decision) = seen
            .iter()
            .find(|(file, _)| file.ends_with(name))
            .expect("judged");
        assert_ne!(decision, "not_fractured", "{name}");
    }
}
