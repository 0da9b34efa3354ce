//! Boxes against boxes: what pycocotools says (`tests/oracles/make_detection_oracle.py`), and laws.

use std::collections::BTreeMap;

use osteon_metrics::{BoxedImage, Detection, DetectionSummary, Rect};
use serde::Deserialize;

#[derive(Deserialize)]
struct Oracle {
    sets: BTreeMap<String, Set>,
}

#[derive(Deserialize)]
struct Set {
    images: Vec<Image>,
    ap: f64,
    ap50: f64,
}

#[derive(Deserialize)]
struct Image {
    known: Vec<[f64; 4]>,
    found: Vec<[f64; 4]>,
    scores: Vec<f64>,
}

fn rect(&[left, top, right, bottom]: &[f64; 4]) -> Rect {
    Rect {
        left,
        top,
        right,
        bottom,
    }
}

/// The images of a set, as the crate takes them.
fn boxes(set: &Set) -> Vec<(Vec<Rect>, Vec<Detection>)> {
    let of = |image: &Image| {
        let found = image.found.iter().zip(&image.scores);
        let found = found.map(|(area, &score)| Detection {
            area: rect(area),
            score,
        });
        (image.known.iter().map(rect).collect(), found.collect())
    };
    set.images.iter().map(of).collect()
}

fn images(boxes: &[(Vec<Rect>, Vec<Detection>)]) -> Vec<BoxedImage<'_>> {
    boxes
        .iter()
        .map(|(known, found)| BoxedImage {
            area: 1e6,
            known,
            found,
        })
        .collect()
}

fn sets() -> BTreeMap<String, Set> {
    let text = include_str!("../oracles/detection.json");
    serde_json::from_str::<Oracle>(text).unwrap().sets
}

#[test]
fn average_precision_is_pycocotools() {
    for (name, set) in sets() {
        let boxes = boxes(&set);
        let said = DetectionSummary::new(&images(&boxes), None, 200, 0.95, 1).unwrap();
        for (ours, theirs) in [(said.ap50, set.ap50), (said.ap, set.ap)] {
            let ours = ours.value.unwrap();
            assert!((ours - theirs).abs() < 1e-9, "{name}: {ours} and {theirs}");
        }
        let (low, high) = (said.ap50.low.unwrap(), said.ap50.high.unwrap());
        assert!(low < set.ap50 && set.ap50 < high, "{name}: {low} to {high}");
        let found: Vec<f64> = said
            .froc
            .iter()
            .filter_map(|p| p.sensitivity.value)
            .collect();
        assert!(found.len() == 4 && found.is_sorted(), "{name}: {found:?}");
        let of_sizes: u64 = said.sizes.iter().map(|size| size.known).sum();
        assert_eq!(of_sizes, said.known, "{name}");
    }
}

/// What lies in one group is drawn together: groups of one image are the images themselves, and one group of all leaves nothing to vary.
#[test]
fn intervals_are_by_group() {
    let sets = sets();
    let boxes = boxes(&sets["close"]);
    let images = images(&boxes);
    let judged =
        |groups: Option<&[usize]>| DetectionSummary::new(&images, groups, 200, 0.95, 1).unwrap();
    let alone: Vec<usize> = (0..images.len()).collect();
    assert_eq!(judged(None), judged(Some(&alone)));
    let one = judged(Some(&vec![7; images.len()]));
    assert_eq!(one.ap50.low, one.ap50.value);
    assert!(DetectionSummary::new(&images, Some(&[1]), 200, 0.95, 1).is_err());
}
