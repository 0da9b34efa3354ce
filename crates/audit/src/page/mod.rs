//! The audit as one page: no script, no file beside it, light and dark.

mod sheet;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use osteon_data::Entry;

use self::sheet::{Pictures, Row};
use crate::{Audit, percent};

const STYLE: &str = include_str!("page.css");
/// Rows of a table before it is cut; `--json` has them all.
const SHOWN: usize = 100;

/// The audit as an HTML page, with small pictures of the images that it speaks of: `entries` says where they are. A file that is gone by now leaves its
/// place empty.
#[must_use]
pub fn page(title: &str, a: &Audit, entries: &[Entry]) -> String {
    let pictures = &Pictures::of(a, entries);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Audit of " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                header { p.kicker { "Osteon · data audit" } h1 { (title) } }
                (tiles(a))
                (splits(a))
                (shared(a))
                (leaks(a, pictures))
                (conflicts(a, pictures))
                (neighbours(a))
                (features(a))
                (sheet("The most copied images", "One row an image; exact copies are shown once.", &pictures.clusters, pictures))
                (files(a))
            } }
        }
    }
    .into_string()
}

fn tiles(a: &Audit) -> Markup {
    let worst = a
        .leaks
        .iter()
        .filter(|l| l.known_to == osteon_data::Split::Train)
        .filter_map(|l| l.share)
        .reduce(f64::max);
    html! {
        section.tiles {
            (tile(&a.images.to_string(), "files", false))
            (tile(&a.distinct.to_string(), "different images", a.distinct * 2 < a.images))
            (tile(&a.exact_copies.to_string(), "byte-for-byte copies", a.exact_copies > 0))
            (tile(&percent(worst), "of a judged split is also in train", worst.is_some_and(|w| w > 0.0)))
            (tile(&a.conflicts.len().to_string(), "images with two labels", !a.conflicts.is_empty()))
            (tile(&a.unreadable.len().to_string(), "files that do not read", !a.unreadable.is_empty()))
        }
    }
}

fn tile(value: &str, what: &str, bad: bool) -> Markup {
    html! { div.tile.bad[bad] { strong { (value) } span { (what) } } }
}

fn splits(a: &Audit) -> Markup {
    html! {
        h2 { "Splits" }
        div.scroll { table {
            thead { tr { th { "split" } th.n { "files" } th.n { "images" } th.n { "fractured" } th.n { "share" } } }
            tbody { @for b in &a.balance { tr {
                td { (b.split) } td.n { (b.images) } td.n { (b.distinct) } td.n { (b.fractured) } td.n { (percent(b.share)) }
            } } }
        } }
    }
}

fn shared(a: &Audit) -> Markup {
    html! {
        @if !a.shared_groups.is_empty() {
            h2 { "Patients or groups in more than one split" }
            p { "The data set itself says that these images belong together: a score on one of these splits measures memory, too." }
            div.scroll { table {
                thead { tr { th { "column" } th { "value" } th { "images" } } }
                tbody { @for g in a.shared_groups.iter().take(SHOWN) { tr {
                    td { (g.column) } td.path { (g.value) }
                    td.bad { (g.images.iter().map(|(split, n)| format!("{n} in {split}")).collect::<Vec<_>>().join(", ")) }
                } } }
            } }
            (cut(a.shared_groups.len()))
        }
    }
}

fn leaks(a: &Audit, pictures: &Pictures) -> Markup {
    html! {
        h2 { "Copies across splits" }
        @if a.leaks.iter().all(|l| l.exact + l.near == 0) {
            p { "No image is in two splits." }
        } @else {
            p { "What a network was shown in training it can recognise: a score on such images measures memory." }
            div.scroll { table {
                thead { tr { th { "files of" } th { "also in" } th.n { "files" } th.n { "exact copy" } th.n { "changed copy" } th.n { "share" } } }
                tbody { @for l in &a.leaks { tr {
                    td { (l.judged) } td { (l.known_to) } td.n { (l.images) } td.n { (l.exact) } td.n { (l.near) }
                    td.n.bad[l.share.is_some_and(|s| s > 0.01)] { (percent(l.share)) }
                } } }
            } }
            (rows(&pictures.leaks, pictures))
        }
    }
}

