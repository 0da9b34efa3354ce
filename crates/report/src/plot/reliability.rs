//! How often a score is right: the share of fractures among images of like score.

use maud::{Markup, html};
use osteon_metrics::{ReliabilityBin, wilson};

use super::{Plane, missing, picture, plain, px};
use crate::error::{ReportError, of};
use crate::text::grouped;

const BINS: usize = 10;
/// Top and height of the bars below.
const BARS: (f64, f64) = (290.0, 50.0);

/// The reliability diagram over ten bins, with Wilson's 95 % intervals and the number of images in each bin.
pub(crate) fn reliability(labels: &[bool], scores: &[f64]) -> Result<Markup, ReportError> {
    let why = of("the reliability diagram");
    let bins = osteon_metrics::reliability(labels, scores, BINS).map_err(&why)?;
    if scores.is_empty() {
        return Ok(missing("no diagram: no image was judged"));
    }
    let plane = Plane::percents(52.0, 12.0, 332.0, 262.0);
    let mut points = Vec::new();
    for bin in &bins {
        if let (Some(score), Some(share)) = (bin.mean_score, bin.fractured) {
            // The share is of whole images.
            let fractured = (share * bin.count as f64).round() as u64;
            points.push((
                score * 100.0,
                wilson(fractured, bin.count, 0.95).map_err(&why)?,
            ));
        }
    }
    let description = format!(
        "Reliability diagram of {} images in {BINS} bins",
        grouped(scores.len() as u64)
    );
    Ok(picture(
        400,
        392,
        &description,
        &html! {
            g.grid {
                @for &tick in &plane.x.ticks { line x1=(plane.at_x(tick)) x2=(plane.at_x(tick)) y1=(plane.top) y2=(BARS.0 + BARS.1) {} }
                @for &tick in &plane.y.ticks { line x1=(plane.left) x2=(plane.right()) y1=(plane.at_y(tick)) y2=(plane.at_y(tick)) {} }
                line x1=(plane.left) x2=(plane.right()) y1=(BARS.0 + BARS.1) y2=(BARS.0 + BARS.1) {}
            }
            g.ticks {
                @for &tick in &plane.x.ticks { text x=(plane.at_x(tick)) y=(BARS.0 + BARS.1 + 17.0) text-anchor="middle" { (plain(tick)) } }
                @for &tick in &plane.y.ticks { text x=(plane.left - 7.0) y=(plane.at_y(tick) + 4.0) text-anchor="end" { (plain(tick)) } }
            }
            g.names {
                text x=(px(plane.left + plane.width / 2.0)) y="380" text-anchor="middle" { "score, as a probability of a fracture (%)" }
                text x="13" y="143" text-anchor="middle" transform="rotate(-90 13 143)" { "truly fractured (%)" }
                text.count x=(plane.left - 7.0) y=(BARS.0 + BARS.1 - 4.0) text-anchor="end" { "images" }
            }
            (plane.line([(0.0, 0.0), (100.0, 100.0)].into_iter(), "chance"))
            @for (x, share) in &points {
                @if let (Some(value), Some(low), Some(high)) = (share.value, share.low, share.high) {
                    line.whisker x1=(plane.at_x(*x)) x2=(plane.at_x(*x)) y1=(plane.at_y(low * 100.0)) y2=(plane.at_y(high * 100.0)) {}
                    circle.f-blue cx=(plane.at_x(*x)) cy=(plane.at_y(value * 100.0)) r="4.5" {}
                }
            }
            (bars(&plane, &bins))
        },
    ))
}

fn bars(plane: &Plane, bins: &[ReliabilityBin]) -> Markup {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    html! {
        @for bin in bins.iter().filter(|bin| bin.count > 0) {
            @let height = px(((BARS.1 - 14.0) * bin.count as f64 / most as f64).max(1.0));
            @let (left, right) = (plane.at_x(bin.low * 100.0) + 2.0, plane.at_x(bin.high * 100.0) - 2.0);
            rect.f-soft x=(px(left)) y=(px(BARS.0 + BARS.1 - height)) width=(px(right - left)) height=(height) {}
            text.count x=(px(f64::midpoint(left, right))) y=(px(BARS.0 + BARS.1 - height - 3.0)) text-anchor="middle" { (grouped(bin.count)) }
        }
    }
}
