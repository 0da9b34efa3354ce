//! `predict --heatmap` and the explanation that `evaluate` scores.

use std::path::Path;

use serde_json::Value;

use crate::python::python_with;
use crate::{assert_code, osteon, stderr, stdout, trained};

fn lines(output: &str) -> Vec<Value> {
    let lines = output.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Images of a folder below `set/test`.
fn films(dir: &Path, class: &str) -> Vec<String> {
    let folder = dir.join("set/test").join(class);
    let entries = std::fs::read_dir(folder).expect("lists");
    let mut names: Vec<String> = entries
        .map(|e| e.expect("entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn every_film_gets_a_picture_of_its_own() {
    let dir = trained();
    let film = &films(dir.path(), "fractured")[0];
    // The same name twice, an image that is no square, and one that does not read.
    std::fs::create_dir_all(dir.path().join("in/b")).expect("folder");
    let source = dir.path().join("set/test/fractured").join(film);
    let picture = image::open(&source).expect("reads").to_luma8();
    let wide = image::imageops::resize(&picture, 1500, 700, image::imageops::FilterType::Triangle);
    wide.save(dir.path().join("in/one.png")).expect("writes");
    picture
        .save(dir.path().join("in/b/one.png"))
        .expect("writes");
    std::fs::write(dir.path().join("in/none.png"), "no image").expect("writes");
    let output = osteon(
        dir.path(),
        "predict --model run in --json --heatmap out/heat",
    );
    assert_code(&output, 1);
    let said = lines(&stdout(&output));
    assert_eq!(said.len(), 3, "{said:?}");
    let mut places = Vec::new();
    for line in &said {
        if line["path"].as_str().expect("path").ends_with("none.png") {
            assert!(line.get("heatmap").is_none() && line["error"].is_string());
            continue;
        }
        let place = line["heatmap"].as_str().expect("a place");
        let shown = image::open(dir.path().join(place)).expect("a readable PNG");
        let is_wide = !line["path"].as_str().expect("path").contains("/b/");
        if is_wide {
            // 1024×478 twice, beside each other, with margins, scale, head and foot.
            assert_eq!((shown.width(), shown.height()), (2 * 1024 + 106, 478 + 74));
        }
        assert!(shown.width() <= 2 * 1024 + 106 && shown.height() <= 1024 + 74);
        places.push(place.to_owned());
    }
    places.sort();
    assert_eq!(
        places,
        ["out/heat/one-2.heatmap.png", "out/heat/one.heatmap.png"]
    );
    // The score is the one that comes without a picture.
    let plain = lines(&stdout(&osteon(
        dir.path(),
        "predict --model run in --json",
    )));
    for (with, without) in said.iter().zip(&plain) {
        assert_eq!(with["score"], without["score"]);
        assert!(without.get("heatmap").is_none());
    }
}

#[test]
fn a_map_that_the_network_has_not_is_an_error_that_says_so() {
    let dir = trained();
    let film = &films(dir.path(), "fractured")[0];
    let path = format!("set/test/fractured/{film}");
    let ask = |kind: &str| {
        let rest = format!("--heatmap out --heatmap-kind {kind} {path}");
        osteon(dir.path(), &format!("predict --model run {rest}"))
    };
    assert_code(&ask("grad_cam"), 0);
    let refused = ask("fracture_map");
    assert_code(&refused, 1);
    assert!(
        stdout(&refused).contains("makes no map of fractures"),
        "{}",
        stdout(&refused)
    );
    // A kind without a folder is a mistake of the call.
    let wrong = osteon(
        dir.path(),
        &format!("predict --model run --heatmap-kind auto {path}"),
    );
    assert_code(&wrong, 2);
    assert!(stderr(&wrong).contains("--heatmap"));
}

/// What COCO's own tool says of the files beside a report, and of what `predict` writes, and how many boxes they hold.
const COCO: &str = r#"
import contextlib, io, json, sys
with contextlib.redirect_stdout(io.StringIO()):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    known = COCO("report/boxes.coco.json")
    judged = COCOeval(known, known.loadRes("report/boxes.found.json"), "bbox")
    judged.evaluate(); judged.accumulate(); judged.summarize()
    predicted = COCO("found.json")
print(json.dumps({
    "ap": judged.stats[0], "ap50": judged.stats[1], "known": len(known.anns),
    "images": len(predicted.imgs), "predicted": sorted(a["score"] for a in predicted.anns.values()),
}))
"#;

/// The model that ships on drawn images: it has not learned from such, and that its boxes are few and poor does not matter here.
#[test]
fn boxes_are_written_for_cocos_tools_which_judge_them_alike() {
    let dir = tempfile::tempdir().expect("temporary folder");
    assert_code(&osteon(dir.path(), "data synth set --images 80"), 0);
    let call = "evaluate --model fast --data set --split train --json --report report";
    let output = osteon(dir.path(), call);
    assert_code(&output, 0);
    let said = &lines(&stdout(&output))[0]["boxes"];
    let (found, known) = (&said["found"], &said["known"]);
    assert!(
        found.as_u64() > Some(0) && known.as_u64() > Some(0),
        "{said}"
    );
    let output = osteon(
        dir.path(),
        "predict --model fast set/train --judge-anyway --json --coco found.json",
    );
    assert_code(&output, 0);
    let mut heat: Vec<f64> = lines(&stdout(&output))
        .iter()
        .flat_map(|line| line["boxes"].as_array().expect("a list"))
        .map(|found| found["heat"].as_f64().expect("a number"))
        .collect();
    heat.sort_by(f64::total_cmp);
    assert_eq!(Some(heat.len() as u64), found.as_u64());

    let python = match python_with("pycocotools") {
        Ok(python) => python,
        Err(reason) => {
            println!("skipped: {reason}");
            return;
        }
    };
    let asked = std::process::Command::new(python)
        .args(["-c", COCO])
        .current_dir(dir.path())
        .output()
        .expect("starts");
    let error = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{error}");
    let coco: Value = serde_json::from_slice(&asked.stdout).expect("JSON");
    for name in ["ap", "ap50"] {
        let (ours, theirs) = (said[name]["value"].as_f64(), coco[name].as_f64());
        let apart = ours.expect("defined") - theirs.expect("a number");
        assert!(apart.abs() < 1e-9, "{name}: {ours:?} and {theirs:?}");
    }
    assert_eq!(coco["known"], *known);
    assert_eq!(coco["images"], said["images"]);
    assert_eq!(coco["predicted"], serde_json::json!(heat));
}

#[test]
fn boxes_let_the_explanation_be_scored() {
    let dir = trained();
    // The set as it was drawn knows its own boxes; without them nothing is made up.
    let plain = osteon(dir.path(), "evaluate --model run --data set --json");
    assert_code(&plain, 0);
    let found = &lines(&stdout(&plain))[0]["explanation"];
    assert_eq!(found["boxed"], films(dir.path(), "fractured").len());

    std::fs::remove_file(dir.path().join("set/boxes.csv")).expect("a drawn set has boxes");
    let plain = osteon(dir.path(), "evaluate --model run --data set --json");
    assert_eq!(lines(&stdout(&plain))[0]["explanation"], Value::Null);

    let mut rows = String::from("path,boxes\n");
    for class in ["fractured", "not fractured"] {
        for film in films(dir.path(), class) {
            // The whole image: whatever is hot lies in it.
            let boxes = if class == "fractured" {
                "0.5 0.5 1 1"
            } else {
                ""
            };
            rows.extend(["test/", class, "/", &film, ",", boxes, "\n"]);
        }
    }
    std::fs::write(dir.path().join("boxes.csv"), rows).expect("writes");
    let call = "evaluate --model run --data set --annotations boxes.csv";
    let output = osteon(dir.path(), &format!("{call} --json --report out"));
    assert_code(&output, 0);
    let said = &lines(&stdout(&output))[0];
    let found = &said["explanation"];
    let fractured = films(dir.path(), "fractured").len();
    assert_eq!(found["kind"], "grad_cam");
    assert_eq!(found["boxed"], fractured);
    assert_eq!(found["detected"], said["confusion"]["tp"]);
    // A map that is cold everywhere points nowhere; every other one points into such a box.
    let pointing = found["pointing_boxed"]["value"].as_f64().expect("a share");
    assert!((0.0..=1.0).contains(&pointing), "{found}");
    if let Some(inside) = found["heat_inside_detected"]["value"].as_f64() {
        // The image is letterboxed: the rest of the heat lies on the bars beside it.
        assert!(inside > 0.3 && inside <= 1.0, "{found}");
    }
    assert!(found["empty_detected"].as_u64() <= found["empty_boxed"].as_u64());
    if said["confusion"]["tp"].as_u64() > found["empty_detected"].as_u64() {
        assert_eq!(found["deletion"].as_array().expect("rows").len(), 3);
    }
    let read = |name: &str| std::fs::read_to_string(dir.path().join("out").join(name)).expect(name);
    assert!(read("index.html").contains("Does it look at the fracture?"));
    assert!(read("figures.csv").contains("explanation.pointing.detected"));
    let text = stdout(&osteon(dir.path(), call));
    assert!(text.contains("fractured images with boxes"), "{text}");
}
