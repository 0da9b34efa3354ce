//! The model that ships, which is used where none is named, and what makes its file.

use std::path::Path;

use serde_json::Value;

use crate::{assert_code, osteon, osteon_with, set, stderr, stdout, trained};

fn object(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON object")
}

#[test]
fn without_a_model_the_one_that_ships_judges() {
    let dir = set();
    let info = osteon(dir.path(), "info --json");
    assert_code(&info, 0);
    let weights = object(&stdout(&info))["weights_sha256"].clone();

    let judged = osteon(dir.path(), "evaluate --data set --json --device cpu");
    assert_code(&judged, 0);
    let judged = object(&stdout(&judged));
    assert_eq!(
        (&judged["images"], &judged["model"]["weights_sha256"]),
        (&Value::from(9), &weights)
    );
    assert_eq!(judged["looks"], Value::Null);
    let warnings = judged["warnings"].as_array().expect("a list");
    let lies = |w: &&Value| {
        w.as_str()
            .is_some_and(|w| w.contains("lies in no run folder"))
    };
    assert_eq!(warnings.iter().filter(lies).count(), 1, "{warnings:?}");
    // A run in the folder it is called from is none of its business.
    assert!(!dir.path().join("judgements.jsonl").exists());

    let film = std::fs::read_dir(dir.path().join("set/test/fractured"))
        .expect("lists")
        .next()
        .expect("one")
        .expect("an entry");
    let film = film.path();
    let film = film.to_str().expect("UTF-8");
    let line = osteon_with(dir.path(), &["predict", "--json", film]);
    assert_code(&line, 0);
    let score = object(&stdout(&line))["score"].as_f64().expect("a score");
    assert!((0.0..=1.0).contains(&score));
}

#[test]
fn models_are_compared_with_the_one_that_ships() {
    let dir = trained();
    let output = osteon(dir.path(), "compare run --data set --json --device cpu");
    assert_code(&output, 0);
    let found = object(&stdout(&output));
    assert_eq!(found["images"], 9);
    assert_ne!(
        found["a"]["model"]["weights_sha256"],
        found["b"]["model"]["weights_sha256"]
    );
    assert_eq!(found["b"]["model"]["file"], "ships with the program");
}

/// The cards in `docs` are made by the program, not typed.
#[test]
fn the_committed_cards_are_those_of_the_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (model, card) in [
        ("accurate", "docs/MODEL_CARD.md"),
        ("fast", "docs/MODEL_CARD_FAST.md"),
    ] {
        let output = osteon(&root, &format!("info {model} --card"));
        assert_code(&output, 0);
        let committed = std::fs::read_to_string(root.join(card)).expect("reads");
        assert!(
            stdout(&output) == committed,
            "run `cargo run -p cli -- info {model} --card > {card}`"
        );
        for part in [
            &format!("# Model card: {model}\n"),
            "Not a medical device",
            "CC BY 4.0",
            "FracAtlas",
            "Kaggle",
            "ImageNet",
            "| ROC-AUC | 0.",
            "| balanced |",
            "| screening |",
            "SHA-256 of the weights",
            "## Limits",
        ] {
            assert!(committed.contains(part), "{card}: {part}");
        }
    }
    // Out of fold, by what is known of the images.
    let accurate = std::fs::read_to_string(root.join("docs/MODEL_CARD.md")).expect("reads");
    for part in ["| source kaggle |", "| region hand |", "| view lateral |"] {
        assert!(accurate.contains(part), "{part}");
    }
}

/// A model that ships is named anywhere where a model is.
#[test]
fn models_that_ship_go_by_their_names() {
    let dir = set();
    let hash = |words: &str| {
        let output = osteon(dir.path(), words);
        assert_code(&output, 0);
        object(&stdout(&output))["weights_sha256"].clone()
    };
    let (accurate, fast) = (hash("info accurate --json"), hash("info fast --json"));
    assert_eq!(hash("info --json"), accurate);
    assert_ne!(fast, accurate);
    let output = osteon(
        dir.path(),
        "compare fast accurate --data set --json --device cpu",
    );
    assert_code(&output, 0);
    let found = object(&stdout(&output));
    assert_eq!(
        [
            &found["a"]["model"]["weights_sha256"],
            &found["b"]["model"]["weights_sha256"]
        ],
        [&fast, &accurate]
    );
    let output = osteon(
        dir.path(),
        "export --model fast --format safetensors out.safetensors",
    );
    assert_code(&output, 0);
    let output = osteon(dir.path(), "info out.safetensors --json");
    assert_eq!(object(&stdout(&output))["name"], "fast");
}

