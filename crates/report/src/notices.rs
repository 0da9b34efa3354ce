//! What a reader must know before believing a figure, as far as the judgement shows it by itself.

use crate::judgement::Judgement;
use crate::text::{Unit, count, grouped, percent, share};

/// With fewer images of a class than this an interval of its rate is up to 28 points wide.
const FEW: u64 = 50;
/// With fewer than this hardly anything can be said of a class.
const VERY_FEW: u64 = 10;

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

impl Notice {
    fn new(serious: bool, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            serious,
            title: title.into(),
            text: text.into(),
        }
    }
}

/// What must be said of a judgement by its own numbers: images the model has seen, a test set looked at before, figures on the
/// split that the model was chosen on, too few images of a class, unreadable and damaged files, what the data set itself needs
/// said. The most serious first. They are meant to be among a judgement's `warnings`, by their texts: the page shows each once.
#[must_use]
pub fn notices(judgement: &Judgement) -> Vec<Notice> {
    let j = judgement;
    let mut all = Vec::new();
    if j.summary.images == 0 {
        all.push(Notice::new(
            true,
            "No image was judged",
            "There is nothing to believe or not to believe.",
        ));
    } else {
        all.extend(chosen_on(j));
        all.extend(seen_before(j));
        all.extend(shared(j));
        all.extend(outside_its_interval(j));
        all.extend(few(j));
    }
    if let Some(looks) = j.looks.filter(|looks| *looks > 1) {
        all.push(Notice::new(
            true,
            "This test set has been looked at before",
            format!(
                "It is judgement number {looks} of this run on this test set. Whoever chooses between models by what they see here turns the test set into a validation set."
            ),
        ));
    }
    all.extend(files(j));
    if !j.data.groups_known {
        all.push(Notice::new(
            false,
            "Patients are not known",
            "The data set does not say which images belong to one patient. Images of one patient resemble each other, so the true intervals are wider than these.",
        ));
    }
    if let Some(mixed) = j
        .groups
        .as_ref()
        .map(|groups| groups.mixed)
        .filter(|mixed| *mixed > 0)
    {
        all.push(Notice::new(
            false,
            "Groups of both labels",
            format!(
                "{} hold images of both labels; counted once, such a group counts as fractured.",
                count(mixed, "group")
            ),
        ));
    }
    if let Some(caveat) = &j.data.caveat {
        all.push(Notice::new(false, "About this data set", caveat.clone()));
    }
    all.sort_by_key(|notice| !notice.serious);
    all
}

fn chosen_on(j: &Judgement) -> Option<Notice> {
    j.leak.own_val.then(|| {
        Notice::new(
            true,
            "The model was chosen on these images",
            "The best weights, the calibration, the thresholds and the doubt band were picked on this split. The figures flatter the model by as much as these choices gained.",
        )
    })
}

/// A split of another data set may bear the name of one the model knows: what counts is which images it has seen.
fn seen_before(j: &Judgement) -> Option<Notice> {
    let leak = &j.leak;
    let seen = leak.exact.saturating_add(leak.near);
    let all_seen = leak.known && leak.clean == 0;
    match j.split.as_str() {
        "train" if all_seen => Some(Notice::new(
            true,
            "These are training images",
            "The model was fitted to these very images. The figures say how well it remembers them and nothing about others.",
        )),
        "train" | "val" if !leak.known => Some(Notice::new(
            true,
            "The model may have been made with these images",
            format!(
                "This is the split {}, and the model file does not say what it was trained and chosen on. If these are the images, the figures show memory, not skill.",
                j.split
            ),
        )),
        _ if !leak.known => Some(Notice::new(
            false,
            "Nobody knows whether the model has seen these images",
            "The model file does not say what it was trained on, so copies could not be looked for.",
        )),
        _ if seen > 0 => Some(Notice::new(
            true,
            "The model has seen some of these images",
            format!(
                "{} of {} ({}) are images the model was {} on ({} the very same file, {} in a changed copy). On these it can remember instead of judge: {}.",
                grouped(seen),
                count(j.summary.images, "image"),
                share(seen, j.summary.images).map_or_else(String::new, percent),
                if leak.own_val {
                    "trained"
                } else {
                    "trained or chosen"
                },
                grouped(leak.exact),
                grouped(leak.near),
                if leak.own_val {
                    "the model was chosen on all of them, so none is left that the figures could be believed of"
                } else if leak.clean == 0 {
                    "none is left that the figures could be believed of"
                } else {
                    "believe the figures on the clean images"
                },
            ),
        )),
        _ => None,
    }
}

