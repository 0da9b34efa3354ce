//! The seeds of the fuzz target `config` through its own body (`fuzz/`, docs/FUZZING.md), and every config that ships.

use std::path::Path;

#[path = "../../../../fuzz/bodies/config.rs"]
mod config;
#[path = "../../../../fuzz/bodies/spoil.rs"]
mod spoil;

#[test]
fn configs() {
    let _ = config::MOST;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [root.join("fuzz/seeds/config"), root.join("configs")];
    let count = spoil::replay(&folders, config::run);
    assert!(count >= 6, "{count} seeds");
    std::fs::remove_file(config::place()).expect("removes");
}
