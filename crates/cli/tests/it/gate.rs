//! What is no radiograph is refused, and what is on one in colour is flagged: by the model that ships.

use std::path::Path;

use image::{DynamicImage, GrayImage, Luma, RgbImage};
use osteon_gate_fit::{annotate, draw};
use osteon_synth::Synth;
use serde_json::Value;

use crate::{assert_code, osteon, osteon_with, stdout};

fn drawn(kind: &str) -> RgbImage {
    let kind = draw::KINDS.iter().find(|k| k.name == kind);
    kind.expect("such a kind").draw(7, 1)
}

fn lines(dir: &Path) -> Vec<Value> {
    let output = osteon(dir, "predict --json --device cpu pictures");
    assert_code(&output, 0);
    stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn photographs_pages_noise_and_slices_are_no_films() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let folder = dir.path().join("pictures");
    std::fs::create_dir(&folder).expect("folder");
    for kind in [
        "landscape",
        "leaves",
        "pipes",
        "text",
        "screenshot",
        "noise",
        "ct_slice",
    ] {
        drawn(kind)
            .save(folder.join(format!("{kind}.png")))
            .expect("writes");
    }
    GrayImage::from_pixel(300, 400, Luma([0]))
        .save(folder.join("blank.png"))
        .expect("writes");
    for line in lines(dir.path()) {
        assert_eq!(line["decision"], "not_an_xray", "{line}");
        assert!(
            line["xray_score"].as_f64().is_some_and(|s| s < 0.5),
            "{line}"
        );
    }
    let csv = osteon(dir.path(), "predict --csv --device cpu pictures/blank.png");
    assert!(stdout(&csv).contains("not_an_xray"), "{}", stdout(&csv));
    let text = osteon(dir.path(), "predict --device cpu pictures/blank.png");
    assert!(
        stdout(&text).contains("(X-ray score 0."),
        "{}",
        stdout(&text)
    );
    let anyway = osteon(
        dir.path(),
        "predict --judge-anyway --device cpu pictures/blank.png",
    );
    let said = stdout(&anyway);
    assert!(
        said.contains("no X-ray by its X-ray score 0.")
            && said.contains("judged anyway")
            && !said.contains("not_an_xray"),
        "{said}"
    );
    let anyway = osteon(
        dir.path(),
        "predict --judge-anyway --json --device cpu pictures/blank.png",
    );
    assert!(
        stdout(&anyway).contains("\"judged_anyway\":true"),
        "{}",
        stdout(&anyway)
    );
}

#[test]
fn an_operating_point_is_chosen_by_its_name() {
    let dir = tempfile::tempdir().expect("temporary folder");
    Synth::new(3)
        .image(2)
        .pixels
        .save(dir.path().join("a.png"))
        .expect("writes");
    let ask = |point: &str| {
        osteon(
            dir.path(),
            &format!("predict --device cpu --operating-point {point} a.png"),
        )
    };
    for point in ["balanced", "screening"] {
        assert_eq!(ask(point).status.code(), Some(0), "{point}");
    }
    let unknown = ask("sceening");
    assert_eq!(unknown.status.code(), Some(2));
    let said = crate::stderr(&unknown);
    assert!(
        said.contains("no operating point \"sceening\"; it has balanced, screening"),
        "{said}"
    );
}

#[test]
fn an_arrow_on_a_film_is_flagged() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let folder = dir.path().join("pictures");
    std::fs::create_dir(&folder).expect("folder");
    let film = Synth::new(3).image(2).pixels;
    film.save(folder.join("a.png")).expect("writes");
    let mut marked = DynamicImage::ImageLuma8(film).to_rgb8();
    annotate(&mut marked, 1, 1);
    marked.save(folder.join("b.png")).expect("writes");
    let lines = lines(dir.path());
    assert_eq!(lines[0]["flags"], serde_json::json!([]), "{}", lines[0]);
    assert_eq!(
        lines[1]["flags"],
        serde_json::json!(["annotated"]),
        "{}",
        lines[1]
    );
    let text = osteon(dir.path(), "predict --device cpu pictures/b.png");
    assert!(stdout(&text).contains("annotated"), "{}", stdout(&text));
}

/// A slice of a real scanner, where pydicom is installed, which brings one.
#[test]
fn a_real_slice_is_refused_or_flagged() {
    let python = match crate::python::python_with("pydicom") {
        Ok(python) => python,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return;
        }
    };
    let script = "from pydicom.data import get_testdata_file as f; print(f('CT_small.dcm'))";
    let output = std::process::Command::new(python)
        .args(["-c", script])
        .output()
        .expect("starts");
    let path = stdout(&output);
    let here = tempfile::tempdir().expect("temporary folder");
    let output = osteon_with(
        here.path(),
        &["predict", "--json", "--device", "cpu", path.trim()],
    );
    assert_code(&output, 0);
    let line: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let flagged = line["flags"].to_string().contains("cross_section");
    assert!(flagged || line["decision"] == "not_an_xray", "{line}");
}

/// All images are judged, and those that would be refused are counted; a model without a gate counts nothing.
#[test]
fn evaluate_counts_what_the_gate_refuses() {
    let dir = crate::set();
    drawn("text")
        .save(dir.path().join("set/test/fractured/page.png"))
        .expect("writes");
    let output = osteon(dir.path(), "evaluate --data set --json --device cpu");
    assert_code(&output, 0);
    let judged: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(judged["images"], 10);
    let refused = judged["gate"]["refused"].as_u64().expect("a count");
    assert!((1..10).contains(&refused), "{}", judged["gate"]);
}
