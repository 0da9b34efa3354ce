//! The worst errors, to be looked at.

use maud::{Markup, html};

use super::{Report, picture_of};
use crate::judgement::{JudgedImage, Seen, Thumbnail};
use crate::text::{count, grouped, score};
use crate::worst::worst;

/// Errors that are listed by name where there are no pictures.
const LISTED: usize = 12;

pub(super) fn section(report: &Report<'_>) -> Markup {
    let (films, threshold) = (report.films, report.judgement.summary.threshold);
    let c = &report.judgement.summary.confusion;
    let (misses, alarms) = worst(films, threshold, LISTED);
    let shown = |fractured: bool| {
        let all = report
            .thumbnails
            .iter()
            .map(|shown| (shown, &films[shown.film]));
        all.filter(|(_, film)| film.fractured == fractured && (film.score < threshold) == fractured)
            .collect::<Vec<_>>()
    };
    html! {
        section {
            h2 #errors { "The worst errors" }
            p { "The errors the model was surest of. Look at them: what they have in common is where it fails, and some may be wrong labels." }
            (sheet("Missed fractures", "Fractured, and scored lowest", c.fn_, &shown(true), &misses, films))
            (sheet("False alarms", "Not fractured, and scored highest", c.fp, &shown(false), &alarms, films))
        }
    }
}

fn sheet(
    title: &str,
    says: &str,
    all: u64,
    shown: &[(&Thumbnail, &JudgedImage)],
    listed: &[usize],
    films: &[JudgedImage],
) -> Markup {
    html! {
        h3 { (title) ": " (grouped(all)) }
        @if all == 0 {
            p { "None." }
        } @else if !shown.is_empty() {
            p.small { (says) "; " (shown.len()) " of " (grouped(all)) "." }
            div.sheet { @for (thumbnail, film) in shown { (card(thumbnail, film)) } }
        } @else if listed.is_empty() {
            p { "Which they are is not known: the single images were not given." }
        } @else {
            p.small { (says) "; " (count(listed.len() as u64, "image")) " of " (grouped(all)) ". There are no pictures of them." }
            div.scroll { table {
                thead { tr { th.n scope="col" { "score" } th scope="col" { "image" } th scope="col" { "decision" } } }
                tbody { @for &n in listed { tr { td.n { (score(films[n].score)) } td.path { (films[n].id) } td { (films[n].decision.replace('_', " ")) } } } }
            } }
        }
    }
}

fn card(thumbnail: &Thumbnail, film: &JudgedImage) -> Markup {
    let truth = if film.fractured {
        "fractured"
    } else {
        "not fractured"
    };
    let alt = format!("{}: truly {truth}, score {}", film.id, score(film.score));
    html! {
        figure.film {
            div.films {
                img src=(picture_of(&thumbnail.jpeg)) alt=(alt);
                @if let Some(heatmap) = &thumbnail.heatmap { img src=(picture_of(heatmap)) alt=(format!("Where the model looked: {}", film.id)); }
            }
            figcaption {
                b { (score(film.score)) } " · truly " (truth)
                @if film.decision == "doubt" { " · left to a person" }
                @if film.decision == "not_an_xray" { " · taken for no X-ray" }
                @if matches!(film.seen, Seen::Near | Seen::Exact) { " · " span.seen { "seen in training" } }
                span.path { (film.id) }
            }
        }
    }
}
