//! What a reader must know before believing a figure, as far as the judgement shows it by itself.

use crate::judgement::Judgement;
use crate::text::{count, grouped, percent, share};

/// With fewer images of a class than this an interval of its rate is up to 28 points wide.
const FEW: u64 = 50;

/// Something to know before believing a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether figures are wrong by it, and not only uncertain.
    pub serious: bool,
    /// In a few words.
    pub title: String,
    /// In a sentence or two.
    pub text: String,
}

/// What must be said of a judgement by its own numbers: images the model has seen, a test set looked at before, figures on the
/// split that the model was chosen on, too few images of a class, unreadable and damaged files, what the data set itself needs
/// said. The most serious first. What else its `warnings` say is not repeated here.
#[must_use]
pub fn notices(judgement: &Judgement) -> Vec<Notice> {
    let j = judgement;
    let mut all = Vec::new();
    let mut say = |serious, title: &str, text: String| {
        all.push(Notice {
            serious,
            title: title.to_owned(),
            text,
        });
    };
    let images = j.summary.images;
    let seen = j.leak.exact.saturating_add(j.leak.near);
    match j.split.as_str() {
        "train" => say(
            true,
            "These are training images",
            "The model was fitted to these very images. The figures say how well it remembers them and nothing about others.".to_owned(),
        ),
        "val" => say(
            true,
            "The model was chosen on these images",
            "The best weights, the calibration, the thresholds and the doubt band were picked on this split. The figures flatter the model by as much as these choices gained."
                .to_owned(),
        ),
        _ if j.leak.known && seen > 0 => say(
            true,
            "The model has seen some of these images",
            format!(
                "{} of {} ({}) are copies of images the model was trained or chosen on. On these it can remember instead of judge: believe the figures on the clean images.",
                grouped(seen),
                count(images, "image"),
                share(seen, images).map_or_else(String::new, percent),
            ),
        ),
        _ => {}
    }
    if let Some(looks) = j.looks.filter(|looks| *looks > 1) {
        say(
            true,
            "This test set has been looked at before",
            format!(
                "It is judgement number {looks} of this run on this test set. Whoever chooses between models by what they see here turns the test set into a validation set."
            ),
        );
    }
    if !j.leak.known && j.split != "train" {
        say(
            false,
            "Nobody knows whether the model has seen these images",
            "The model file does not say what it was trained on, so copies could not be looked for.".to_owned(),
        );
    }
    let c = &j.summary.confusion;
    for (n, what) in [(c.positives(), "fractured"), (c.negatives(), "unfractured")] {
        if images > 0 && n < FEW {
            let text = if n == 0 {
                format!("There is no {what} image: half of the figures cannot be known.")
            } else {
                format!(
                    "There {} only {}. Intervals are wide, and one image more or less moves the figures visibly.",
                    if n == 1 { "is" } else { "are" },
                    count(n, &format!("{what} image"))
                )
            };
            say(
                n == 0,
                &format!("{} {what} images", if n == 0 { "No" } else { "Few" }),
                text,
            );
        }
    }
    if j.unreadable > 0 {
        say(
            false,
            "Some files do not read",
            format!(
                "{} could not be decoded and {} in no figure.",
                count(j.unreadable, "file"),
                if j.unreadable == 1 { "is" } else { "are" }
            ),
        );
    }
    if j.repaired > 0 {
        say(
            false,
            "Some files are damaged",
            format!(
                "{} judged by what decodes of {}.",
                if j.repaired == 1 {
                    "1 damaged file is".to_owned()
                } else {
                    format!("{} damaged files are", grouped(j.repaired))
                },
                if j.repaired == 1 { "it" } else { "them" }
            ),
        );
    }
    if !j.data.groups_known {
        say(
            false,
            "Patients are not known",
            "The data set does not say which images belong to one patient. Images of one patient resemble each other, so the true intervals are wider than these."
                .to_owned(),
        );
    }
    if let Some(caveat) = &j.data.caveat {
        say(false, "About this data set", caveat.clone());
    }
    all.sort_by_key(|notice| !notice.serious);
    all
}
