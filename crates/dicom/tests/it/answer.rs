//! The answer for an image, read back by others.

use std::path::{Path, PathBuf};
use std::process::Command;

use osteon_dicom::{DicomError, answer_bytes};
use osteon_model::{Decision, Device, Explained, Predictor};
use serde_json::Value;

use crate::film::{film, instance};
use crate::python::python_with;
use crate::tools::{errors, has, said};

/// Files of a folder of the real images, if that is there.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
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
image, capture, report = (pydicom.dcmread(p) for p in sys.argv[1:4])
same = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName"]
out = {"differ": [(n, k) for n, o in (("capture", capture), ("report", report)) for k in same if str(getattr(o, k)) != str(getattr(image, k))]}
out["series"] = len({image.SeriesInstanceUID, capture.SeriesInstanceUID, report.SeriesInstanceUID})
out["instances"] = len({image.SOPInstanceUID, capture.SOPInstanceUID, report.SOPInstanceUID})
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
out["size"] = [image.Columns, image.Rows]
try:
    import highdicom.sr
    read = highdicom.sr.srread(sys.argv[3])
    out["planar"] = len(read.content.get_planar_roi_measurement_groups())
    out["whole"] = len(read.content.get_image_measurement_groups())
except ImportError:
    pass
print(json.dumps(out))
"#;

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn read_back(film: &Path, capture: &Path, report: &Path) -> Option<Value> {
    let python = python_with("pydicom").map_err(|reason| println!("skipped: {reason}"));
    let output = Command::new(python.ok()?)
        .args(["-c", READ])
        .args([film, capture, report])
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// Judges a file and writes its answer to `dir`; gives what was said and where capture and report lie.
fn answered(
    predictor: &Predictor,
    dir: &Path,
    film: &Path,
) -> Result<(Explained, PathBuf, PathBuf), DicomError> {
    let bytes = std::fs::read(film).expect("is there");
    let (explained, answer) = answer_bytes(predictor, &bytes, None)?;
    let (capture, report) = (dir.join("capture.dcm"), dir.join("report.dcm"));
    std::fs::write(&capture, &answer.capture.bytes).expect("writes");
    std::fs::write(&report, &answer.report.bytes).expect("writes");
    assert_ne!(answer.capture.instance, answer.report.instance);
    Ok((explained, capture, report))
}

/// Whether two errors are about the same UID, whatever it stands in: `"UID"` or `<UID>`.
fn of_one_uid(a: &str, b: &str) -> bool {
    let values = |text: &str| -> Vec<String> {
        let parts = text.split(['"', '<', '>']).skip(1).step_by(2);
        let uid =
            |part: &&str| part.len() > 4 && part.bytes().all(|b| b == b'.' || b.is_ascii_digit());
        parts.filter(uid).map(str::to_owned).collect()
    };
    let others = values(b);
    values(a).iter().any(|value| others.contains(value))
}

fn shipped() -> Predictor {
    Predictor::shipped(Device::Cpu).expect("loads")
}

#[test]
fn an_answer_lies_in_the_film_s_study() {
    let predictor = shipped();
    let dir = tempfile::tempdir().expect("temporary folder");
    let place = dir.path().join("film.dcm");
    std::fs::write(&place, film(1, 300, 400)).expect("writes");
    let (explained, capture, report) =
        answered(&predictor, dir.path(), &place).expect("an image with a study");
    if has("dciodvfy") {
        assert_eq!(errors(&capture), Vec::<String>::new());
        assert_eq!(errors(&report), Vec::<String>::new());
    }
    if has("dsrdump") {
        let text = said("dsrdump", &["+Pc", "+Pt", "+Pl"], &report);
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
    let score = found["score"].as_f64().expect("a score");
    assert!((score - explained.prediction.score).abs() < 1e-6);
    assert_eq!(found["decision"], explained.prediction.decision.to_string());
    let comment = found["comment"].as_str();
    assert!(comment.is_some_and(|c| c.contains("Not a medical device")));
    let version = found["version"].as_str().expect("a version");
    assert!(version.contains(&predictor.info().weights_sha256));
}

/// Every transfer syntax that is read, patients as they are out in the world, and regions where there are any.
#[test]
fn real_films_get_answers_that_others_read() {
    let films = real_films();
    if films.is_empty() {
        return;
    }
    let predictor = shipped();
    let dir = tempfile::tempdir().expect("temporary folder");
    let mut checked = 0;
    for place in &films {
        let (explained, capture, report) = match answered(&predictor, dir.path(), place) {
            Ok(answered) => answered,
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.contains("no pixel data"),
                    "{}: {error}",
                    place.display()
                );
                continue;
            }
        };
        if has("dciodvfy") {
            // What the image says wrong of its patient and study is not ours to fix.
            let before = errors(place);
            for object in [&capture, &report] {
                let mut found = errors(object);
                found.retain(|e| !before.contains(e) && !before.iter().any(|b| of_one_uid(b, e)));
                assert_eq!(found, Vec::<String>::new(), "{}", place.display());
            }
        }
        checked += 1;
        let Some(found) = read_back(place, &capture, &report) else {
            continue;
        };
        let decision = explained.prediction.decision;
        assert_eq!(found["decision"], decision.to_string());
        let regions = found["regions"].as_array().expect("a list");
        let marked = matches!(decision, Decision::Fractured | Decision::Doubt);
        let expected = if marked {
            explained.regions()
        } else {
            Vec::new()
        };
        assert_eq!(regions.len(), expected.len().min(8), "{}", place.display());
        let size = |i: usize| found["size"][i].as_f64().expect("a number");
        for (region, expected) in regions.iter().zip(&expected) {
            let edges = [expected.left, expected.top, expected.right, expected.bottom];
            for (i, edge) in edges.into_iter().enumerate() {
                let written = region[i].as_f64().expect("a number");
                assert!((written - edge * size(i % 2)).abs() < 0.01, "{region}");
            }
        }
        if found.get("planar").is_some() {
            assert_eq!(found["planar"], regions.len());
            assert_eq!(found["whole"], 1);
        }
    }
    println!("{checked} of {} real images have answers", films.len());
    assert!(checked >= films.len() - 2);
}

#[test]
fn what_belongs_to_nobody_gets_no_answer() {
    let predictor = shipped();
    let refused = |bytes: &[u8]| {
        let error = answer_bytes(&predictor, bytes, None).expect_err("refused");
        error.to_string()
    };
    assert_eq!(refused(b"\x89PNG\r\n\x1a\n"), "not a DICOM file");
    // Its Study Instance UID overwritten.
    let mut bytes = film(1, 64, 64);
    let study = crate::film::STUDY.as_bytes();
    let tag = [0x20, 0, 0xd, 0, b'U', b'I'];
    let at = bytes.windows(6).position(|w| w == tag).expect("is there") + 8;
    bytes[at..at + study.len()].fill(b'x');
    let error = refused(&bytes);
    assert!(error.contains("Study Instance UID"), "{error}");
}
