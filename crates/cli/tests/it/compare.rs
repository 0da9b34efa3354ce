//! Two models on the same images.

use serde_json::Value;

use crate::{assert_code, osteon, stdout, trained};

#[test]
fn a_model_is_no_better_than_itself() {
    let dir = trained();
    let output = osteon(
        dir.path(),
        "compare run run/model.safetensors --data set --split val --json",
    );
    assert_code(&output, 0);
    let said: Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
    assert_eq!(said["images"], 9);
    for figure in ["average_precision", "brier"] {
        assert_eq!(said[figure]["value"], 0.0, "{figure}");
    }
    assert_eq!(said["roc_auc"]["difference"]["value"], 0.0);
    assert_eq!(
        (&said["accuracy"]["only_a"], &said["accuracy"]["only_b"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn two_models_stand_side_by_side() {
    let dir = trained();
    assert_code(
        &osteon(
            dir.path(),
            "train --config tiny.toml --data set --run other --set train.seed=9",
        ),
        0,
    );
    let output = osteon(dir.path(), "compare run other --data set");
    assert_code(&output, 0);
    let text = stdout(&output);
    for part in ["A − B", "sensitivity", "ROC-AUC", "McNemar", "DeLong"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
