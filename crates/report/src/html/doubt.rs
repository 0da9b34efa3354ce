//! What is left to a person: the band, what it promised, what happened here.

use maud::{Markup, html};

use super::parts::estimate;
use crate::judgement::{Band, Doubt, Judgement, Promises};
use crate::plot::{Part, bars};
use crate::text::{Unit, grouped, percent, score};

pub(super) fn section(j: &Judgement) -> Markup {
    html! {
        section {
            h2 #doubt { "What is left to a person" }
            @match &j.doubt.band {
                Some(band) => (with_band(&j.doubt, band)),
                None => {
                    p { "The model has no doubt band: it decides every image by the threshold." }
                    @match &j.doubt.refusal {
                        Some(why) => div.notice role="note" { h3 { "Why no promise was made" } p { (why) } },
                        None => p { "Why it has none is not known." },
                    }
                }
            }
        }
    }
}

fn with_band(d: &Doubt, band: &Band) -> Markup {
    let c = &d.confusion_of_the_rest;
    let wrong = c.fn_.saturating_add(c.fp);
    html! {
        p { "A score from " b { (score(band.low)) } " to " b { (score(band.high)) } " is called doubtful: a person decides. Below it the model says not fractured, above it fractured." }
        (bars(&[
            Part { name: "decided rightly", count: c.tp.saturating_add(c.tn), class: "f-blue" },
            Part { name: "left to a person", count: d.deferred, class: "f-band" },
            Part { name: "decided wrongly", count: wrong, class: "f-vermillion" },
        ]))
        @if let Some(promises) = &d.promises { (sides(d, promises)) } @else { (both_together(d, band)) }
    }
}

/// A promise a side, and how each did here.
fn sides(d: &Doubt, promises: &Promises) -> Markup {
    let [fractured, missed] = promises.sentences();
    html! {
        dl.facts-list {
            dt { "Called fractured" }
            dd { (fractured) }
            dt { "Called not fractured" }
            dd { (missed) }
            dt { "Together" }
            dd {
                "of " (grouped(d.confusion_of_the_rest.total())) " decided, wrong: " (estimate(&d.error_of_the_rest, Unit::Share, "nothing was decided"))
            }
            dt { "Made on" }
            dd { (promises.made_on) "; true for images like those, with as many fractures among them" }
        }
    }
}

/// What older model files promise: one share of all that is decided.
fn both_together(d: &Doubt, band: &Band) -> Markup {
    let c = &d.confusion_of_the_rest;
    html! {
        dl.facts-list {
            dt { "Promised" }
            dd { (promise(band)) }
            dt { "Here" }
            dd {
                "of " (grouped(c.total())) " decided, wrong: " (estimate(&d.error_of_the_rest, Unit::Share, "nothing was decided"))
                " (" (grouped(c.fn_)) " missed, " (grouped(c.fp)) " false alarms)"
            }
            dt { "So" }
            dd { (verdict(d, band)) }
        }
    }
}

fn promise(band: &Band) -> String {
    match (band.error, band.confidence) {
        (Some(error), Some(confidence)) => format!(
            "at most {} of the decided are wrong, with a probability of {}; true for images like those of val",
            percent(error),
            percent(confidence)
        ),
        (Some(error), None) => format!("at most {} of the decided are wrong", percent(error)),
        (None, _) => "nothing: the band was set by hand".to_owned(),
    }
}

fn verdict(d: &Doubt, band: &Band) -> &'static str {
    match (
        band.error,
        d.error_of_the_rest.value,
        d.error_of_the_rest.low,
    ) {
        (None, ..) => "there is no promise to hold it to",
        (_, None, _) => "nothing was decided, so nothing can be said",
        (Some(promised), Some(error), _) if error <= promised => "the promise held on these images",
        (Some(promised), _, Some(low)) if low > promised => {
            "the promise did not hold: these images are not like those it was made on"
        }
        _ => "more errors than promised, though so few images could show this by chance",
    }
}
