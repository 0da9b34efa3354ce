//! Integration tests of `data`.

mod annotate;
mod augment;
#[cfg(feature = "dicom")]
mod awkward;
mod bad;
mod bad_input;
mod batches;
mod boxes;
#[cfg(feature = "dicom")]
mod cases;
mod class_names;
mod decode;
#[cfg(feature = "dicom")]
mod dicom;
#[cfg(feature = "dicom")]
#[path = "../../../../xtask/testing/dicom.rs"]
mod film;
mod fits;
mod formats;
mod litter;
mod looks;
mod mixing;
mod oracles;
mod seeds;
mod sharing;
mod sources;
mod split;

use std::path::{Path, PathBuf};

/// Writes a file below a folder, with the folders it needs.
fn put(dir: &Path, file: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = dir.join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
    std::fs::write(path, bytes).expect("writes");
}

/// Real radiographs beside the checkout, or `None` with the reason printed.
fn real_films(folder: &str) -> Option<PathBuf> {
    beside(&format!("xrays/{folder}"))
}

/// Small inputs with what is expected of them beside the checkout, or `None` with the reason printed.
fn case(folder: &str) -> Option<PathBuf> {
    beside(&format!("cases/{folder}"))
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn beside(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}
