//! The figures of an evaluation besides those of all images together.

use std::collections::BTreeMap;

use osteon_data::{Entry, subgroup_columns};
use osteon_metrics::{Confusion, Estimate, MetricsError, Summary, SummaryOptions, delong, wilson};
use osteon_model::{Decision, ModelInfo, Predictor, Promised};
use osteon_report::judgement::{
    Band, Doubt, Groups, PointFigures, PromiseCheck, Promises, Subgroup,
};

/// Whether any two images belong together.
pub fn has_groups(groups: &[usize]) -> bool {
    // Groups are counted from 0 as they are first met.
    groups
        .iter()
        .max()
        .is_some_and(|max| max + 1 < groups.len())
}

/// How a summary takes its intervals, in words.
pub fn intervals(groups: Option<&[usize]>) -> String {
    match groups {
        Some(_) => "95 %, by a bootstrap of whole groups (2,000 draws): images of one group are not independent",
        None => "95 %: Wilson's for rates, DeLong's for ROC-AUC, a bootstrap within each class (2,000 draws) for the others",
    }
    .to_owned()
}

/// What is left to a person, and how the model does on the rest.
pub fn doubt(
    predictor: &Predictor,
    labels: &[bool],
    decisions: &[Decision],
) -> Result<Doubt, MetricsError> {
    let (mut kept, mut called) = (Vec::new(), Vec::new());
    for (&label, decision) in labels.iter().zip(decisions) {
        match decision {
            Decision::Doubt | Decision::NotAnXray => {}
            decision => {
                kept.push(label);
                called.push(*decision == Decision::Fractured);
            }
        }
    }
    let rest = Confusion::from_decisions(&kept, &called)?;
    let info = predictor.info();
    Ok(Doubt {
        deferred: (labels.len() - kept.len()) as u64,
        confusion_of_the_rest: rest,
        error_of_the_rest: wilson(rest.fn_ + rest.fp, rest.total(), 0.95)?,
        band: predictor.rule().band.map(|band| Band {
            low: band.low,
            high: band.high,
            error: band.error,
            confidence: band.confidence,
        }),
        refusal: info.doubt_refusal.clone(),
        promises: promises(info, &rest, labels)?,
    })
}

/// Each promise of the model file, held against what was decided here. Of all fractures those in doubt count, too.
fn promises(
    info: &ModelInfo,
    decided: &Confusion,
    labels: &[bool],
) -> Result<Option<Promises>, MetricsError> {
    let Some(made) = &info.promises else {
        return Ok(None);
    };
    let check = |side: &Promised, wrong, of| {
        let promise = (side.error, side.confidence);
        PromiseCheck::new(promise, side.refusal.clone(), (wrong, of))
    };
    let fractures = labels.iter().filter(|label| **label).count() as u64;
    Ok(Some(Promises {
        fractured: check(&made.fractured, decided.fp, decided.tp + decided.fp)?,
        missed: check(&made.missed, decided.fn_, fractures)?,
        made_on: info
            .fitted_on
            .map_or_else(|| "val".to_owned(), |on| on.to_string()),
    }))
}

/// The figures with every group counting once.
pub fn once_per_group(
    groups: &[usize],
    labels: &[bool],
    scores: &[f64],
    threshold: f64,
) -> Result<Groups, MetricsError> {
    #[derive(Default)]
    struct One {
        films: u64,
        fractured: u64,
        sum: f64,
    }
    let mut all: BTreeMap<usize, One> = BTreeMap::new();
    for ((&group, &label), &score) in groups.iter().zip(labels).zip(scores) {
        let one = all.entry(group).or_default();
        one.films += 1;
        one.fractured += u64::from(label);
        one.sum += score;
    }
    let (labels, scores): (Vec<bool>, Vec<f64>) = all
        .values()
        .map(|one| (one.fractured > 0, (one.sum / one.films as f64).min(1.0)))
        .unzip();
    Ok(Groups {
        groups: all.len() as u64,
        largest: all.values().map(|one| one.films).max().unwrap_or(0),
        mixed: all
            .values()
            .filter(|one| one.fractured > 0 && one.fractured < one.films)
            .count() as u64,
        summary: Summary::new(
            &labels,
            &scores,
            None,
            threshold,
            0.95,
            SummaryOptions::default(),
        )?,
    })
}

/// The figures of each value of each column that divides the images sensibly.
pub fn subgroups(
    films: &[Entry],
    labels: &[bool],
    scores: &[f64],
    threshold: f64,
) -> Result<Vec<Subgroup>, MetricsError> {
    let mut found = Vec::new();
    for (column, values) in subgroup_columns(films) {
        for value in values {
            let members: Vec<usize> = (0..films.len())
                .filter(|&i| films[i].fields.get(&column) == Some(&value))
                .collect();
            let labels: Vec<bool> = members.iter().map(|&i| labels[i]).collect();
            let scores: Vec<f64> = members.iter().map(|&i| scores[i]).collect();
            let confusion = Confusion::at_threshold(&labels, &scores, threshold)?;
            let (sensitivity, specificity) = recalls(&confusion)?;
            found.push(Subgroup {
                column: column.clone(),
                value,
                images: members.len() as u64,
                fractured: confusion.positives(),
                sensitivity,
                specificity,
                roc_auc: delong(&labels, &scores, 0.95)?,
            });
        }
    }
    Ok(found)
}

/// Every operating point of the model file on these images.
pub fn points(
    info: &ModelInfo,
    labels: &[bool],
    scores: &[f64],
) -> Result<Vec<PointFigures>, MetricsError> {
    let figures = |point: &osteon_model::OperatingPoint| {
        let confusion = Confusion::at_threshold(labels, scores, point.threshold)?;
        let Confusion { tp, fn_, fp, tn } = confusion;
        let (sensitivity, specificity) = recalls(&confusion)?;
        Ok(PointFigures {
            name: point.name.clone(),
            threshold: point.threshold,
            confusion,
            sensitivity,
            specificity,
            precision: wilson(tp, tp + fp, 0.95)?,
            npv: wilson(tn, tn + fn_, 0.95)?,
            val_sensitivity: point.sensitivity,
            val_specificity: point.specificity,
        })
    };
    info.operating_points.iter().map(figures).collect()
}

/// Sensitivity and specificity.
fn recalls(confusion: &Confusion) -> Result<(Estimate, Estimate), MetricsError> {
    Ok((
        wilson(confusion.tp, confusion.positives(), 0.95)?,
        wilson(confusion.tn, confusion.negatives(), 0.95)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_counts_once_by_its_mean() {
        let found = once_per_group(
            &[0, 0, 1, 2, 2, 2],
            &[true, true, false, false, true, false],
            &[0.9, 0.5, 0.2, 0.1, 0.2, 0.3],
            0.5,
        )
        .expect("figures");
        assert_eq!((found.groups, found.largest, found.mixed), (3, 3, 1));
        let counts = found.summary.confusion;
        assert_eq!((counts.tp, counts.fn_, counts.fp, counts.tn), (1, 1, 0, 1));
        assert!(has_groups(&[0, 0]) && !has_groups(&[0, 1, 2]) && !has_groups(&[]));
    }
}
