//! `osteon compare`: two models on the same images.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::bail;
use osteon_data::Split;
use osteon_metrics::{
    Estimate, Pair, PairedAuc, PairedDecisions, average_precision, brier, delong_paired, mcnemar,
    paired_bootstrap,
};
use osteon_report::judgement::{Film, Judgement};
use osteon_train::choose_device;
use serde::Serialize;

use super::open_data;
use crate::args::CompareArgs;
use crate::chosen::Chosen;
use crate::exit::Ending;
use crate::judge::{Judged, Request, judge};
use crate::output;

const REPLICATES: usize = 2000;

/// What `compare --json` prints. Every difference is `a` less `b`.
#[derive(Serialize)]
struct Comparison {
    positive_class: &'static str,
    split: String,
    /// Images that both models judged.
    images: usize,
    fractured: usize,
    a: Judgement,
    b: Judgement,
    /// DeLong's test.
    roc_auc: PairedAuc,
    /// By a bootstrap of the images, or of whole groups.
    average_precision: Estimate,
    /// By a bootstrap of the images, or of whole groups. Less is better.
    brier: Estimate,
    /// `McNemar`'s tests, each model at its own threshold: `accuracy`, and on the images of each class `sensitivity` and `specificity`.
    #[serde(flatten)]
    decisions: PairedDecisions,
    warnings: Vec<String>,
}

pub fn run(args: &CompareArgs) -> anyhow::Result<Ending> {
    let split: Split = args.split.parse()?;
    let device = choose_device(&args.device)?;
    let catalog = open_data(&args.data, split)?;
    let on = |given: Option<&Path>| {
        let chosen = Chosen::new(given);
        let predictor = chosen.open(device)?;
        judge(&Request {
            predictor: &predictor,
            model: chosen.file(),
            catalog: &catalog,
            split,
            repair: false,
            explain: false,
        })
    };
    let (a, b) = (on(Some(&args.a))?, on(args.b.as_deref())?);
    let compared = compare(&a, &b)?;
    if args.json {
        output::json(&compared)?;
    } else {
        output::line(&text(&compared, &args.a, args.b.as_deref()))?;
    }
    Ok(Ending::Done)
}

fn compare(a: &Judged, b: &Judged) -> anyhow::Result<Comparison> {
    let pairs = paired(&a.films, &b.films);
    if pairs.is_empty() {
        bail!("there is no image that both models judged");
    }
    let labels: Vec<bool> = pairs.iter().map(|(film, _)| film.fractured).collect();
    let (scores_a, scores_b): (Vec<f64>, Vec<f64>) =
        pairs.iter().map(|(a, b)| (a.score, b.score)).unzip();
    let called = |judged: &Judged, scores: &[f64]| {
        let threshold = judged.judgement.summary.threshold;
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
    if count < a.films.len() || count < b.films.len() {
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

/// The warnings of both judgements, each with whose it is.
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
fn paired<'a>(a: &'a [Film], b: &'a [Film]) -> Vec<(&'a Film, &'a Film)> {
    let of_b: std::collections::BTreeMap<&str, &Film> =
        b.iter().map(|film| (film.id.as_str(), film)).collect();
    a.iter()
        .filter_map(|film| Some((film, *of_b.get(film.id.as_str())?)))
        .collect()
}

/// The number of each image's group, if any group has two images.
fn groups(pairs: &[(&Film, &Film)]) -> Option<Vec<usize>> {
    let mut numbers = std::collections::BTreeMap::new();
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

fn text(found: &Comparison, a: &Path, b: Option<&Path>) -> String {
    let b = b.unwrap_or_else(|| Path::new("the model that ships with the program"));
    let mut text = format!(
        "{} of {}: {} images, {} fractured\nA  {}\nB  {}\n\n",
        found.split,
        found.a.data.path,
        found.images,
        found.fractured,
        a.display(),
        b.display(),
    );
    let mut rows = vec![["", "A", "B", "A − B", "p", ""].map(str::to_owned).to_vec()];
    let (a, b) = (&found.a.summary, &found.b.summary);
    for (name, a, b, test) in [
        (
            "sensitivity",
            a.sensitivity,
            b.sensitivity,
            &found.decisions.sensitivity,
        ),
        (
            "specificity",
            a.specificity,
            b.specificity,
            &found.decisions.specificity,
        ),
        (
            "accuracy",
            a.accuracy,
            b.accuracy,
            &found.decisions.accuracy,
        ),
    ] {
        rows.push(vec![
            format!("  {name}"),
            output::percent(a),
            output::percent(b),
            output::points(test.difference),
            p(test.mid_p),
            format!(
                "({} right by A alone, {} by B alone)",
                test.only_a, test.only_b
            ),
        ]);
    }
    for (name, a, b, difference, value) in [
        (
            "ROC-AUC",
            a.roc_auc,
            b.roc_auc,
            found.roc_auc.difference,
            p(found.roc_auc.p),
        ),
        (
            "average precision",
            a.average_precision,
            b.average_precision,
            found.average_precision,
            String::new(),
        ),
        (
            "Brier score",
            a.calibration.brier,
            b.calibration.brier,
            found.brier,
            String::new(),
        ),
    ] {
        rows.push(vec![
            format!("  {name}"),
            output::number(a),
            output::number(b),
            output::signed(difference),
            value,
        ]);
    }
    text += &output::table(&rows, &[]);
    text += "\n\np: McNemar's test (mid-p), each model at its own threshold; DeLong's paired test for ROC-AUC. In brackets: 95 % intervals.";
    for warning in &found.warnings {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n\nWARNING: {warning}");
    }
    text
}

fn p(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.0001 => "< 0.0001".to_owned(),
        Some(p) => format!("{p:.4}"),
    }
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
