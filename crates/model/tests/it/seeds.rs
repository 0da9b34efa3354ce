//! The seeds of the fuzz target `model` through its own body (`fuzz/`, docs/FUZZING.md): what was found once stays found.

use std::path::Path;

#[path = "../../../../fuzz/bodies/model.rs"]
mod model;

#[test]
fn model_files() {
    assert!(model::MOST > 0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/model");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("seeds") {
        model::run(&std::fs::read(file.expect("a file").path()).expect("reads"));
        count += 1;
    }
    assert!(count >= 3, "{count} seeds");
}
