//! Examples out of folders: what is found, what is left out, and that the same seed gives the same.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::{Rgba, RgbaImage};
use osteon_data::DecodeScratch;
use osteon_gate::{Class, features};
use osteon_gate_fit::{FitError, found, seen, varied};

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
    std::fs::write(path, bytes).expect("writes");
}

/// A gray picture with a see-through corner.
fn picture(path: &Path) {
    let image = RgbaImage::from_fn(96, 80, |x, y| {
        let level = (x * 2 + y) as u8;
        Rgba([level, level, level, if x < 20 && y < 20 { 0 } else { 255 }])
    });
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
    image.save(path).expect("writes");
}

fn dicom() -> Vec<u8> {
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/dicom/plain.dcm");
    std::fs::read(seed).expect("is there")
}

#[test]
fn sources_come_by_class_and_name() {
    let dir = tempfile::tempdir().expect("temporary folder");
    picture(&dir.path().join("radiograph/b/2.png"));
    picture(&dir.path().join("radiograph/b/1.png"));
    picture(&dir.path().join("radiograph/a/1.png"));
    picture(&dir.path().join("other/c/1.png"));
    let sources = found(dir.path()).expect("reads");
    let names: Vec<_> = sources
        .iter()
        .map(|source| (source.class, source.name.as_str(), source.files.len()))
        .collect();
    assert_eq!(
        names,
        [
            (Class::Other, "c", 1),
            (Class::Radiograph, "a", 1),
            (Class::Radiograph, "b", 2)
        ]
    );
    assert!(sources[2].files.is_sorted());

    std::fs::create_dir(dir.path().join("cats")).expect("makes");
    let error = found(dir.path()).expect_err("no such class");
    assert!(matches!(error, FitError::UnknownKind { ref path } if path.ends_with("cats")));
    assert!(matches!(
        found(&dir.path().join("nowhere")),
        Err(FitError::File(_))
    ));
}

#[test]
fn a_file_is_one_picture_and_its_first_example_is_what_a_program_sees() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let folder = dir.path().join("other/photos");
    picture(&folder.join("1.png"));
    write(&folder.join("2.png"), b"no picture");
    write(&folder.join("3.dcm"), &dicom());
    let source = &found(dir.path()).expect("reads")[0];
    let told = AtomicUsize::new(0);
    let tick = || {
        told.fetch_add(1, Ordering::Relaxed);
    };
    let examples = varied(source, 3, 7, &tick);
    assert_eq!(told.load(Ordering::Relaxed), 3);
    // What does not read is left out; the others keep their numbers.
    let pictures: Vec<u64> = examples.iter().map(|example| example.picture).collect();
    assert_eq!(pictures, [0, 0, 0, 2, 2, 2]);
    assert!(
        examples
            .iter()
            .all(|e| e.class == Class::Other && e.source == "photos")
    );
    for (number, file) in [(0, "1.png"), (3, "3.dcm")] {
        let picture = seen(&folder.join(file), &mut DecodeScratch::default()).expect("reads");
        assert_eq!(examples[number].features, features(&picture), "{file}");
        assert_ne!(examples[number].features, examples[number + 1].features);
    }

    let numbers = |examples: &[osteon_gate_fit::Example]| -> Vec<Vec<f32>> {
        examples
            .iter()
            .map(|example| example.features.clone())
            .collect()
    };
    assert_eq!(numbers(&varied(source, 3, 7, &|| ())), numbers(&examples));
    assert_ne!(numbers(&varied(source, 3, 8, &|| ())), numbers(&examples));
    assert!(seen(&folder.join("2.png"), &mut DecodeScratch::default()).is_none());
}
