//! Where the scores of both classes lie.

use maud::{Markup, html};

use super::{Plane, missing, picture, px};
use crate::axis::Axis;
use crate::judgement::Judgement;
use crate::text::{grouped, score};

const BINS: usize = 20;

/// Scores of the fractured upwards, of the others downwards, as shares of their class; the threshold and the doubt band.
pub(crate) fn histogram(j: &Judgement, labels: &[bool], scores: &[f64]) -> Markup {
    if scores.is_empty() {
        return missing("no histogram: no image was judged");
    }
    let mut counts = [[0_u64; BINS]; 2];
    for (label, score) in labels.iter().zip(scores) {
        // A score of 1 belongs to the last bin. What is no probability was refused before.
        let bin = ((score * BINS as f64) as usize).min(BINS - 1);
        counts[usize::from(!label)][bin] += 1;
    }
    let totals = counts.map(|of_class| of_class.iter().sum::<u64>());
    let share =
        |class: usize, bin: usize| 100.0 * counts[class][bin] as f64 / totals[class].max(1) as f64;
    let most = (0..2).flat_map(|class| (0..BINS).map(move |bin| (class, bin)));
    let most = most
        .map(|(class, bin)| share(class, bin))
        .fold(1.0, f64::max)
        * 1.08;
    let plane = Plane {
        x: Axis::between(0.0, 1.0, 5),
        y: Axis::between(-most, most, 8),
        left: 52.0,
        top: 30.0,
        width: 332.0,
        height: 314.0,
    };
    let description = format!(
        "Histogram of the scores of {} fractured and {} unfractured images",
        grouped(totals[0]),
        grouped(totals[1])
    );
    let at = plane.at_x(j.summary.threshold.clamp(0.0, 1.0));
    // The name of the threshold stays within the picture.
    let (anchor, name_at) = match j.summary.threshold {
        t if t < 0.2 => ("start", at.max(plane.left)),
        t if t > 0.8 => ("end", at),
        _ => ("middle", at),
    };
    picture(
        400,
        392,
        &description,
        &html! {
            (plane.frame("score", "share of the class (%)", |tick| plane.y.label(tick.abs())))
            @if let Some(band) = j.doubt.band {
                @let (low, high) = (plane.at_x(band.low.clamp(0.0, 1.0)), plane.at_x(band.high.clamp(0.0, 1.0)));
                rect.band x=(low) y=(plane.top) width=(px(high - low)) height=(plane.height) {}
            }
            @for class in 0..2 { @for bin in 0..BINS { @if counts[class][bin] > 0 {
                @let left = plane.at_x(bin as f64 / BINS as f64) + 1.0;
                @let right = plane.at_x((bin + 1) as f64 / BINS as f64) - 1.0;
                @let end = plane.at_y(if class == 0 { share(0, bin) } else { -share(1, bin) });
                @let zero = plane.at_y(0.0);
                rect.(if class == 0 { "f-vermillion" } else { "f-blue" }) x=(px(left)) y=(px(zero.min(end))) width=(px(right - left)) height=(px((zero - end).abs().max(0.8))) {
                    title { (grouped(counts[class][bin])) (if class == 0 { " fractured" } else { " unfractured" }) " images" }
                }
            } } }
            line.zero x1=(plane.left) x2=(plane.right()) y1=(plane.at_y(0.0)) y2=(plane.at_y(0.0)) {}
            (plane.upright(j.summary.threshold.clamp(0.0, 1.0), "threshold"))
            text.letter x=(name_at) y="22" text-anchor=(anchor) { "threshold " (score(j.summary.threshold)) }
        },
    )
}
