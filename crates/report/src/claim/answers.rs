//! What a judgement knows of each item. Nothing is guessed: what is not in the judgement is not known.

use super::Answer;
use crate::Report;
use crate::figures::figures;
use crate::judgement::Judgement;
use crate::notices::notices;
use crate::text::{Unit, count, grouped, score};

/// The answer to an item by its number in CLAIM 2024.
pub(super) fn answer(item: usize, report: &Report<'_>) -> Answer {
    match item {
        1..=21 => study(item, report.judgement),
        22..=27 => model(item, report.judgement),
        _ => results(item, report),
    }
}

fn study(item: usize, j: &Judgement) -> Answer {
    match item {
        1 => known(!j.model.architecture.is_empty(), || {
            format!("Deep learning: {}.", j.model.architecture)
        }),
        2 => Answer::Partly("The head of this report sums up what was judged and how it went.".to_owned()),
        6 => Answer::Known(format!(
            "To measure how well the model {} tells fractured from unfractured images of {} ({}).",
            j.model.file, j.data.name, j.split
        )),
        7 => partly(!j.data.name.is_empty(), || {
            format!("{} in the layout {}, as found in {}.", j.data.name, j.data.layout, j.data.path)
        }),
        8 => Answer::Partly(
            "Every image of the split that can be decoded is judged; how images came into the data set is not known."
                .to_owned(),
        ),
        9 => known(!j.model.input.is_empty(), || format!("{}.", j.model.input)),
        10 => Answer::Known(format!("The split {} of the data set, whole.", j.split)),
        12 => Answer::Known(format!(
            "{} not decoded and left out; {} damaged and judged by what decodes; an image without a value in a column is in no row of that column.",
            grouped(j.unreadable),
            grouped(j.repaired)
        )),
        14 => Answer::Partly(format!(
            "The labels of the data set are taken as they are{}; how they came about is not known.",
            j.data.caveat.as_ref().map_or_else(String::new, |caveat| format!(" ({caveat})"))
        )),
        19 => partly(!j.data.splits.is_empty(), || {
            format!("Splits as the data set is laid out: {}; how they were drawn is not known.", splits(j))
        }),
        20 => disjoint(j),
        _ => Answer::NotKnown,
    }
}

fn model(item: usize, j: &Judgement) -> Answer {
    match item {
        22 => known(!j.model.architecture.is_empty(), || {
            format!(
                "{}, {} trainable numbers. Input: {}. Output: a score from 0 to 1 ({}); fractured at {} and above.",
                j.model.architecture,
                grouped(j.model.parameters),
                j.model.input,
                j.model.calibration,
                score(j.summary.threshold)
            )
        }),
        23 => partly(!j.model.program.is_empty(), || {
            format!("{}.", j.model.program)
        }),
        24 => partly(j.model.epochs > 0, || format!("Seed {}.", j.model.seed)),
        25 => partly(j.model.train_images.0 > 0, || {
            format!(
                "{} images of {} ({} fractured); the weights are those after epoch {}; seed {}.",
                grouped(j.model.train_images.0),
                j.model.trained_on,
                grouped(j.model.train_images.1),
                j.model.epochs,
                j.model.seed
            )
        }),
        26 => known(j.model.val_images.0 > 0, || {
            if j.model.val_apart {
                return "None: the last epoch was kept; calibration and thresholds were fitted to the out-of-fold scores of a cross-validation.".to_owned();
            }
            format!(
                "The best epoch, the calibration and the thresholds were chosen on {} validation images ({} fractured).",
                grouped(j.model.val_images.0),
                grouped(j.model.val_images.1)
            )
        }),
        _ => Answer::NotKnown,
    }
}

