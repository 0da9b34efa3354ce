//! The first screen: what was judged, what came out in plain words, what to know before believing it.

use maud::{Markup, html};
use osteon_metrics::{Estimate, Summary};

use super::parts::{estimate, or_unknown, title};
use crate::figures::{Figure, figures};
use crate::judgement::Judgement;
use crate::notices::notices;
use crate::plot::{Scale, confusion, strip};
use crate::summary::paragraphs;
use crate::text::{UNDEFINED, Unit, count, grouped};

pub(super) fn header(j: &Judgement) -> Markup {
    let serious = notices(j).iter().filter(|notice| notice.serious).count();
    let when = j.judged_at.get(..10).unwrap_or(&j.judged_at);
    html! {
        header {
            p.kicker { "Osteon · evaluation report" }
            h1 { (title(j)) }
            p.facts {
                span { "Split: " b { (j.split) } }
                span { (count(j.summary.images, "image")) }
                span { "Judged on " time datetime=(j.judged_at) { (or_unknown(when)) } }
                @if serious > 0 { a.chip href="#warnings" { (count(serious as u64, "serious warning")) } }
                @if let Some(looks) = j.looks { span { "Look " (looks) " at this test set" } }
            }
        }
    }
}

pub(super) fn in_short(j: &Judgement) -> Markup {
    let all = paragraphs(j);
    let clean = j.leak.clean_figures();
    html! {
        section {
            h2 #short { "In short" }
            @for (n, text) in all.iter().enumerate() { p.lead[n == 0] { (text) } }
            @if let Some(clean) = clean { (tiles(&format!("Clean images only ({}): the figures to believe", grouped(clean.images)), clean)) }
            (tiles(&match clean {
                Some(_) => format!("All {}, those the model has seen before included", count(j.summary.images, "image")),
                None => format!("All {}", count(j.summary.images, "image")),
            }, &j.summary))
        }
    }
}

fn tiles(heading: &str, s: &Summary) -> Markup {
    let c = &s.confusion;
    html! {
        h3.tiles-heading { (heading) }
        div.tiles {
            (tile("Sensitivity", "of fractured images found", &s.sensitivity, Unit::Share, Scale::UNIT, &format!("{} of {}", grouped(c.tp), grouped(c.positives())), "no fractured image"))
            (tile("Specificity", "of unfractured images passed", &s.specificity, Unit::Share, Scale::UNIT, &format!("{} of {}", grouped(c.tn), grouped(c.negatives())), "no unfractured image"))
            (tile("ROC-AUC", "1 is perfect, 0.5 is chance", &s.roc_auc, Unit::Index, Scale::holding(0.5, std::iter::once(&s.roc_auc)), &format!("n = {}", grouped(s.images)), "needs both classes"))
        }
    }
}

fn tile(
    name: &str,
    says: &str,
    e: &Estimate,
    unit: Unit,
    scale: Scale,
    n: &str,
    undefined: &str,
) -> Markup {
    html! {
        div.tile {
            span.what { b { (name) } ": " (says) }
            strong { (e.value.map_or_else(|| UNDEFINED.to_owned(), |value| unit.show(value))) }
            @if e.value.is_none() { span { (undefined) } }
            @if let Some((low, high)) = e.low.zip(e.high) { span { "95 %: " (unit.range(low, high)) } (strip(e, scale, None)) }
            span { (n) }
        }
    }
}

/// What the judgement shows by itself, then what else it says.
pub(super) fn warnings(j: &Judgement) -> Markup {
    let own = notices(j);
    let more = j
        .warnings
        .iter()
        .filter(|warning| own.iter().all(|notice| notice.text != **warning));
    let more: Vec<&String> = more.collect();
    html! {
        section {
            h2 #warnings { "Before you believe it" }
            @for notice in &own {
                div.notice.serious[notice.serious] role="note" { h3 { (notice.title) } p { (notice.text) } }
            }
            @if !more.is_empty() { div.notice role="note" { h3 { "Also said of this judgement" } ul { @for warning in &more { li { (warning) } } } } }
            @if own.is_empty() && more.is_empty() { p { "Nothing stands against these figures that the program could see." } }
            @if !j.unreadable_files.is_empty() {
                details open[j.unreadable_files.len() <= 10] {
                    summary { "Files that do not read: " (grouped(j.unreadable)) }
                    div.scroll { table {
                        thead { tr { th scope="col" { "file" } th scope="col" { "why" } } }
                        tbody { @for file in j.unreadable_files.iter().take(200) { tr { td.path { (file.id) } td { (file.reason) } } } }
                    } }
                    @if j.unreadable_files.len() > 200 { p.small { "and " (j.unreadable_files.len() - 200) " more: judgement.json lists all" } }
                }
            }
        }
    }
}

pub(super) fn figures_section(j: &Judgement) -> Markup {
    let all = format!("all images (n = {})", grouped(j.summary.images));
    let clean = j.leak.clean_figures();
    let mut columns = vec![(all, figures(&j.summary))];
    columns.extend(clean.map(|s| {
        (
            format!("clean only (n = {})", grouped(s.images)),
            figures(s),
        )
    }));
    html! {
        section {
            h2 #figures { "Figures" }
            p { "Fractured is the positive class. A score of " b { (crate::text::score(j.summary.threshold)) } " or more is called fractured. Beside each figure: its 95 % interval and what it was counted over." }
            (table(&columns))
            p.small { (j.intervals) }
        }
    }
}

/// Figures in rows, the images they are of in columns.
pub(super) fn table(columns: &[(String, Vec<Figure>)]) -> Markup {
    html! {
        div.scroll { table.figures {
            thead { tr { th scope="col" { "figure" } @for (name, _) in columns { th scope="col" { (name) } } th scope="col" { "which means" } } }
            tbody { @if let Some((_, first)) = columns.first() { @for (row, figure) in first.iter().enumerate() { tr {
                th scope="row" { (figure.name) }
                @for (_, figures) in columns { @if let Some(f) = figures.get(row) { td.e {
                    (estimate(&f.estimate, f.unit, f.undefined))
                    @if f.estimate.value.is_some() { span.n { "n = " (grouped(f.n)) @if f.of != "images" { " " (f.of) } } }
                } } }
                td.wide { (figure.means) }
            } } } }
        } }
    }
}

pub(super) fn matrix(j: &Judgement) -> Markup {
    let c = &j.summary.confusion;
    html! {
        section {
            h2 #matrix { "What it got right and wrong" }
            div.two { figure.plot {
                h3 { "All images" }
                (confusion(c))
                figcaption { (count(c.total(), "image")) " at the threshold " (crate::text::score(j.summary.threshold)) ". The stronger the colour, the larger the share of its row." }
            }
            @if let Some(clean) = j.leak.clean_figures() {
                figure.plot {
                    h3 { "Clean images only" }
                    (confusion(&clean.confusion))
                    figcaption { (count(clean.images, "image")) " that the model has not seen before, at the same threshold." }
                }
            } }
        }
    }
}
