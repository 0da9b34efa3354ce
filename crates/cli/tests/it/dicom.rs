//! `predict --dicom` and `listen` as they are called; what is written and said is tested in `dicom`.

use serde_json::Value;

use crate::{assert_code, osteon_with, stderr, stdout};

#[test]
fn a_film_that_belongs_to_nobody_is_judged_and_no_dicom_written() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let gray = image::GrayImage::from_fn(90, 90, |x, y| image::Luma([(x + y) as u8]));
    gray.save(dir.path().join("plain.png")).expect("writes");
    let call = [
        "predict",
        "--device",
        "cpu",
        "--json",
        "--dicom",
        "out",
        "plain.png",
    ];
    let output = osteon_with(dir.path(), &call);
    assert_code(&output, 1);
    let told: Value = serde_json::from_str(&stdout(&output)).expect("one JSON object");
    assert!(
        told["score"].is_number() && told.get("dicom").is_none(),
        "{told}"
    );
    assert_eq!(told["dicom_error"], "not a DICOM file");
    assert!(stderr(&output).contains("plain.png: judged, but no DICOM was written"));
    assert_eq!(
        std::fs::read_dir(dir.path().join("out"))
            .expect("lists")
            .count(),
        0
    );
}

#[test]
fn a_wrong_call_says_what_is_wrong() {
    let dir = tempfile::tempdir().expect("temporary folder");
    for (more, what) in [
        (["--aet", "SEVENTEEN LETTERS"], "1 to 16 ASCII characters"),
        (["--send", "ARCHIVE"], "AET@HOST:PORT"),
        (["--max-pdu", "100"], "from 4096 to 1048576"),
        (["--max-associations", "0"], "must be 1 or more"),
    ] {
        let mut call = vec!["listen", "--device", "cpu", "--port", "0"];
        call.extend(more);
        let output = osteon_with(dir.path(), &call);
        assert_code(&output, 2);
        let said = stderr(&output);
        assert!(said.contains(what), "{what}: {said}");
    }
}
