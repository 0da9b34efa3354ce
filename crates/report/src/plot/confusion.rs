//! The confusion matrix as a picture: counts, shares of the row, the darker the larger the share.

use maud::{Markup, html};
use osteon_metrics::Confusion;

use super::{picture, px};
use crate::text::{UNDEFINED, grouped, percent, share};

const CELL: (f64, f64) = (150.0, 104.0);
const LEFT: f64 = 112.0;
const TOP: f64 = 58.0;

/// Truth in rows, the model's call in columns.
pub(crate) fn confusion(c: &Confusion) -> Markup {
    let description = format!(
        "Confusion matrix: of {} fractured images {} found and {} missed; of {} unfractured images {} false alarms and {} rightly passed",
        grouped(c.positives()),
        grouped(c.tp),
        grouped(c.fn_),
        grouped(c.negatives()),
        grouped(c.fp),
        grouped(c.tn)
    );
    let rows = [
        (
            "fractured",
            c.positives(),
            [(c.tp, "found", true), (c.fn_, "missed", false)],
        ),
        (
            "not fractured",
            c.negatives(),
            [
                (c.fp, "false alarms", false),
                (c.tn, "rightly passed", true),
            ],
        ),
    ];
    picture(
        420,
        276,
        &description,
        &html! {
            text.names x=(LEFT + CELL.0) y="16" text-anchor="middle" { "the model says" }
            @for (n, name) in ["fractured", "not fractured"].iter().enumerate() {
                text.head x=(LEFT + CELL.0 * (n as f64 + 0.5)) y="42" text-anchor="middle" { (name) }
            }
            @for (r, (truth, total, cells)) in rows.iter().enumerate() {
                @let top = TOP + r as f64 * CELL.1;
                text.names x=(LEFT - 12.0) y=(top + 34.0) text-anchor="end" { "truly" }
                text.head x=(LEFT - 12.0) y=(top + 52.0) text-anchor="end" { (truth) }
                text.ticks x=(LEFT - 12.0) y=(top + 72.0) text-anchor="end" { "n = " (grouped(*total)) }
                @for (k, (count, word, right)) in cells.iter().enumerate() {
                    @let left = LEFT + k as f64 * CELL.0;
                    @let part = share(*count, *total);
                    @let shade = (0.06 + 0.5 * part.unwrap_or(0.0) * 100.0 / 100.0).min(0.56);
                    rect.(if *right { "f-blue" } else { "f-vermillion" }) x=(left + 2.0) y=(top + 2.0) width=(CELL.0 - 4.0) height=(CELL.1 - 4.0) rx="6" fill-opacity=(format!("{shade:.3}")) {}
                    rect.(if *right { "s-blue" } else { "s-vermillion" }) fill="none" x=(left + 2.0) y=(top + 2.0) width=(CELL.0 - 4.0) height=(CELL.1 - 4.0) rx="6" {}
                    @let middle = px(left + CELL.0 / 2.0);
                    text.big x=(middle) y=(top + 46.0) text-anchor="middle" { (grouped(*count)) }
                    text.head x=(middle) y=(top + 67.0) text-anchor="middle" { (word) }
                    text.ticks x=(middle) y=(top + 86.0) text-anchor="middle" { (part.map_or_else(|| UNDEFINED.to_owned(), percent)) @if part.is_some() { " of the row" } }
                }
            }
        },
    )
}