fn conflicts(a: &Audit, pictures: &Pictures) -> Markup {
    html! {
        h2 { "Copies that contradict each other" }
        @if a.conflicts.is_empty() {
            p { "All copies of an image carry one label." }
        } @else {
            p { "Images labelled fractured in one file and not fractured in another: " (a.conflicts.len()) "." }
            (rows(&pictures.conflicts, pictures))
        }
    }
}

fn neighbours(a: &Audit) -> Markup {
    html! {
        @if !a.nearest_neighbour.is_empty() {
            h2 { "How far remembering gets" }
            p { "The class of the most similar training image at 32×32 pixels: as the splits were published, and when copies of the image in question may not be looked at." }
            div.scroll { table {
                thead { tr { th { "split" } th.n { "files" } th.n { "accuracy" } th.n { "balanced" } th.n { "accuracy, copies apart" } th.n { "balanced, copies apart" } } }
                tbody { @for n in &a.nearest_neighbour { tr {
                    td { (n.judged) } td.n { (n.images) }
                    td.n { (percent(n.as_published.accuracy)) } td.n { (percent(n.as_published.balanced_accuracy)) }
                    td.n { (percent(n.copies_apart.accuracy)) } td.n { (percent(n.copies_apart.balanced_accuracy)) }
                } } }
            } }
        }
    }
}

fn features(a: &Audit) -> Markup {
    html! {
        h2 { "What gives the class away without a look at bone" }
        p { "The probability that a fractured file has more of it than an unfractured one (AUC); 0.5 is chance. It gives the class away where the 99 % interval leaves chance out." }
        div.scroll { table {
            thead { tr { th { "figure" } th.n { "AUC" } th { "" } th { "which means" } } }
            tbody { @for f in &a.trivial_features { tr.quiet[!f.telling] {
                td { (f.feature.replace('_', " ")) } td.n.bad[f.telling] { (f.auc_in_words()) }
                td { @if let Some(auc) = f.auc { (gauge(auc)) } } td.wide { (f.note) }
            } } }
        } }
    }
}

/// A bar from chance (the middle) to the AUC.
fn gauge(auc: f64) -> Markup {
    let (left, width) = (auc.min(0.5) * 100.0, (auc - 0.5).abs() * 100.0);
    html! { span.gauge role="img" aria-label=(format!("AUC {auc:.2}")) { i style=(format!("left:{left:.1}%;width:{width:.1}%")) {} } }
}

fn files(a: &Audit) -> Markup {
    html! {
        h2 { "Files that do not read" }
        @if a.unreadable.is_empty() { p { "All files read." } } @else {
            div.scroll { table {
                thead { tr { th { "file" } th { "why" } } }
                tbody { @for f in a.unreadable.iter().take(SHOWN) { tr { td.path { (f.path) } td { (f.reason) } } } }
            } }
            (cut(a.unreadable.len()))
        }
        @if !a.mislabeled.is_empty() {
            h2 { "Files named as what they are not" }
            div.scroll { table {
                thead { tr { th { "file" } th { "name says" } th { "is" } } }
                tbody { @for f in a.mislabeled.iter().take(SHOWN) { tr { td.path { (f.path) } td { (f.extension) } td { (f.format) } } } }
            } }
            (cut(a.mislabeled.len()))
        }
    }
}

fn cut(all: usize) -> Markup {
    html! { @if all > SHOWN { p.note { "and " (all - SHOWN) " more: data audit --json lists all" } } }
}

fn sheet(title: &str, says: &str, shown: &[Row], pictures: &Pictures) -> Markup {
    html! { @if !shown.is_empty() { h2 { (title) } p { (says) } (rows(shown, pictures)) } }
}

fn rows(shown: &[Row], pictures: &Pictures) -> Markup {
    html! {
        @for row in shown {
            figure {
                figcaption { b { "image " (row.cluster) } " · " (row.title) }
                div.strip { @for id in &row.files { @if let Some(data) = pictures.get(id) {
                    div.film { img src=(data) alt=(id) title=(id) loading="lazy"; span { (place(id)) } }
                } } }
            }
        }
    }
}

/// The folders of a file, without its name: split and class.
fn place(id: &str) -> &str {
    id.rsplit_once('/').map_or(id, |(folders, _)| folders)
}
