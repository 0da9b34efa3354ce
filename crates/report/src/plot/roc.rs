//! The ROC curve with the operating points on it.

use maud::{Markup, html};
use osteon_metrics::roc_curve;

use super::{Plane, missing, picture, plain, px};
use crate::error::{ReportError, of};
use crate::judgement::{Judgement, PointFigures};
use crate::text::{Unit, grouped};

/// The letter of an operating point in figures and tables.
pub(crate) fn letter(n: usize) -> String {
    u8::try_from(n).ok().filter(|n| *n < 26).map_or_else(
        || format!("({})", n + 1),
        |n| char::from(b'A' + n).to_string(),
    )
}

/// Sensitivity over the share of false alarms, at every threshold.
pub(crate) fn roc(j: &Judgement, labels: &[bool], scores: &[f64]) -> Result<Markup, ReportError> {
    let curve = roc_curve(labels, scores).map_err(of("the ROC curve"))?;
    if curve.is_empty() {
        return Ok(missing("no curve: it needs images of both classes"));
    }
    let plane = Plane::percents(52.0, 12.0, 332.0, 320.0);
    let c = &j.summary.confusion;
    let auc = j.summary.roc_auc.value.map(|auc| Unit::Index.show(auc));
    let description = format!(
        "ROC curve of {} images, {} fractured; area {}",
        grouped(c.total()),
        grouped(c.positives()),
        auc.as_deref().unwrap_or("not known")
    );
    let points = curve
        .iter()
        .map(|p| (p.false_positive_rate * 100.0, p.true_positive_rate * 100.0));
    Ok(picture(
        400,
        380,
        &description,
        &html! {
            (plane.frame("false alarms: 1 − specificity (%)", "fractures found: sensitivity (%)", plain))
            (plane.line([(0.0, 0.0), (100.0, 100.0)].into_iter(), "chance"))
            text.note x=(plane.at_x(71.0)) y=(plane.at_y(66.0)) { "coin" }
            (plane.line(points, "s-blue"))
            (marks(&plane, &j.operating_points, |p| {
                let (fpr, tpr) = (1.0 - p.specificity.value?, p.sensitivity.value?);
                Some(Mark {
                    at: (fpr, tpr),
                    x: p.specificity.low.zip(p.specificity.high).map(|(low, high)| (1.0 - high, 1.0 - low)),
                    y: p.sensitivity.low.zip(p.sensitivity.high),
                })
            }))
        },
    ))
}

/// A point with the intervals of both its rates.
pub(super) struct Mark {
    pub at: (f64, f64),
    pub x: Option<(f64, f64)>,
    pub y: Option<(f64, f64)>,
}

/// Operating points with their letters. Letters that would lie over each other are moved apart.
pub(super) fn marks(
    plane: &Plane,
    points: &[PointFigures],
    place: impl Fn(&PointFigures) -> Option<Mark>,
) -> Markup {
    let marks: Vec<(usize, Mark)> = points
        .iter()
        .enumerate()
        .filter_map(|(n, p)| Some((n, place(p)?)))
        .collect();
    let mut letters: Vec<(f64, f64)> = Vec::new();
    for (_, mark) in &marks {
        let (x, y) = (plane.at_x(mark.at.0 * 100.0), plane.at_y(mark.at.1 * 100.0));
        let mut at = (x + 8.0, y + 17.0);
        while letters
            .iter()
            .any(|(x, y)| (x - at.0).abs() < 12.0 && (y - at.1).abs() < 13.0)
        {
            at.1 += 13.0;
        }
        letters.push(at);
    }
    html! {
        @for (_, mark) in &marks {
            @let (x, y) = (plane.at_x(mark.at.0 * 100.0), plane.at_y(mark.at.1 * 100.0));
            @if let Some((low, high)) = mark.x { line.whisker x1=(plane.at_x(low * 100.0)) x2=(plane.at_x(high * 100.0)) y1=(y) y2=(y) {} }
            @if let Some((low, high)) = mark.y { line.whisker x1=(x) x2=(x) y1=(plane.at_y(low * 100.0)) y2=(plane.at_y(high * 100.0)) {} }
        }
        @for ((n, mark), at) in marks.iter().zip(&letters) {
            circle.point cx=(plane.at_x(mark.at.0 * 100.0)) cy=(plane.at_y(mark.at.1 * 100.0)) r="4.5" {}
            text.letter x=(px(at.0)) y=(px(at.1)) { (letter(*n)) }
        }
    }
}
