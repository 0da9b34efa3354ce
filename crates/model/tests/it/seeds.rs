//! The seeds of the fuzz target `model` through its own body (`fuzz/`, docs/FUZZING.md): what was found once stays found.

use std::path::Path;

#[path = "../../../../fuzz/bodies/model.rs"]
mod model;
#[path = "../../../../fuzz/bodies/spoil.rs"]
mod spoil;

#[test]
fn model_files() {
    let _ = model::MOST;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/model");
    let count = spoil::replay(&[folder], model::run);
    assert!(count >= 3, "{count} seeds");
}
