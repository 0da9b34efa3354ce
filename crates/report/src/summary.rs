//! The judgement in plain words.

use std::fmt::Write as _;

use osteon_metrics::{Estimate, Summary};

use crate::judgement::{Judgement, Promises};
use crate::text::{Unit, count, grouped, of_hundred, percent, range_of_hundred, share};

/// What a judgement says, in plain sentences with intervals: what was judged, what share of fractures is found and what share of
/// the others is spared, how well the scores rank, what is left to a person; then where the model has seen some of the images,
/// the others come first. Undefined figures are said to be unknown, with the reason.
#[must_use]
pub fn summary_text(judgement: &Judgement) -> String {
    paragraphs(judgement).join("\n\n")
}

/// The same, by paragraph; the first is about all images.
pub(crate) fn paragraphs(j: &Judgement) -> Vec<String> {
    let s = &j.summary;
    if s.images == 0 {
        let mut text = "No image was judged, so nothing is known.".to_owned();
        if j.unreadable > 0 {
            text = format!("{text} {} do not read.", count(j.unreadable, "file"));
        }
        return vec![text];
    }
    let seen = j.leak.exact.saturating_add(j.leak.near);
    let mut all = match j.leak.clean_figures() {
        // What the model has not seen is what the figures are to be believed of, so it comes first.
        Some(clean) => vec![
            format!(
                "The model was judged on {} and has seen {} of them before. On the {} that are new to it, {}: {}",
                count(s.images, "image"),
                grouped(seen),
                grouped(clean.images),
                classes(clean),
                uncapitalised(&rates(clean))
            ),
            format!(
                "On all {}, {}: {}",
                grouped(s.images),
                classes(s),
                uncapitalised(&rates(s))
            ),
            ranking(clean, "new "),
        ],
        None => vec![
            format!(
                "The model was judged on {}, {}. {}",
                count(s.images, "image"),
                classes(s),
                rates(s)
            ),
            ranking(s, ""),
        ],
    };
    if j.leak.known && j.leak.clean == 0 && j.split == "test" {
        all.push(
            "The model has seen every one of these images before: nothing is known about new ones."
                .to_owned(),
        );
    }
    all.push(doubt(j));
    all
}

/// "51 fractured and 313 not".
fn classes(s: &Summary) -> String {
    format!(
        "{} fractured and {} not",
        grouped(s.confusion.positives()),
        grouped(s.confusion.negatives())
    )
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// With fewer images than this a rate is told by its counts: "about 50 of 100" would claim more than two images can say.
const FEW: u64 = 20;

/// Both rates, of a hundred images.
fn rates(s: &Summary) -> String {
    let c = &s.confusion;
    let found = match s.sensitivity.value {
        Some(_) if c.positives() < FEW => few(
            "It found",
            c.tp,
            c.positives(),
            "fractured",
            "find",
            &s.sensitivity,
        ),
        Some(value) => format!(
            "Of 100 fractured images it finds {}{}",
            of_hundred(value),
            with(&s.sensitivity)
        ),
        None => "What share of fractures it finds is not known, because no image is fractured"
            .to_owned(),
    };
    let spared = match s.specificity.value {
        Some(_) if c.negatives() < FEW => few(
            "it rightly passed",
            c.tn,
            c.negatives(),
            "unfractured",
            "pass",
            &s.specificity,
        ),
        Some(value) => format!(
            "of 100 unfractured images it rightly passes {}{}{}",
            of_hundred(value),
            with(&s.specificity),
            if value < 1.0 {
                " and calls the others fractured"
            } else {
                ""
            }
        ),
        None => "how often it raises a false alarm is not known, because every image is fractured"
            .to_owned(),
    };
    format!("{found}; {spared}.")
}

fn few(did: &str, right: u64, all: u64, kind: &str, does: &str, e: &Estimate) -> String {
    let range = range_of_hundred(e).map_or_else(String::new, |range| {
        format!(", so of 100 it may {does} {range} (95 % interval)")
    });
    if all == 1 {
        let whether = if right == 1 {
            "the only"
        } else {
            "not the only"
        };
        return format!("{did} {whether} {kind} image{range}");
    }
    format!(
        "{did} {right} of only {}{range}",
        count(all, &format!("{kind} image"))
    )
}

fn with(e: &Estimate) -> String {
    range_of_hundred(e).map_or_else(
        || " (interval not known)".to_owned(),
        |range| format!(" (95 % interval: {range})"),
    )
}

/// `new` goes before the words for both kinds of image.
fn ranking(s: &Summary, new: &str) -> String {
    let c = &s.confusion;
    let Some(auc) = s.roc_auc.value else {
        return "How well its scores rank is not known, because one class is absent.".to_owned();
    };
    let range = match (s.roc_auc.low, s.roc_auc.high) {
        (Some(low), Some(high)) => format!(", 95 % interval {}", Unit::Index.range(low, high)),
        _ => String::new(),
    };
    let figure = format!("ROC-AUC {}{range}", Unit::Index.show(auc));
    if c.positives().min(c.negatives()) < FEW {
        return format!("So few images hardly tell how well its scores rank ({figure}).");
    }
    let article = if new.is_empty() { "an " } else { "a " };
    let mut text = format!(
        "Shown a {new}fractured and {article}{new}unfractured image, it gives the fractured one the higher score in {} of 100 cases ({figure}).",
        of_hundred(auc)
    );
    let calls = c.tp.saturating_add(c.fp).min(c.tn.saturating_add(c.fn_));
    if let (Some(ppv), Some(npv), Some(prevalence)) =
        (s.precision.value, s.npv.value, c.prevalence())
        && calls >= FEW
    {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            " Where {} of the images are fractured, as here, a call of “fractured” is right in {} of 100 cases and a call of “not fractured” in {}; elsewhere both change with the share of fractures.",
            percent(prevalence),
            of_hundred(ppv),
            of_hundred(npv)
        );
    }
    text
}

fn doubt(j: &Judgement) -> String {
    let d = &j.doubt;
    if d.band.is_none() {
        return match &d.refusal {
            Some(why) => format!("It leaves no image to a person: it has no doubt band ({why})."),
            None => "It leaves no image to a person: it has no doubt band.".to_owned(),
        };
    }
    let decided = d.confusion_of_the_rest.total();
    let left = share(d.deferred, d.deferred.saturating_add(decided));
    let left = left.map_or_else(String::new, |left| format!(" ({})", percent(left)));
    match d.error_of_the_rest.value {
        Some(error) => {
            let range = match (d.error_of_the_rest.low, d.error_of_the_rest.high) {
                (Some(low), Some(high)) => {
                    format!(" (95 % interval: {})", Unit::Share.range(low, high))
                }
                _ => String::new(),
            };
            let mut text = format!(
                "It leaves {}{left} to a person; of the {} it decides itself, {} are wrong{range}.",
                count(d.deferred, "image"),
                grouped(decided),
                percent(error)
            );
            for sentence in d.promises.iter().flat_map(Promises::sentences) {
                text = text + " " + &sentence;
            }
            text
        }
        None => format!("It leaves all {} to a person.", count(d.deferred, "image")),
    }
}
