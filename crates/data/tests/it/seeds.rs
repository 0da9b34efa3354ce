//! The seeds of the fuzz targets through the targets' own bodies (`fuzz/`, docs/FUZZING.md): what was found once stays found.

use std::path::Path;

#[cfg(feature = "dicom")]
#[path = "../../../../fuzz/bodies/dicom.rs"]
mod dicom;
#[path = "../../../../fuzz/bodies/image.rs"]
mod image;
#[path = "../../../../fuzz/bodies/manifest.rs"]
mod manifest;

#[path = "../../../../fuzz/bodies/spoil.rs"]
mod spoil;

fn replay(target: &str, run: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let count = spoil::replay(&[seeds.join(target)], run);
    assert!(count >= 4, "{count} seeds of {target}");
}

#[test]
fn images() {
    let _ = image::MOST;
    replay("image", image::run);
}

#[cfg(feature = "dicom")]
#[test]
fn dicom_files() {
    let _ = dicom::MOST;
    replay("dicom", dicom::run);
}

#[test]
fn manifests() {
    let _ = manifest::MOST;
    replay("manifest", manifest::run);
    std::fs::remove_dir_all(manifest::folder()).expect("removes");
}