/// The splits in their usual order.
const SPLITS: [&str; 3] = ["train", "val", "test"];
/// Groups named in a sentence.
const NAMED: usize = 5;

/// What the data set itself says to belong together, and has in several splits.
fn shared(j: &Judgement) -> Option<Notice> {
    let groups = &j.shared_groups;
    if groups.is_empty() {
        return None;
    }
    let here: u64 = groups.iter().filter_map(|g| g.images.get(&j.split)).sum();
    let named = groups.iter().take(NAMED).map(|group| {
        let mut images: Vec<_> = group.images.iter().collect();
        images.sort_by_key(|(split, _)| SPLITS.iter().position(|known| known == split));
        let images: Vec<String> = images
            .into_iter()
            .map(|(split, n)| format!("{n} in {split}"))
            .collect();
        format!("{} {}: {}", group.column, group.value, images.join(", "))
    });
    let named: Vec<String> = named.collect();
    Some(Notice::new(
        true,
        "A patient is in more than one split",
        format!(
            "By the data set's own word, {} with {} of this split {} images in other splits, too ({}{}). A model that was trained on this data set can recognise them instead of judging them.",
            if groups.len() == 1 {
                "a patient or group".to_owned()
            } else {
                format!("{} patients or groups", groups.len())
            },
            count(here, "image"),
            if groups.len() == 1 { "has" } else { "have" },
            named.join("; "),
            if groups.len() > NAMED { "; …" } else { "" },
        ),
    ))
}

/// The calibration error of a resample is larger than that of the images, for it holds fewer different ones.
fn outside_its_interval(j: &Judgement) -> Option<Notice> {
    let ece = &j.summary.calibration.ece;
    let (value, low, high) = (ece.value?, ece.low?, ece.high?);
    (value < low || value > high).then(|| {
        Notice::new(
            false,
            "The calibration error lies outside its own interval",
            format!(
                "ECE is {}, its 95 % interval {}. That is no mistake in counting: every resample holds some images twice and lacks others, and so looks worse calibrated than all of them. Read the interval as how large the error may be, not as where it lies.",
                Unit::Index.show(value),
                Unit::Index.range(low, high)
            ),
        )
    })
}

fn few(j: &Judgement) -> Vec<Notice> {
    let c = &j.summary.confusion;
    let classes = [(c.positives(), "fractured"), (c.negatives(), "unfractured")];
    let few = classes.into_iter().filter(|(n, _)| *n < FEW);
    few.map(|(n, what)| match n {
        0 => Notice::new(
            true,
            format!("No {what} images"),
            format!("There is no {what} image: half of the figures cannot be known."),
        ),
        _ => Notice::new(
            n < VERY_FEW,
            format!("Few {what} images"),
            format!(
                "There {} only {}. Intervals are wide, and one image more or less moves the figures visibly.",
                if n == 1 { "is" } else { "are" },
                count(n, &format!("{what} image"))
            ),
        ),
    })
    .collect()
}

fn files(j: &Judgement) -> Vec<Notice> {
    let mut all = Vec::new();
    if j.unreadable > 0 {
        let (files, are) = (
            count(j.unreadable, "file"),
            if j.unreadable == 1 { "is" } else { "are" },
        );
        let text = format!("{files} could not be decoded and {are} in no figure.");
        all.push(Notice::new(false, "Some files do not read", text));
    }
    if j.repaired > 0 {
        let files = count(j.repaired, "damaged file");
        let (are, them) = if j.repaired == 1 {
            ("is", "it")
        } else {
            ("are", "them")
        };
        let text = format!("{files} {are} judged by what decodes of {them}.");
        all.push(Notice::new(false, "Some files are damaged", text));
    }
    all
}
