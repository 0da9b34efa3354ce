//! Integration tests of `files`.

use osteon_files::write_atomic;

#[test]
fn replaces_whole_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let path = dir.path().join("deep/er/file.json");
    write_atomic(&path, b"one").expect("writes");
    write_atomic(&path, b"two").expect("replaces");
    assert_eq!(std::fs::read(&path).expect("reads"), b"two");
    let around = std::fs::read_dir(path.parent().expect("parent"))
        .expect("lists")
        .count();
    assert_eq!(around, 1);
}

#[test]
fn the_path_is_named_when_it_fails() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, b"").expect("file");
    let error = write_atomic(&blocked.join("below"), b"x")
        .expect_err("a file is no folder")
        .to_string();
    assert!(error.contains("file"), "{error}");
}
