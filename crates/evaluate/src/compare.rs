//! Two models on the same images.

use std::collections::BTreeMap;

use osteon_metrics::{
    Estimate, Pair, PairedAuc, PairedDecisions, average_precision, brier, delong_paired, mcnemar,
    paired_bootstrap,
};
use osteon_report::judgement::{JudgedImage, Judgement};
use serde::Serialize;

use crate::{EvaluateError, Evaluation};

const REPLICATES: usize = 2000;

/// Two models on the same images. Every difference is `a` less `b`.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Always `fractured`.
    pub positive_class: &'static str,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Images that both models judged.
    pub images: usize,
    /// Fractured ones among them.
    pub fractured: usize,
    /// The first model on all the images that it judged.
    pub a: Judgement,
    /// The second model on all the images that it judged.
    pub b: Judgement,
    /// DeLong's test.
    pub roc_auc: PairedAuc,
    /// By a bootstrap of the images, or of whole groups.
    pub average_precision: Estimate,
    /// By a bootstrap of the images, or of whole groups. Less is better.
    pub brier: Estimate,
    /// `McNemar`'s tests, each model at its own threshold: `accuracy`, and on the images of each class `sensitivity` and `specificity`.
    #[serde(flatten)]
    pub decisions: PairedDecisions,
    /// What a reader must know before believing a difference, each with whose it is.
    pub warnings: Vec<String>,
}

/// Compares two evaluations on the images that are in both, by their names within the data set.
///
/// # Errors
/// [`EvaluateError::NothingInCommon`], if there is no such image.
pub fn compare(a: &Evaluation, b: &Evaluation) -> Result<Comparison, EvaluateError> {
    let pairs = paired(&a.images, &b.images);
    if pairs.is_empty() {
        return Err(EvaluateError::NothingInCommon);
    }
    let labels: Vec<bool> = pairs.iter().map(|(film, _)| film.fractured).collect();
    let (scores_a, scores_b): (Vec<f64>, Vec<f64>) =
        pairs.iter().map(|(a, b)| (a.score, b.score)).unzip();
    let called = |evaluation: &Evaluation, scores: &[f64]| {
        let threshold = evaluation.judgement.summary.threshold;
        scores
            .iter()
            .map(|s| *s >= threshold)
            .collect::<Vec<bool>>()
    };
    let (called_a, called_b) = (called(a, &scores_a), called(b, &scores_b));
    let groups = groups(&pairs);
    let pair = Pair {
        labels: &labels,
        a: &scores_a,
        b: &scores_b,
        groups: groups.as_deref(),
    };
    let difference = |statistic: fn(&[bool], &[f64]) -> Option<f64>| {
        paired_bootstrap(&pair, REPLICATES, 0.95, 0, statistic)
    };
    let mut warnings = of_whom(&a.judgement.warnings, &b.judgement.warnings);
    let count = pairs.len();
    if count < a.images.len() || count < b.images.len() {
        warnings.push(format!(
            "Only the {count} images that both judged are compared."
        ));
    }
    if groups.is_some() {
        warnings.push(
            "Images of one group are not independent: DeLong's and McNemar's tests take them for independent and are too sure; \
             the bootstrap draws whole groups."
                .to_owned(),
        );
    }
    Ok(Comparison {
        positive_class: "fractured",
        split: a.judgement.split.clone(),
        images: count,
        fractured: labels.iter().filter(|label| **label).count(),
        roc_auc: delong_paired(&labels, &scores_a, &scores_b, 0.95)?,
        average_precision: difference(|labels, scores| {
            average_precision(labels, scores).ok().flatten()
        })?,
        brier: difference(|labels, scores| brier(labels, scores).ok().flatten())?,
        decisions: mcnemar(&labels, &called_a, &called_b, 0.95)?,
        a: a.judgement.clone(),
        b: b.judgement.clone(),
        warnings,
    })
}

/// The warnings of both evaluations, each with whose it is.
fn of_whom(a: &[String], b: &[String]) -> Vec<String> {
    let of_a = a.iter().map(|warning| {
        let whose = if b.contains(warning) { "A and B" } else { "A" };
        format!("{whose}: {warning}")
    });
    let of_b = b.iter().filter(|warning| !a.contains(warning));
    of_a.chain(of_b.map(|warning| format!("B: {warning}")))
        .collect()
}

/// The images that both judged.
fn paired<'a>(
    a: &'a [JudgedImage],
    b: &'a [JudgedImage],
) -> Vec<(&'a JudgedImage, &'a JudgedImage)> {
    let of_b: BTreeMap<&str, &JudgedImage> =
        b.iter().map(|film| (film.id.as_str(), film)).collect();
    a.iter()
        .filter_map(|film| Some((film, *of_b.get(film.id.as_str())?)))
        .collect()
}

/// The number of each image's group, if any group has two images.
fn groups(pairs: &[(&JudgedImage, &JudgedImage)]) -> Option<Vec<usize>> {
    let mut numbers = BTreeMap::new();
    let mut alone = 0;
    let found: Vec<usize> = pairs
        .iter()
        .map(|(film, _)| {
            let next = numbers.len() + alone;
            if let Some(group) = &film.group {
                *numbers.entry(group.as_str()).or_insert(next)
            } else {
                alone += 1;
                next
            }
        })
        .collect();
    (numbers.len() + alone < pairs.len()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_says_whose_it_is() {
        let said = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        let found = of_whom(&said(&["few", "seen"]), &said(&["chosen", "few"]));
        assert_eq!(found, ["A and B: few", "A: seen", "B: chosen"]);
    }
}
