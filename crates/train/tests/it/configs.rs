//! The committed configs and their schema.

use std::path::{Path, PathBuf};

use osteon_model::ArchitectureName;
use osteon_train::Config;
use osteon_train::config::Layers;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

fn resolve(name: &str) -> Config {
    let layers = Layers {
        file: Some(folder().join(name)),
        set: Vec::new(),
    };
    layers.resolve().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_config_resolves() {
    let mut seen = 0;
    for item in std::fs::read_dir(folder()).expect("configs") {
        let path = item.expect("entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            resolve(path.file_name().and_then(|n| n.to_str()).expect("a name"));
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}

/// `default.toml` writes out every key, so it documents them; it must not differ from the built-in defaults.
#[test]
fn the_default_config_is_the_default() {
    assert_eq!(resolve("default.toml"), Config::default());
}

#[test]
fn the_seed_config_is_the_seed_s_recipe() {
    let seed = resolve("seed.toml");
    assert_eq!(seed.model.name, ArchitectureName::SeedCnn);
    assert_eq!(
        (
            seed.preprocess.size,
            seed.train.batch_size,
            seed.train.epochs
        ),
        (150, 32, 70)
    );
    assert_eq!(
        (seed.augment.rotate, seed.augment.flip, seed.augment.shift),
        (20.0, 0.5, 0.0)
    );
    assert!(
        (seed.optimizer.lr - 1e-3).abs() < 1e-12
            && (seed.train.stop_val_loss - 0.025).abs() < 1e-12
    );
}

#[test]
fn the_committed_schema_is_that_of_the_code() {
    let schema = serde_json::to_value(schemars::schema_for!(Config)).expect("JSON");
    let committed =
        std::fs::read_to_string(folder().join("schema.json")).expect("configs/schema.json");
    let committed: serde_json::Value = serde_json::from_str(&committed).expect("JSON");
    assert!(
        schema == committed,
        "run `cargo run -p train --example config_schema > configs/schema.json`"
    );
}
