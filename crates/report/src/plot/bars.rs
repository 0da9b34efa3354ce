//! One bar in parts: what a whole is made of.

use maud::{Markup, html};

use super::px;
use crate::text::{grouped, percent, share};

/// A part of a whole.
pub(crate) struct Part {
    pub name: &'static str,
    pub count: u64,
    /// Class of the stylesheet: `f-blue`.
    pub class: &'static str,
}

/// A bar with its key below, which has the counts.
pub(crate) fn bars(parts: &[Part]) -> Markup {
    let whole = parts
        .iter()
        .fold(0_u64, |sum, part| sum.saturating_add(part.count));
    let names = parts
        .iter()
        .map(|part| format!("{} {}", grouped(part.count), part.name));
    let description = names.collect::<Vec<_>>().join(", ");
    let mut ends = Vec::new();
    let mut so_far = 0_u64;
    for part in parts {
        let from = share(so_far, whole).unwrap_or(0.0);
        so_far = so_far.saturating_add(part.count);
        ends.push((from, share(so_far, whole).unwrap_or(0.0)));
    }
    html! {
        div.bars { div.bar { svg role="img" viewBox="0 0 760 22" preserveAspectRatio="none" {
            title { (description) }
            rect.rail-box x="0" y="0" width="760" height="22" {}
            @for (part, (from, to)) in parts.iter().zip(&ends) { @if part.count > 0 {
                // A single image among thousands is still seen.
                rect.(part.class) x=(px(from * 760.0)) y="0" width=(px((to - from) * 760.0).max(2.0)) height="22" {}
            } }
        } }
        ul.key { @for part in parts { li {
            span.swatch.(part.class) {} b { (grouped(part.count)) } " " (part.name)
            @if let Some(share) = share(part.count, whole) { " (" (percent(share)) ")" }
        } } } }
    }
}
