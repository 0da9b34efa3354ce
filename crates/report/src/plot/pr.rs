//! The precision–recall curve over the line of the prevalence.

use maud::{Markup, html};
use osteon_metrics::pr_curve;

use super::roc::{Mark, marks};
use super::{Plane, missing, picture, plain};
use crate::error::{ReportError, of};
use crate::judgement::Judgement;
use crate::text::{Unit, grouped};

/// Precision over sensitivity, at every threshold, in steps, as average precision adds it up.
pub(crate) fn pr(j: &Judgement, labels: &[bool], scores: &[f64]) -> Result<Markup, ReportError> {
    let curve = pr_curve(labels, scores).map_err(of("the precision–recall curve"))?;
    let c = &j.summary.confusion;
    let Some(prevalence) = c.prevalence().filter(|_| !curve.is_empty()) else {
        return Ok(missing("no curve: no image is fractured"));
    };
    let plane = Plane::percents(52.0, 12.0, 332.0, 320.0);
    let average = j
        .summary
        .average_precision
        .value
        .map(|v| Unit::Index.show(v));
    let description = format!(
        "Precision–recall curve of {} images, {} fractured; average precision {}",
        grouped(c.total()),
        grouped(c.positives()),
        average.as_deref().unwrap_or("not known")
    );
    let mut before = 0.0;
    let steps = curve.iter().flat_map(|p| {
        let (precision, recall) = (p.precision * 100.0, p.recall * 100.0);
        let step = [(before, precision), (recall, precision)];
        before = recall;
        step
    });
    let level = prevalence * 100.0;
    // Below the line where there is room, and above it near the bottom.
    let beside = plane.at_y(level) + if level > 12.0 { 16.0 } else { -6.0 };
    Ok(picture(
        400,
        380,
        &description,
        &html! {
            (plane.frame("fractures found: sensitivity (%)", "right among the called: precision (%)", plain))
            (plane.line([(0.0, level), (100.0, level)].into_iter(), "chance"))
            text.note x=(plane.left + 6.0) y=(beside) { "coin: the share of fractures, " (format!("{level:.1}")) " %" }
            (plane.line(steps, "s-blue"))
            (marks(&plane, &j.operating_points, |p| {
                Some(Mark {
                    at: (p.sensitivity.value?, p.precision.value?),
                    x: p.sensitivity.low.zip(p.sensitivity.high),
                    y: p.precision.low.zip(p.precision.high),
                })
            }))
        },
    ))
}
