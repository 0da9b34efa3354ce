//! `predict --dicom`: what is written, read back by others.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::dicom_film::{errors, film, has, instance, said};
use crate::python::python_with;
use crate::{assert_code, osteon_with, stderr, stdout};

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Files of a folder of the real films, if that is there.
fn real_films() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/xrays/dicom");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no {}", folder.display());
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("entry").path()).collect();
    files.sort();
    files
}

/// Reads an answer with pydicom and says of it what the test compares. `highdicom` holds the report against the template.
const READ: &str = r#"
import sys, json, pydicom
film, capture, report = (pydicom.dcmread(p) for p in sys.argv[1:4])
same = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName"]
out = {"differ": [(n, k) for n, o in (("capture", capture), ("report", report)) for k in same if str(getattr(o, k)) != str(getattr(film, k))]}
out["series"] = len({film.SeriesInstanceUID, capture.SeriesInstanceUID, report.SeriesInstanceUID})
out["instances"] = len({film.SOPInstanceUID, capture.SOPInstanceUID, report.SOPInstanceUID})
out["source"] = capture.SourceImageSequence[0].ReferencedSOPInstanceUID
out["shape"] = list(capture.pixel_array.shape)
out["colour"] = bool((capture.pixel_array.max(axis=2) != capture.pixel_array.min(axis=2)).any())
evidence = report.CurrentRequestedProcedureEvidenceSequence[0]
out["evidence"] = evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
groups = [g for c in report.ContentSequence if c.ConceptNameCodeSequence[0].CodeValue == "126010" for g in c.ContentSequence]
out["regions"] = []
for group in groups:
    for item in group.ContentSequence:
        name = item.ConceptNameCodeSequence[0].CodeValue
        if name == "fracture_score":
            out["score"] = float(item.MeasuredValueSequence[0].NumericValue)
        if name == "decision":
            out["decision"] = item.ConceptCodeSequence[0].CodeValue
        if name == "121106":
            out["comment"] = item.TextValue
        if name == "111003":
            out["version"] = item.TextValue
        if item.ValueType == "SCOORD":
            xy = list(item.GraphicData)
            out["regions"].append([min(xy[::2]), min(xy[1::2]), max(xy[::2]), max(xy[1::2])])
            out["selected"] = item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
out["size"] = [film.Columns, film.Rows]
try:
    import highdicom.sr
    read = highdicom.sr.srread(sys.argv[3])
    out["planar"] = len(read.content.get_planar_roi_measurement_groups())
    out["whole"] = len(read.content.get_image_measurement_groups())
except ImportError:
    pass
print(json.dumps(out))
"#;

fn read_back(film: &Path, capture: &Path, report: &Path) -> Option<Value> {
    let python = python_with("pydicom").map_err(|reason| println!("skipped: {reason}"));
    let output = Command::new(python.ok()?)
        .args(["-c", READ])
        .args([film, capture, report])
        .output()
        .expect("starts");
    assert!(output.status.success(), "{}", stderr(&output));
    Some(serde_json::from_str(&stdout(&output)).expect("JSON"))
}

fn path(dir: &Path, value: &Value) -> PathBuf {
    dir.join(value.as_str().expect("a path"))
}

