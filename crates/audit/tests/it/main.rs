//! Integration tests of `audit`.

mod audit;
mod fingerprint;

use std::path::{Path, PathBuf};

/// Real radiographs beside the checkout, or `None` with the reason printed.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn real_films(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/xrays")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}
