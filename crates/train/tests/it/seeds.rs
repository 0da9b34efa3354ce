//! The seeds of the fuzz target `config` through its own body (`fuzz/`, docs/FUZZING.md), and every config that ships.

use std::path::Path;

#[path = "../../../../fuzz/bodies/config.rs"]
mod config;

#[test]
fn configs() {
    assert!(config::MOST > 0);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut count = 0;
    for folder in ["fuzz/seeds/config", "configs"] {
        for file in std::fs::read_dir(root.join(folder)).expect("seeds") {
            config::run(&std::fs::read(file.expect("a file").path()).expect("reads"));
            count += 1;
        }
    }
    assert!(count >= 6, "{count} seeds");
    std::fs::remove_file(config::place()).expect("removes");
}
