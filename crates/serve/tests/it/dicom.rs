//! Answers as DICOM. What is in them is held against the tools of others by the tests of `dicom`; here it is whose they are.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileDicomObject, InMemDicomObject};
use serde_json::Value;

use crate::dicom_film::{CR, NATIVE, PATIENT, STUDY, element, file, film as dicom, instance};
use crate::{film, options, png, post, post_form, same_score, serve};

const PATH: &str = "/api/v1/predictions?dicom=base64";

fn object(said: &Value) -> FileDicomObject<InMemDicomObject> {
    let bytes = STANDARD.decode(said["file"].as_str().expect("a file"));
    let object = dicom_object::from_reader(Cursor::new(bytes.expect("base64"))).expect("DICOM");
    let text = |tag| object.element(tag).expect("there").to_str().expect("text");
    for (key, tag) in [
        ("sop_class_uid", tags::SOP_CLASS_UID),
        ("sop_instance_uid", tags::SOP_INSTANCE_UID),
    ] {
        assert_eq!(said[key], text(tag).trim_end_matches('\0'), "{key}");
    }
    object
}

#[test]
fn a_film_of_a_study_is_answered_in_that_study() {
    let server = serve(options());
    let film = dicom(1, 200, 260);
    let got = post(&server.url(PATH), "application/dicom", &film);
    assert_eq!(got.status, 200);
    let said = &got.json()["predictions"][0];
    assert!(said.get("heatmap").is_none() && said.get("picture").is_none());
    let (capture, report) = (&said["dicom"]["capture"], &said["dicom"]["report"]);
    for (said, class) in [
        (capture, uids::SECONDARY_CAPTURE_IMAGE_STORAGE),
        (report, uids::COMPREHENSIVE_SR_STORAGE),
    ] {
        let object = object(said);
        assert_eq!(said["sop_class_uid"], class);
        let text = |tag| {
            let element = object.element(tag).expect("there");
            element.to_str().expect("text").trim().to_owned()
        };
        assert_eq!(text(tags::PATIENT_NAME), PATIENT);
        assert_eq!(text(tags::STUDY_INSTANCE_UID), STUDY);
        assert_ne!(text(tags::SOP_INSTANCE_UID), instance(1));
    }
    let again = post(&server.url(PATH), "application/dicom", &film).json();
    let instance = &again["predictions"][0]["dicom"]["report"]["sop_instance_uid"];
    assert_ne!(*instance, report["sop_instance_uid"]);
    let plain = server.url("/api/v1/predictions");
    let plain = post(&plain, "application/dicom", &film).json();
    assert!(plain["predictions"][0].get("dicom").is_none());
    same_score(&plain["predictions"][0], said);
}

#[test]
fn what_belongs_to_no_study_is_told_so() {
    let server = serve(options());
    let photo = png(&film(2));
    post(&server.url(PATH), "image/png", &photo).assert_problem(422, "no_study");
    let nobodys = [
        element(0x28, 2, b"US", &[1, 0]),
        element(0x28, 4, b"CS", b"MONOCHROME2"),
        element(0x28, 0x10, b"US", &[16, 0]),
        element(0x28, 0x11, b"US", &[16, 0]),
        element(0x28, 0x100, b"US", &[8, 0]),
        element(0x28, 0x101, b"US", &[8, 0]),
        element(0x28, 0x102, b"US", &[7, 0]),
        element(0x28, 0x103, b"US", &[0, 0]),
        element(0x7fe0, 0x10, b"OB", &[90; 256]),
    ];
    let nobodys = file(NATIVE, CR, "1.2.3.4", &nobodys);
    let plain = post(
        &server.url("/api/v1/predictions"),
        "application/dicom",
        &nobodys,
    );
    assert_eq!(plain.status, 200);
    post(&server.url(PATH), "application/dicom", &nobodys).assert_problem(422, "no_study");
    let good = dicom(3, 64, 64);
    let files: [(&str, &[u8]); 2] = [("a.png", &photo), ("b.dcm", &good)];
    let said = post_form(&server.url(PATH), &files).json();
    assert_eq!(said["predictions"][0]["error"]["code"], "no_study");
    assert!(said["predictions"][1]["dicom"]["report"].is_object());
}
