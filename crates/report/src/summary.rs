//! The judgement in plain words.

use osteon_metrics::{Estimate, Summary};

use crate::judgement::Judgement;
use crate::text::{Unit, count, grouped, of_hundred, percent, range_of_hundred, share};

/// What a judgement says, in plain sentences with intervals: what was judged, what share of fractures is found and what share of
/// the others is spared, how well the scores rank, what is left to a person; then the same on the images the model has not seen,
/// where it has seen some. Undefined figures are said to be unknown, with the reason.
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
    let mut all = vec![format!("{} {}", judged(s), rates(s)), ranking(s)];
    if let Some(clean) = &j.leak.clean_summary {
        all.push(format!(
            "On the {} that the model has not seen before: {} {}",
            count(clean.images, "image"),
            judged_short(clean),
            rates(clean)
        ));
    } else if j.leak.known && j.leak.clean == 0 && j.split == "test" {
        all.push(
            "The model has seen every one of these images before: nothing is known about new ones."
                .to_owned(),
        );
    }
    all.push(doubt(j));
    all
}

fn judged(s: &Summary) -> String {
    format!(
        "The model was judged on {}, {} fractured and {} not.",
        count(s.images, "image"),
        grouped(s.confusion.positives()),
        grouped(s.confusion.negatives())
    )
}

fn judged_short(s: &Summary) -> String {
    format!(
        "{} fractured and {} not.",
        grouped(s.confusion.positives()),
        grouped(s.confusion.negatives())
    )
}

/// Both rates, of a hundred films.
fn rates(s: &Summary) -> String {
    let found = match s.sensitivity.value {
        Some(value) => format!(
            "Of 100 fractured films it finds {}{}",
            of_hundred(value),
            with(&s.sensitivity)
        ),
        None => "What share of fractures it finds is not known, because no image is fractured"
            .to_owned(),
    };
    let spared = match s.specificity.value {
        Some(value) => format!(
            "of 100 unfractured films it rightly passes {}{} and calls the others fractured",
            of_hundred(value),
            with(&s.specificity)
        ),
        None => "how often it raises a false alarm is not known, because every image is fractured"
            .to_owned(),
    };
    format!("{found}; {spared}.")
}

fn with(e: &Estimate) -> String {
    range_of_hundred(e).map_or_else(
        || " (interval not known)".to_owned(),
        |range| format!(" (95 % interval: {range})"),
    )
}

fn ranking(s: &Summary) -> String {
    let mut text = match s.roc_auc.value {
        Some(auc) => {
            let range = match (s.roc_auc.low, s.roc_auc.high) {
                (Some(low), Some(high)) => format!(", {}", Unit::Index.range(low, high)),
                _ => String::new(),
            };
            format!(
                "Shown a fractured and an unfractured film, it gives the fractured one the higher score in {} of 100 cases (ROC-AUC {}{range}).",
                of_hundred(auc),
                Unit::Index.show(auc)
            )
        }
        None => "How well its scores rank is not known, because one class is absent.".to_owned(),
    };
    if let (Some(ppv), Some(npv), Some(prevalence)) =
        (s.precision.value, s.npv.value, s.confusion.prevalence())
    {
        text += &format!(
            " Here, where {} of the images are fractured, a call of “fractured” is right in {} of 100 cases and a call of “not fractured” in {}; elsewhere both change with the share of fractures.",
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
            format!(
                "It leaves {}{left} to a person; of the {} it decides itself, {} are wrong{range}.",
                count(d.deferred, "image"),
                grouped(decided),
                percent(error)
            )
        }
        None => format!("It leaves all {} to a person.", count(d.deferred, "image")),
    }
}