#[test]
fn a_dicom_film_gets_its_answer_in_its_own_study() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let place = dir.path().join("film.dcm");
    std::fs::write(&place, film(1, 300, 400)).expect("writes");
    let gray = image::GrayImage::from_fn(90, 90, |x, y| image::Luma([(x + y) as u8]));
    gray.save(dir.path().join("plain.png")).expect("writes");
    let output = osteon_with(
        dir.path(),
        &[
            "predict",
            "--device",
            "cpu",
            "--json",
            "--dicom",
            "out",
            "film.dcm",
            "plain.png",
        ],
    );
    // A film that is no DICOM belongs to nobody: it is judged, and what was asked for beyond that is missing.
    assert_code(&output, 1);
    let told = lines(&stdout(&output));
    assert!(told[1]["score"].is_number() && told[1].get("dicom").is_none());
    assert_eq!(told[1]["dicom_error"], "not a DICOM file");
    assert!(stderr(&output).contains("plain.png: judged, but no DICOM"));

    let capture = path(dir.path(), &told[0]["dicom"]["capture"]);
    let report = path(dir.path(), &told[0]["dicom"]["report"]);
    assert_eq!(capture, dir.path().join("out/film.overlay.dcm"));
    assert_eq!(
        std::fs::read_dir(dir.path().join("out"))
            .expect("lists")
            .count(),
        2
    );
    if has("dciodvfy") {
        assert_eq!(errors(&capture), Vec::<String>::new());
        assert_eq!(errors(&report), Vec::<String>::new());
    }
    if has("dsrdump") {
        let text = said("dsrdump", &["+Pc", "+Pt"], &report);
        for part in [
            "Comprehensive SR Document",
            "Doe^Jane",
            "Imaging Measurement Report",
            "TID 1500",
            "weights SHA-256",
            "Not a medical device",
            "UNVERIFIED",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        // Names come out as they went in, in another character set.
        let dump = said("dcmdump", &["+P", "0008,0090"], &capture);
        assert!(dump.contains("Müller^Eva"), "{dump}");
    }
    let Some(found) = read_back(&place, &capture, &report) else {
        return;
    };
    assert_eq!(found["differ"], Value::Array(vec![]));
    assert_eq!(
        (&found["series"], &found["instances"]),
        (&3.into(), &3.into())
    );
    for reference in ["source", "evidence"] {
        assert_eq!(found[reference], instance(1).as_str());
    }
    // 300×400 twice, with margins, scale, head and foot.
    assert_eq!(
        found["shape"],
        serde_json::json!([400 + 74, 2 * 300 + 106, 3])
    );
    assert_eq!(found["colour"], true);
    let score = told[0]["score"].as_f64().expect("a score");
    assert!((found["score"].as_f64().expect("a score") - score).abs() < 1e-6);
    assert_eq!(found["decision"], told[0]["decision"]);
    assert!(
        found["comment"]
            .as_str()
            .is_some_and(|c| c.contains("Not a medical device"))
    );
}

/// Every transfer syntax that is read, patients as they are out in the world, and regions where there are any.
#[test]
fn real_films_get_answers_that_others_read() {
    let films = real_films();
    if films.is_empty() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut call = vec!["predict", "--device", "cpu", "--json", "--dicom", "out"];
    call.extend(films.iter().map(|film| film.to_str().expect("UTF-8")));
    let output = osteon_with(dir.path(), &call);
    // Two of them have no pixels.
    assert_code(&output, 1);
    let mut checked = 0;
    for (place, told) in films.iter().zip(lines(&stdout(&output))) {
        if let Some(error) = told["error"].as_str() {
            assert!(
                error.contains("no pixel data"),
                "{}: {error}",
                place.display()
            );
            continue;
        }
        let capture = path(dir.path(), &told["dicom"]["capture"]);
        let report = path(dir.path(), &told["dicom"]["report"]);
        if has("dciodvfy") {
            // What the film says wrong of its patient and study is not ours to mend.
            let before = errors(place);
            for object in [&capture, &report] {
                let mut found = errors(object);
                found.retain(|error| !before.contains(error));
                assert_eq!(found, Vec::<String>::new(), "{}", place.display());
            }
        }
        let Some(found) = read_back(place, &capture, &report) else {
            continue;
        };
        assert_eq!(found["decision"], told["decision"]);
        let regions = found["regions"].as_array().expect("a list");
        let has_regions = matches!(told["decision"].as_str(), Some("fractured" | "doubt"));
        assert_eq!(!regions.is_empty(), has_regions, "{}", place.display());
        let (width, height) = (found["size"][0].as_f64(), found["size"][1].as_f64());
        for region in regions {
            let edge = |i: usize| region[i].as_f64().expect("a number");
            assert!(edge(0) >= 0.0 && edge(0) < edge(2) && Some(edge(2)) <= width);
            assert!(edge(1) >= 0.0 && edge(1) < edge(3) && Some(edge(3)) <= height);
        }
        if found.get("planar").is_some() {
            assert_eq!(found["planar"], regions.len());
            assert_eq!(found["whole"], 1);
        }
        checked += 1;
    }
    println!("{checked} real films read back");
}
