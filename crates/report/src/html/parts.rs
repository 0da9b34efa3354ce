//! What several sections share.

use maud::{Markup, html};
use osteon_metrics::Estimate;

use crate::judgement::Judgement;
use crate::text::{UNDEFINED, Unit};

/// The title of the page.
pub(super) fn title(j: &Judgement) -> String {
    format!("{} on {} of {}", j.model.file, j.split, j.data.name)
}

/// A value with its interval; undefined, a dash with the reason.
pub(super) fn estimate(e: &Estimate, unit: Unit, undefined: &str) -> Markup {
    html! {
        @match e.value {
            Some(value) => {
                b { (unit.show(value)) }
                @if let Some((low, high)) = e.low.zip(e.high) { " " span.ci {
                    // A bootstrap that has nothing to vary says nothing about certainty.
                    @if high > low { (unit.range(low, high)) } @else { "no interval: all resamples are alike" }
                } }
            }
            None => { (UNDEFINED) " " span.ci { (undefined) } }
        }
    }
}

/// A value that may be undefined.
pub(super) fn value(value: Option<f64>, unit: Unit) -> Markup {
    html! { (value.map_or_else(|| UNDEFINED.to_owned(), |value| unit.show(value))) }
}

/// Text, or that it is not known.
pub(super) fn or_unknown(text: &str) -> Markup {
    html! { @if text.trim().is_empty() { span.unknown { "not known" } } @else { (text) } }
}