/// Any model has a card; what its file does not say is not stated.
#[test]
fn a_run_has_a_card_and_shrinks() {
    let dir = trained();
    let output = osteon(dir.path(), "info run --card");
    assert_code(&output, 0);
    for part in ["`residual`", "| licence | not stated |", "9 images"] {
        assert!(
            stdout(&output).contains(part),
            "{part}: {}",
            stdout(&output)
        );
    }
    let output = osteon(dir.path(), "shrink run small.safetensors --refit --json");
    assert_code(&output, 0);
    let report = object(&stdout(&output));
    assert!(
        report["bytes"].as_u64() < report["bytes_before"].as_u64(),
        "{report}"
    );
    assert!(report["val_roc_auc"].is_number() && report["val_roc_auc_before"].is_number());
    assert_code(
        &osteon(
            dir.path(),
            "evaluate --model small.safetensors --data set --split val",
        ),
        0,
    );
    let rows = (0..100).fold(String::new(), |rows, i| {
        rows + &format!("{},{}\n", i >= 50, f64::from(i) / 10.0 - 5.0)
    });
    std::fs::write(
        dir.path().join("folds.csv"),
        format!("fractured,logit\n{rows}"),
    )
    .expect("writes");
    let output = osteon(
        dir.path(),
        "shrink run promising.safetensors --refit --scores folds.csv",
    );
    assert_code(&output, 0);
    let output = osteon(dir.path(), "info promising.safetensors --card");
    for part in [
        "fitted on out-of-fold scores: 100 images, 50 fractured",
        "- Of the images called fractured at most 10 % are not, with 90 % confidence (2 of 52 where it was made)",
        "- Of all fractures at most 10 % are called not fractured, with 90 % confidence (",
        "sensitivity out of fold",
        "| 100 images, 50 fractured | |",
    ] {
        assert!(
            stdout(&output).contains(part),
            "{part}: {}",
            stdout(&output)
        );
    }
    let output = osteon(
        dir.path(),
        "evaluate --model promising.safetensors --data set --split val",
    );
    assert!(
        stdout(&output).contains("Made on out-of-fold scores: 100 images, 50 fractured"),
        "{}",
        stdout(&output)
    );
    std::fs::write(
        dir.path().join("old.csv"),
        "id,fractured,fold,score\na,true,1,0.5\n",
    )
    .expect("writes");
    let output = osteon(
        dir.path(),
        "shrink run no.safetensors --refit --scores old.csv",
    );
    assert_code(&output, 1);
    assert!(
        stderr(&output).contains("old.csv, line 1: there is no column logit"),
        "{}",
        stderr(&output)
    );
    // What is in no run folder says nothing of its config.
    let output = osteon(
        dir.path(),
        "shrink small.safetensors again.safetensors --refit",
    );
    assert_code(&output, 2);
    assert!(
        stderr(&output).contains("lies in no run folder"),
        "{}",
        stderr(&output)
    );
    assert_code(
        &osteon(dir.path(), "shrink small.safetensors again.safetensors"),
        0,
    );
}

/// A network with a map is held against the boxes of val, and its card says how well it says where.
#[test]
fn a_card_says_how_well_a_model_says_where() {
    let dir = set();
    let trained = osteon(
        dir.path(),
        "train --config tiny.toml --data set --run where --device cpu --set model.name=fracture_map --set loss.map=3 --set train.epochs=1 \
         --set preprocess.size=64 --set model.fracture_map.widths=[8,8,8,8,8] --set model.fracture_map.pyramid=8",
    );
    assert_code(&trained, 0);
    assert_code(
        &osteon(dir.path(), "shrink where where.safetensors --refit"),
        0,
    );
    let said = object(&stdout(&osteon(
        dir.path(),
        "info where.safetensors --json",
    )));
    let boxes = &said["metrics"]["boxes"];
    assert!(boxes["known"].as_u64() > Some(0), "{boxes}");
    let judged = osteon(
        dir.path(),
        "evaluate --model where.safetensors --data set --split val --json",
    );
    assert_eq!(&object(&stdout(&judged))["boxes"], boxes);
    let card = stdout(&osteon(dir.path(), "info where.safetensors --card"));
    for part in [
        "| AP50 | ",
        "| known boxes found with at most 0.125 false boxes an image | ",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
}
