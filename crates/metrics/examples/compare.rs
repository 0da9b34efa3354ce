//! Compares two models on the same images: `cargo run -p metrics --example compare -- FILE [THRESHOLD_A THRESHOLD_B]`.
//!
//! Each line is `label,score_a,score_b` with, if images belong together, a number of the `group`; the label is `1` (fractured)
//! or `0`. A first line of names and empty lines are skipped. Without thresholds both are 0.5.
#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal, not a library"
)]

use std::error::Error;

use osteon_metrics::{
    Estimate, Pair, average_precision, delong_paired, mcnemar, paired_bootstrap, roc_auc,
};

#[derive(Default)]
struct Images {
    labels: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
    groups: Vec<usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: compare FILE [THRESHOLD_A THRESHOLD_B]")?;
    let mut threshold = || arguments.next().map_or(Ok(0.5), |given| given.parse());
    let (threshold_a, threshold_b): (f64, f64) = (threshold()?, threshold()?);
    let images = parse(&std::fs::read_to_string(path)?)?;
    let groups = match images.groups.len() {
        0 => None,
        given if given == images.labels.len() => Some(images.groups.as_slice()),
        given => {
            return Err(format!("{given} of {} lines name a group", images.labels.len()).into());
        }
    };

    println!("{} images; differences are a − b", images.labels.len());
    let decide = |scores: &[f64], threshold: f64| -> Vec<bool> {
        scores.iter().map(|score| *score >= threshold).collect()
    };
    let decisions = mcnemar(
        &images.labels,
        &decide(&images.a, threshold_a),
        &decide(&images.b, threshold_b),
        0.95,
    )?;
    for (name, found) in [
        ("accuracy", decisions.accuracy),
        ("sensitivity", decisions.sensitivity),
        ("specificity", decisions.specificity),
    ] {
        println!(
            "{name:<20}{}  right by a alone {}, by b alone {}, McNemar mid-p {}",
            show(found.difference),
            found.only_a,
            found.only_b,
            number(found.mid_p)
        );
    }
    let areas = delong_paired(&images.labels, &images.a, &images.b, 0.95)?;
    println!(
        "{:<20}{}  {} and {}, DeLong p {}",
        "roc_auc",
        show(areas.difference),
        number(areas.a),
        number(areas.b),
        number(areas.p)
    );
    let pair = Pair {
        labels: &images.labels,
        a: &images.a,
        b: &images.b,
        groups,
    };
    let drawn = if groups.is_some() { "groups" } else { "images" };
    let area = paired_bootstrap(&pair, 2000, 0.95, 0, |labels, scores| {
        roc_auc(labels, scores).ok().flatten()
    })?;
    println!("{:<20}{}  bootstrap of {drawn}", "roc_auc", show(area));
    let precision = paired_bootstrap(&pair, 2000, 0.95, 0, |labels, scores| {
        average_precision(labels, scores).ok().flatten()
    })?;
    println!(
        "{:<20}{}  bootstrap of {drawn}",
        "average_precision",
        show(precision)
    );
    if groups.is_some() {
        println!(
            "McNemar's and DeLong's figures take images as independent, which those of one group are not."
        );
    }
    Ok(())
}

fn parse(text: &str) -> Result<Images, String> {
    let mut images = Images::default();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || (index == 0 && line.starts_with("label,")) {
            continue;
        }
        let bad = || {
            format!(
                "line {}: expected label,score_a,score_b[,group], found {line:?}",
                index + 1
            )
        };
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let (label, a, b, group) = match fields[..] {
            [label, a, b] => (label, a, b, None),
            [label, a, b, group] => (label, a, b, Some(group)),
            _ => return Err(bad()),
        };
        images.labels.push(match label {
            "1" | "true" | "fractured" => true,
            "0" | "false" | "not_fractured" => false,
            _ => return Err(bad()),
        });
        images.a.push(a.parse().map_err(|_| bad())?);
        images.b.push(b.parse().map_err(|_| bad())?);
        if let Some(group) = group {
            images.groups.push(group.parse().map_err(|_| bad())?);
        }
    }
    Ok(images)
}

fn show(found: Estimate) -> String {
    match (found.value, found.low, found.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{value:+.4}  95 % {low:+.4} to {high:+.4}")
        }
        (Some(value), ..) => format!("{value:+.4}"),
        (None, ..) => "undefined".to_owned(),
    }
}

fn number(found: Option<f64>) -> String {
    found.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.4}"))
}
