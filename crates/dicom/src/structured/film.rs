//! What is said of the image, and of its hot regions.

use std::fmt::Write as _;

use dicom_object::InMemDicomObject;
use osteon_model::{Decision, Flag, HeatKind, Prediction, Region, doubt_in_words};

use super::content::{
    Relation, code_item, container, image_item, number_item, outline_item, text_item, uid_item,
};
use crate::answer::Judged;
use crate::element::{Code, OSTEON};
use crate::{DISCLAIMER, uid};

const GROUP: Code = ("125007", "DCM", "Measurement Group");

/// One group for the image (TID 1501), one for each hot region (TID 1410).
pub(super) fn groups(judged: &Judged<'_>) -> Vec<InMemDicomObject> {
    let mut groups = vec![film(judged)];
    // A mark on an image that is called whole would be read as a finding.
    if matches!(
        judged.explained.prediction.decision,
        Decision::Fractured | Decision::Doubt
    ) {
        let regions = judged.explained.regions();
        let places = regions.iter().enumerate();
        groups.extend(places.map(|(place, found)| region(judged, place + 1, found)));
    }
    groups
}

fn film(judged: &Judged<'_>) -> InMemDicomObject {
    use Relation::Contains;
    let prediction = &judged.explained.prediction;
    let mut items = begin(judged, "image");
    items.push(number_item(
        Contains,
        (
            "fracture_score",
            OSTEON,
            "Calibrated probability of a fracture",
        ),
        prediction.score,
    ));
    if let Some(likeness) = prediction.xray_score {
        items.push(number_item(
            Contains,
            ("xray_score", OSTEON, "Likeness to a radiograph"),
            likeness,
        ));
    }
    items.push(code_item(
        Contains,
        ("decision", OSTEON, "Decision of the model"),
        decision(prediction.decision),
    ));
    if let Some(presence) = presence(prediction.decision) {
        let fracture = ("125605004", "SCT", "Fracture of bone");
        items.push(code_item(Contains, fracture, presence));
    }
    for found in prediction.flags.iter() {
        let reason = ("caution", OSTEON, "Reason to be careful");
        items.push(code_item(Contains, reason, flag(found)));
    }
    let comment = ("121106", "DCM", "Comment");
    items.push(text_item(Contains, comment, DISCLAIMER));
    for said in words(prediction) {
        items.push(text_item(Contains, comment, &said));
    }
    let frames = judged.source.frames();
    if frames > 1 {
        let said = format!("Of {frames} frames the first was judged.");
        items.push(text_item(Contains, comment, &said));
    }
    items.push(image_item(
        Contains,
        Some(("121112", "DCM", "Source of Measurement")),
        judged.source,
    ));
    container(Contains, GROUP, Some("1501"), items)
}

/// What the decision alone does not say: what a doubtful score leans to, and that the gate was overruled.
fn words(prediction: &Prediction) -> Vec<String> {
    let mut words = Vec::new();
    if prediction.decision == Decision::Doubt {
        words.push(format!("In doubt: {}.", doubt_in_words(prediction.score)));
    }
    if let (true, Some(likeness)) = (prediction.judged_anyway, prediction.xray_score) {
        words.push(format!(
            "The input gate takes it for no radiograph (likeness {likeness:.3}); it was judged anyway because that was asked for."
        ));
    }
    words
}

fn region(judged: &Judged<'_>, place: usize, found: &Region) -> InMemDicomObject {
    use Relation::Contains;
    let (width, height) = judged.explained.placement.image_size();
    let across = |edge: f64| edge * f64::from(width);
    let down = |edge: f64| edge * f64::from(height);
    let (left, right) = (across(found.left), across(found.right));
    let (top, bottom) = (down(found.top), down(found.bottom));
    let corners = [
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    let heat = match judged.explained.heatmap.kind {
        HeatKind::FractureMap => (
            "fracture_map",
            OSTEON,
            "Hottest cell of the fracture map, not a probability",
        ),
        HeatKind::GradCam => (
            "grad_cam",
            OSTEON,
            "Hottest cell of HiResCAM, relative to the image",
        ),
    };
    let mut items = begin(judged, &format!("region {place}"));
    items.extend([
        code_item(
            Contains,
            ("121071", "DCM", "Finding"),
            ("hot_region", OSTEON, "Region that speaks for a fracture"),
        ),
        outline_item(("111030", "DCM", "Image Region"), &corners, judged.source),
        number_item(Contains, heat, found.heat),
    ]);
    container(Contains, GROUP, Some("1410"), items)
}

/// What it is of and by what it was made.
fn begin(judged: &Judged<'_>, name: &str) -> Vec<InMemDicomObject> {
    use Relation::{ConceptModifier, ObserverContext};
    let model = judged.model;
    let mut parameters = format!("threshold={:.6}", judged.rule.threshold);
    if let Some(band) = judged.rule.band {
        // Writing to a string does not fail.
        let _ = write!(
            parameters,
            "; doubt_band={:.6} to {:.6}",
            band.low, band.high
        );
    }
    for (name, promised) in model
        .promises
        .iter()
        .flat_map(|all| [("fractured", &all.fractured), ("missed", &all.missed)])
    {
        if promised.cut.is_some() {
            let (error, confidence) = (promised.error, promised.confidence);
            let _ = write!(
                parameters,
                "; {name}_error={error}, confidence={confidence}"
            );
        }
    }
    let version = format!(
        "{} {}, weights SHA-256 {}",
        model.program.name, model.program.version, model.weights_sha256
    );
    let network = model.architecture.name.to_string();
    let of = |code, meaning, value: &str| text_item(ConceptModifier, (code, "DCM", meaning), value);
    vec![
        text_item(
            ObserverContext,
            ("112039", "DCM", "Tracking Identifier"),
            name,
        ),
        uid_item(
            ObserverContext,
            ("112040", "DCM", "Tracking Unique Identifier"),
            &uid::new(),
        ),
        of("111001", "Algorithm Name", &network),
        of("111003", "Algorithm Version", &version),
        of("111002", "Algorithm Parameters", &parameters),
    ]
}

fn decision(decision: Decision) -> Code {
    match decision {
        Decision::Fractured => ("fractured", OSTEON, "Fractured"),
        Decision::Doubt => ("doubt", OSTEON, "Doubt: left to a person"),
        Decision::NotFractured => ("not_fractured", OSTEON, "Not fractured"),
        Decision::NotAnXray => ("not_an_xray", OSTEON, "Not a radiograph"),
    }
}

/// The decision in standard codes (CID 240 and 231), as far as there are any.
fn presence(decision: Decision) -> Option<Code> {
    match decision {
        Decision::Fractured => Some(("52101004", "SCT", "Present")),
        Decision::Doubt => Some(("373068000", "SCT", "Undetermined")),
        Decision::NotFractured => Some(("2667000", "SCT", "Absent")),
        Decision::NotAnXray => None,
    }
}

fn flag(flag: Flag) -> Code {
    match flag {
        Flag::Annotated => ("annotated", OSTEON, "Arrows, circles or text drawn on it"),
        Flag::CrossSection => ("cross_section", OSTEON, "Looks like a slice of CT or MR"),
        Flag::OutsideTraining => (
            "outside_training",
            OSTEON,
            "Of a region that the model did not learn from",
        ),
        Flag::SeenInTraining => (
            "seen_in_training",
            OSTEON,
            "The model learned from this image",
        ),
        Flag::NearlyBlack => ("nearly_black", OSTEON, "Next to all of it is black"),
        Flag::NearlyWhite => ("nearly_white", OSTEON, "Next to all of it is white"),
    }
}
