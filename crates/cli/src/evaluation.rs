//! An evaluation for people at a terminal.

use std::fmt::Write as _;

use osteon_metrics::Summary;
use osteon_report::judgement::{Judgement, Subgroup};
use osteon_report::notices;

use crate::output::{self, Column, table};

/// What `evaluate` and `train` print.
pub fn to_text(judgement: &Judgement) -> String {
    let summary = &judgement.summary;
    let films = summary.confusion.total();
    let fractured = summary.confusion.positives();
    let mut text = format!(
        "{} of {}: {films} images, {fractured} fractured, {} not",
        judgement.split,
        judgement.data.path,
        films - fractured
    );
    // Writing to a String cannot fail.
    if judgement.unreadable > 0 {
        let _ = write!(
            text,
            "; {} more do not read and are in no figure",
            judgement.unreadable
        );
    }
    let _ = write!(text, "\n\n{}", output::summary(summary));
    let _ = write!(text, "\nIntervals: {}.", judgement.intervals);
    if let Some(clean) = judgement.leak.clean_figures() {
        let _ = write!(
            text,
            "\n\n{}",
            beside("all images", summary, "clean images", clean)
        );
    }
    if let Some(groups) = &judgement.groups {
        let _ = write!(
            text,
            "\n\n{}",
            beside("every image", summary, "every group", &groups.summary)
        );
    }
    text += &points(judgement);
    text += &doubt(judgement);
    if let Some(gate) = judgement.gate {
        let _ = write!(
            text,
            "\n\nInput gate: of these images, which are all judged above, it would refuse {} as no radiographs; it flags {} as cross-sections, {} as of a region outside training, {} as annotated.",
            gate.refused, gate.cross_section, gate.outside_training, gate.annotated
        );
    }
    text += &explanation(judgement);
    text += &boxes(judgement);
    text += &subgroups(&judgement.subgroups);
    let own = notices(judgement);
    for warning in &judgement.warnings {
        let serious = own.iter().any(|n| n.serious && n.text == *warning);
        let mark = if serious { "WARNING" } else { "note" };
        let _ = write!(text, "\n\n{mark}: {warning}");
    }
    if let Some(looks) = judgement.looks {
        let _ = write!(
            text,
            "\n\nThis test set was judged {looks} time{} in this run.",
            if looks == 1 { "" } else { "s" }
        );
    }
    text
}

/// The headline twice, side by side.
fn beside(left: &str, a: &Summary, right: &str, b: &Summary) -> String {
    let films = |s: &Summary| format!("{:5} ({} fractured)", s.images, s.confusion.positives());
    let mut rows = vec![["", left, right].map(str::to_owned).to_vec()];
    for (name, a, b) in [
        ("images", films(a), films(b)),
        (
            "sensitivity",
            output::percent(a.sensitivity),
            output::percent(b.sensitivity),
        ),
        (
            "specificity",
            output::percent(a.specificity),
            output::percent(b.specificity),
        ),
        (
            "accuracy",
            output::percent(a.accuracy),
            output::percent(b.accuracy),
        ),
        (
            "ROC-AUC",
            output::number(a.roc_auc),
            output::number(b.roc_auc),
        ),
        (
            "average precision",
            output::number(a.average_precision),
            output::number(b.average_precision),
        ),
    ] {
        rows.push(vec![format!("  {name}"), a, b]);
    }
    table(&rows, &[])
}

fn points(judgement: &Judgement) -> String {
    // The first is the one that all figures above are at.
    if judgement.operating_points.len() < 2 {
        return String::new();
    }
    let head = ["operating point", "threshold", "sensitivity", "specificity"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for point in &judgement.operating_points {
        rows.push(vec![
            format!("  {}", point.name),
            format!("{:.3}", point.threshold),
            output::percent(point.sensitivity),
            output::percent(point.specificity),
        ]);
    }
    format!("\n\n{}", table(&rows, &[Column::Left, Column::Right]))
}

fn doubt(judgement: &Judgement) -> String {
    let doubt = &judgement.doubt;
    let Some(band) = doubt.band else {
        return match &doubt.refusal {
            Some(refusal) => format!("\n\nNo doubt band: {refusal}"),
            None => String::new(),
        };
    };
    let rest = doubt.confusion_of_the_rest;
    let mut text = format!(
        "\n\nDoubt band {:.3} to {:.3}: {} of {} images are left to a person; of the other {}, {} are decided wrongly: {}",
        band.low,
        band.high,
        doubt.deferred,
        judgement.summary.images,
        rest.total(),
        rest.fn_ + rest.fp,
        output::percent(doubt.error_of_the_rest).trim(),
    );
    if let Some(promises) = &doubt.promises {
        for sentence in promises.sentences() {
            let _ = write!(text, ".\n{}", sentence.trim_end_matches('.'));
        }
        let _ = write!(text, ".\nMade on {}", promises.made_on);
    } else if let (Some(error), Some(confidence)) = (band.error, band.confidence) {
        let _ = write!(
            text,
            ". Promised on val: at most {:.1} % wrong, with probability {:.0} %",
            error * 100.0,
            confidence * 100.0
        );
    }
    text + "."
}

fn explanation(judgement: &Judgement) -> String {
    let Some(e) = &judgement.explanation else {
        return String::new();
    };
    let mut text = format!(
        "\n\nHeatmaps ({}): of {} detected of {} fractured images with boxes, the hottest place lies in a box in{}; overlap (IoU) {}",
        e.kind.replace('_', " "),
        e.detected,
        e.boxed,
        output::percent(e.pointing_detected),
        output::number(e.iou_detected).trim(),
    );
    if e.empty_boxed > 0 {
        let _ = write!(
            text,
            ".\nOn {} of {} images with boxes no place speaks for a fracture ({} of them detected): their heatmaps are empty, count as misses, and are in no deletion test",
            e.empty_boxed, e.boxed, e.empty_detected
        );
    }
    if let Some(d) = e.deletion.get(1) {
        let _ = write!(
            text,
            ".\nWithout the hottest {:.0} % of the cells scores fall by {}; without as many at random by {}",
            d.share * 100.0,
            output::number(d.hottest).trim(),
            output::number(d.random).trim(),
        );
    }
    text + "."
}

fn boxes(judgement: &Judgement) -> String {
    let Some(boxes) = &judgement.boxes else {
        return String::new();
    };
    let mut text = format!(
        "\n\nBoxes: {} found on {} images where {} are known; AP50 {}, AP {}",
        boxes.found,
        boxes.images,
        boxes.known,
        output::number(boxes.ap50).trim(),
        output::number(boxes.ap).trim(),
    );
    for point in &boxes.froc {
        let _ = write!(
            text,
            "\n  with {} false boxes an image {} of the known ones are found",
            point.false_boxes,
            output::percent(point.sensitivity).trim(),
        );
    }
    text
}

fn subgroups(rows: &[Subgroup]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let head = [
        "subgroup",
        "images",
        "fractured",
        "ROC-AUC",
        "sensitivity",
        "specificity",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for row in rows {
        let short = |undefined: String| {
            undefined
                .split(" (undefined")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        lines.push(vec![
            format!("  {} = {}", row.column, row.value),
            row.images.to_string(),
            row.fractured.to_string(),
            short(output::number(row.roc_auc)),
            short(output::percent(row.sensitivity)),
            short(output::percent(row.specificity)),
        ]);
    }
    let stand = [Column::Left, Column::Right, Column::Right];
    format!("\n\n{}", table(&lines, &stand))
}
