//! How well the model says where.

use maud::{Markup, html};

use super::parts::estimate;
use crate::judgement::{Explanation, Judgement};
use crate::text::{Unit, count, grouped, percent};

const NONE: &str = "no such image";

pub(super) fn section(j: &Judgement) -> Markup {
    html! { @if let Some(e) = &j.explanation { section {
        h2 #explanation { "Does it look at the fracture?" }
        p {
            "A right answer for a wrong reason is luck. " (count(e.boxed, "fractured image")) " " (if e.boxed == 1 { "has" } else { "have" })
            " boxes around the fractures; of these " (grouped(e.detected)) " are detected, which is to say score at or above the threshold. Their heatmaps ("
            (kind(e)) ", " (e.cells.0) " × " (e.cells.1) " cells) were held against the boxes."
        }
        div.scroll { table.figures {
            thead { tr {
                th scope="col" { "figure" } th scope="col" { "detected (n = " (grouped(e.detected)) ")" } th scope="col" { "all with boxes (n = " (grouped(e.boxed)) ")" }
                th scope="col" { "which means" }
            } }
            tbody {
                tr {
                    th scope="row" { "Pointing game" }
                    td.e { (estimate(&e.pointing_detected, Unit::Share, NONE)) } td.e { (estimate(&e.pointing_boxed, Unit::Share, NONE)) }
                    td.wide { "how often the hottest place lies in a box, or beside one by at most " (percent(e.tolerance)) " of the side of what the network sees" }
                }
                tr {
                    th scope="row" { "Overlap (IoU)" }
                    td.e { (estimate(&e.iou_detected, Unit::Index, NONE)) } td.e { (estimate(&e.iou_boxed, Unit::Index, NONE)) }
                    td.wide { "of boxes and hot places together, the share that is both; hot is at least half as hot as the hottest" }
                }
                tr {
                    th scope="row" { "Heat in the boxes" }
                    td.e { (estimate(&e.heat_inside_detected, Unit::Share, NONE)) } td.e {}
                    td.wide { "share of all heat that lies in a box" }
                }
            }
        } }
        (empty(e))
        @if !e.deletion.is_empty() {
            h3 { "What happens without it" }
            p { "Places were wiped, replaced by the mean of what is around them, and the score taken again. Wiping what matters must cost more of the score than wiping places drawn at random." }
            div.scroll { table {
                thead { tr {
                    th.n scope="col" { "wiped" } th scope="col" { "score falls by: the hottest" } th scope="col" { "as many at random" } th scope="col" { "difference" }
                } }
                tbody { @for d in &e.deletion { tr {
                    th.n scope="row" { (percent(d.share)) }
                    td.e { (estimate(&d.hottest, Unit::Index, NONE)) } td.e { (estimate(&d.random, Unit::Index, NONE)) } td.e { (estimate(&d.difference, Unit::Index, NONE)) }
                } } }
            } }
        }
        p.small { "Shares have Wilson's intervals, means those of a bootstrap by image. Heat is no probability, and a box is one reader's." }
    } } }
}

/// How many heatmaps are empty, which says nothing of a place.
fn empty(e: &Explanation) -> Markup {
    html! { @if e.empty_boxed > 0 { p {
        "On " (grouped(e.empty_boxed)) " of the images with boxes, " (grouped(e.empty_detected)) " of them detected, no place speaks for a fracture: their heatmaps are empty. "
        "They count as misses, and are in no deletion test."
    } } }
}

fn kind(e: &Explanation) -> &str {
    match e.kind.as_str() {
        "fracture_map" => "the network's own map of fractures",
        "grad_cam" => "HiResCAM",
        other => other,
    }
}
