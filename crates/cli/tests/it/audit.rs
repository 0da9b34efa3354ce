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

#[test]
fn boxes_that_cannot_be_right_are_listed_and_refused() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path();
    assert_code(&osteon(root, "data synth set --images 12 --seed 3"), 0);
    std::fs::remove_file(root.join("set/boxes.csv")).expect("is there");
    let first = |class: &str| {
        let folder = root.join("set/train").join(class);
        let names = std::fs::read_dir(folder).expect("folder").flatten();
        let name = names
            .map(|entry| entry.file_name())
            .min()
            .expect("an image");
        name.to_string_lossy().replace(".png", ".txt")
    };
    let folder = root.join("labels/train/fractured");
    std::fs::create_dir_all(&folder).expect("folder");
    let good = folder.join(first("fractured"));
    std::fs::write(&good, "0 0.5 0.5 0.2 0.2\n0 140 90 30 20\n").expect("writes");

    let said = osteon(root, "data audit set --boxes labels");
    assert_code(&said, 0);
    let said = stdout(&said);
    assert!(
        said.contains("have boxes, 1 in all\n\nBoxes that cannot be right\n"),
        "{said}"
    );
    assert!(said.contains("line 2: the box is in pixels"), "{said}");
    let json = osteon(root, "data audit set --boxes labels --json");
    let found: serde_json::Value = serde_json::from_str(&stdout(&json)).expect("one object");
    assert_eq!(found["box_faults"][0]["problem"], "pixels");

    let judged = osteon(
        root,
        "evaluate --data set --split train --annotations labels",
    );
    assert_code(&judged, 1);
    let said = stderr(&judged);
    assert!(
        said.contains("1 boxes in labels cannot be right: ")
            && said.contains("hint: `osteon data audit"),
        "{said}"
    );
    std::fs::write(&good, "0 0.5 0.5 0.2 0.2\n").expect("writes");
    let judged = osteon(
        root,
        "evaluate --data set --split train --annotations labels --json",
    );
    assert!(stdout(&judged).starts_with('{'), "{}", stderr(&judged));
}
