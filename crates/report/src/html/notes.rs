//! The CLAIM checklist, and the footnotes.

use maud::{Markup, html};

use super::Report;
use super::parts::or_unknown;
use crate::claim::{Answer, claim};
use crate::figures::figures;
use crate::judgement::Judgement;

pub(super) fn checklist(report: &Report<'_>) -> Markup {
    let sections = claim(report);
    let answers = || {
        sections
            .iter()
            .flat_map(|section| &section.items)
            .map(|item| &item.answer)
    };
    let full = answers()
        .filter(|answer| matches!(answer, Answer::Known(_)))
        .count();
    let part = answers()
        .filter(|answer| matches!(answer, Answer::Partly(_)))
        .count();
    let all = answers().count();
    html! {
        section {
            h2 #claim { "CLAIM 2024 checklist" }
            p {
                "What the Checklist for Artificial Intelligence in Medical Imaging asks of a study (Tejani and others, "
                cite { "Radiology: Artificial Intelligence" } " 6, 2024, e240300; items shortened), answered by the program as far as it knows: "
                b { (full) } " answered, " b { (part) } " in part, " b { (all - full - part) } " not known, of " (all)
                ". The rest is for the authors of a study to write."
            }
            div.scroll { table.claim {
                thead { tr { th.n scope="col" { "item" } th scope="col" { "asks for" } th scope="col" { "answer" } } }
                @for section in &sections { tbody {
                    tr.column { th scope="rowgroup" colspan="3" { (section.name) } }
                    @for item in &section.items { tr {
                        td.n { (item.number) }
                        td { (item.wording) }
                        td.answer { @match &item.answer {
                            Answer::Known(text) => { (text) }
                            Answer::Partly(text) => { span.partly { "in part" } " " (text) }
                            Answer::NotKnown => { span.unknown { "not known" } }
                        } }
                    } }
                } }
            } }
        }
    }
}

pub(super) fn section(j: &Judgement) -> Markup {
    html! {
        section {
            h2 #notes { "Notes" }
            p.device { b { "Not a medical device." } " This report describes how a research program did on one set of images. It is no basis for the diagnosis or treatment of anyone." }
            h3 { "How the intervals were taken" }
            ul {
                li { "The judgement's own: " (or_unknown(&j.intervals)) }
                li { "Of the table of other thresholds and the reliability diagram: Wilson's, every image for itself." }
                li { "A 95 % interval is made by a rule that, used again and again on new images of the same kind, holds the true value 95 times of 100. It knows nothing of images of another kind." }
                li { "A figure without an interval is one of which none was taken. “–” is a figure that is undefined here, with the reason; it is never 0." }
                li { "Shares near 0 % and 100 % are not rounded to them; counts of a hundred in the summary have their intervals rounded outwards." }
            }
            h3 { "What the figures mean" }
            dl.facts-list { @for figure in figures(&j.summary) { dt { (figure.name) } dd { (figure.means) } } }
            h3 { "What was kept apart" }
            p { "Calibration, thresholds and doubt band come from the model file and were fitted on its validation images. Nothing is fitted to the images judged here." }
            footer { p.small { "Written by Osteon. Judged at " (or_unknown(&j.judged_at)) ". The same numbers are in judgement.json, figures.csv and scores.csv where these were written." } }
        }
    }
}
