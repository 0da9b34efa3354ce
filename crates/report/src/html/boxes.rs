//! The boxes that the model gives, against those that are known.

use maud::{Markup, html};
use osteon_metrics::{DetectionSummary, SizeStratum};

use super::parts::estimate;
use crate::judgement::Judgement;
use crate::text::{Unit, count, grouped, percent};

const NONE: &str = "no box is known";

pub(super) fn section(j: &Judgement) -> Markup {
    html! { @if let Some(b) = &j.boxes { section {
        h2 #boxes { "Are its boxes right?" }
        p {
            "Around the hot places of its map the model gives boxes: " (grouped(b.found)) " on " (count(b.images, "image")) ", on which "
            (grouped(b.known)) (if b.known == 1 { " is" } else { " are" })
            " known. A box is right where it and a known one share at least half of what they cover together; of two on one known box one is false."
        }
        (figures(b))
        h3 { "By size" }
        p { "Found with at most one false box an image, by the share of the image that the known box covers." }
        div.scroll { table {
            thead { tr { th scope="col" { "box covers" } th.n scope="col" { "boxes" } th scope="col" { "found" } } }
            tbody { @for s in &b.sizes { tr {
                th scope="row" { (size(s)) } td.n { (grouped(s.known)) } td.e { (estimate(&s.sensitivity, Unit::Share, "no such box")) }
            } } }
        } }
        p.small {
            "AP by COCO's rules, at most 100 boxes an image. Intervals by a bootstrap of images, or of groups where the data set has any; by size Wilson's. "
            "Beside this page lie the known boxes (boxes.coco.json) and those found (boxes.found.json), as COCO's tools read them."
        }
    } } }
}

fn figures(b: &DetectionSummary) -> Markup {
    html! { div.scroll { table.figures {
        thead { tr { th scope="col" { "figure" } th scope="col" { "value" } th scope="col" { "which means" } } }
        tbody {
            tr {
                th scope="row" { "AP50" } td.e { (estimate(&b.ap50, Unit::Index, NONE)) }
                td.wide { "average precision: the mean precision over all levels of recall" }
            }
            tr {
                th scope="row" { "AP" } td.e { (estimate(&b.ap, Unit::Index, NONE)) }
                td.wide { "the same, the mean over overlaps of 0.5 to 0.95: how exact the boxes are" }
            }
            @for point in &b.froc { tr {
                th scope="row" { "FROC at " (point.false_boxes) } td.e { (estimate(&point.sensitivity, Unit::Share, NONE)) }
                td.wide { "share of the known boxes found with at most " (point.false_boxes) " false boxes an image" }
            } }
        }
    } } }
}

fn size(s: &SizeStratum) -> String {
    match (s.from, s.to) {
        (0.0, to) => format!("less than {}", percent(to)),
        (from, 1.0) => format!("{} or more", percent(from)),
        (from, to) => format!("{} to {}", percent(from), percent(to)),
    }
}