fn results(item: usize, report: &Report<'_>) -> Answer {
    let j = report.judgement;
    match item {
        28 => {
            let all = figures(&j.summary);
            let names: Vec<&str> = all.iter().map(|figure| figure.name).collect();
            Answer::Known(format!("{}.", names.join(", ")))
        }
        29 => known(!j.intervals.is_empty(), || j.intervals.clone()),
        30 => robustness(j),
        31 => partly(
            report.thumbnails.iter().any(|t| t.heatmap.is_some()),
            || "Heatmaps beside the worst errors.".to_owned(),
        ),
        32 => partly(internal(j) == Some(true), || {
            format!(
                "This report: {} of the data set the model was trained on, {}.",
                j.split, j.data.name
            )
        }),
        33 => partly(internal(j) == Some(false), || {
            format!(
                "This report: trained on {}, judged on {}.",
                j.model.trained_on, j.data.name
            )
        }),
        35 => Answer::Partly(format!(
            "{} judged, {} excluded as unreadable; {}.",
            count(j.summary.images, "image"),
            grouped(j.unreadable),
            match &j.groups {
                Some(groups) => format!(
                    "{} groups of images that belong together",
                    grouped(groups.groups)
                ),
                None => "the number of patients is not known".to_owned(),
            }
        )),
        36 => partly(!j.data.columns.is_empty(), || {
            let columns: Vec<&str> = j.data.columns.keys().map(String::as_str).collect();
            format!(
                "Of the judged split: {} (see the data card).",
                columns.join(", ")
            )
        }),
        37 | 38 => performance(j),
        39 => known(!report.thumbnails.is_empty(), || {
            format!(
                "{} missed and {} false alarms; the worst are shown.",
                count(j.summary.confusion.fn_, "fracture"),
                grouped(j.summary.confusion.fp)
            )
        }),
        40 => {
            let said = notices(j).into_iter().map(|notice| notice.title);
            let titles: Vec<String> = said.collect();
            partly(!titles.is_empty(), || format!("{}.", titles.join("; ")))
        }
        41 => Answer::Partly("Not a medical device; not to be used for diagnosis.".to_owned()),
        43 => partly(
            j.model.licence.is_some() || j.model.attribution.is_some(),
            || {
                let parts = [
                    j.model
                        .licence
                        .as_ref()
                        .map(|licence| format!("Model: {licence}.")),
                    j.model.attribution.clone(),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            },
        ),
        _ => Answer::NotKnown,
    }
}

fn known(is: bool, say: impl FnOnce() -> String) -> Answer {
    if is {
        Answer::Known(say())
    } else {
        Answer::NotKnown
    }
}

fn partly(is: bool, say: impl FnOnce() -> String) -> Answer {
    if is {
        Answer::Partly(say())
    } else {
        Answer::NotKnown
    }
}

fn splits(j: &Judgement) -> String {
    let each = j.data.splits.iter().map(|(split, (fractured, not))| {
        format!(
            "{split} {} ({} fractured)",
            grouped(fractured.saturating_add(*not)),
            grouped(*fractured)
        )
    });
    each.collect::<Vec<_>>().join(", ")
}

fn disjoint(j: &Judgement) -> Answer {
    partly(j.leak.known, || {
        format!(
            "By image content: {} exact and {} changed copies of images the model knows are among the judged; by patient: {}.",
            grouped(j.leak.exact),
            grouped(j.leak.near),
            if j.data.groups_known {
                "the data set says which images belong together"
            } else {
                "not known"
            }
        )
    })
}

/// Whether the model was trained on the data set it is judged on; `None` where that is not known.
fn internal(j: &Judgement) -> Option<bool> {
    let known = !j.model.trained_on.is_empty() && !j.data.name.is_empty();
    known.then(|| j.model.trained_on == j.data.name)
}

fn robustness(j: &Judgement) -> Answer {
    let parts = [
        (!j.subgroups.is_empty()).then_some("figures by subgroup"),
        j.groups.is_some().then_some("every group counting once"),
        j.leak
            .clean_figures()
            .is_some()
            .then_some("images the model has not seen alone"),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    partly(!parts.is_empty(), || {
        format!("In this report: {}.", parts.join(", "))
    })
}

fn performance(j: &Judgement) -> Answer {
    let s = &j.summary;
    let figures = [
        ("sensitivity", s.sensitivity, Unit::Share),
        ("specificity", s.specificity, Unit::Share),
        ("ROC-AUC", s.roc_auc, Unit::Index),
    ];
    let said = figures.iter().filter_map(|(name, e, unit)| {
        let range = unit.range(e.low?, e.high?);
        Some(format!("{name} {} ({range})", unit.show(e.value?)))
    });
    let said: Vec<String> = said.collect();
    known(!said.is_empty(), || {
        format!("{}; all with their intervals above.", said.join(", "))
    })
}
