//! The synthetic data set on disk.

use osteon_data::{Catalog, DataError, Label, Split, image_files};
use osteon_synth::write_synth;

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, seed| {
        let root = dir.path().join(name);
        write_synth(&root, 20, seed, &|| {}).expect("writes");
        let files = image_files(&root).expect("lists");
        let contents: Vec<_> = files
            .iter()
            .map(|f| {
                (
                    f.strip_prefix(&root).expect("below").to_owned(),
                    std::fs::read(f).expect("reads"),
                )
            })
            .collect();
        contents
    };
    let first = write("a", 5);
    assert_eq!(first.len(), 20);
    let boxes = |name: &str| std::fs::read(dir.path().join(name).join("boxes.csv")).expect("reads");
    assert!(first == write("b", 5));
    assert!(boxes("a") == boxes("b"));
    assert!(first != write("c", 6));
}

#[test]
fn splits_share_no_film_and_boxes_name_the_fractured() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    let counts = write_synth(&root, 40, 1, &|| {}).expect("writes");
    assert_eq!(counts.images, [28, 6, 6]);
    let catalog = Catalog::open(&root).expect("opens");
    assert_eq!(catalog.splits(), Split::ALL);
    let mut contents: Vec<_> = catalog
        .entries()
        .iter()
        .map(|e| std::fs::read(&e.path).expect("reads"))
        .collect();
    contents.sort_unstable();
    contents.dedup();
    assert_eq!(contents.len(), 40);
    let boxes = std::fs::read_to_string(root.join("boxes.csv")).expect("reads");
    for entry in catalog.entries() {
        assert_eq!(
            boxes.contains(&entry.id),
            entry.label == Label::Fractured,
            "{}",
            entry.id
        );
    }
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let dir = tempfile::tempdir().expect("temporary folder");
    std::fs::write(dir.path().join("mine.txt"), b"precious").expect("writes");
    let refused = write_synth(dir.path(), 20, 1, &|| {});
    assert!(matches!(refused, Err(DataError::NotEmpty { .. })));
}
