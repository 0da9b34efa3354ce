//! `osteon data audit`.

use crate::{assert_code, osteon, stderr, stdout};

#[test]
fn an_audit_for_people_as_json_and_as_a_page() {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_code(
        &osteon(dir.path(), "data synth set --images 12 --seed 3"),
        0,
    );
    let film = std::fs::read_dir(dir.path().join("set/train/fractured"))
        .expect("folder")
        .next()
        .expect("an image")
        .expect("entry")
        .path();
    std::fs::copy(film, dir.path().join("set/test/not fractured/copy.png")).expect("copies");

    let plain = osteon(dir.path(), "data audit set --report page");
    assert_code(&plain, 0);
    let said = stdout(&plain);
    assert!(
        said.starts_with("13 files show 12 different images."),
        "{said}"
    );
    assert!(said.contains("Copies across splits"), "{said}");
    let page = std::fs::read_to_string(dir.path().join("page/index.html")).expect("page");
    assert!(page.contains("data:image/jpeg;base64,") && !page.contains("<script"));

    let json = osteon(dir.path(), "data audit set --json");
    assert_code(&json, 0);
    let found: serde_json::Value = serde_json::from_str(&stdout(&json)).expect("one object");
    assert_eq!(found["files"].as_array().map(Vec::len), Some(13));
    assert_eq!(found["conflicts"].as_array().map(Vec::len), Some(1));
    for key in [
        "leaks",
        "unreadable",
        "trivial_features",
        "balance",
        "nearest_neighbour",
    ] {
        assert!(found[key].is_array(), "{key}");
    }

    let one = osteon(dir.path(), "data audit set --split test --json");
    let found: serde_json::Value = serde_json::from_str(&stdout(&one)).expect("one object");
    assert_eq!(found["leaks"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_cannot_be_audited_is_wrong_usage() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let absent = osteon(dir.path(), "data audit nowhere");
    assert_code(&absent, 2);
    assert!(stderr(&absent).contains("there is no folder nowhere"));
    assert_code(&osteon(dir.path(), "data synth set --images 8"), 0);
    assert_code(&osteon(dir.path(), "data audit set --split tset"), 2);
}
