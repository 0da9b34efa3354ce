//! Judges the scores in a CSV file: `cargo run -p metrics --example csv -- FILE [THRESHOLD]`.
//!
//! Each line is `label,score` or `label,score,group`; the label is `1`, `true` or `fractured`, or `0`, `false` or `not_fractured`; the
//! score is the probability of a fracture; the group is any word that images of one patient, or copies of one image, share. Either
//! all lines name a group or none does. A first line `label,score…` and empty lines are skipped.
#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal, not a library"
)]

use std::collections::HashMap;
use std::error::Error;

use osteon_metrics::{Estimate, Summary, SummaryOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: csv FILE [THRESHOLD]")?;
    let threshold = arguments
        .next()
        .map_or(Ok(0.5), |argument| argument.parse())?;
    let images = parse(&std::fs::read_to_string(path)?)?;
    let summary = Summary::new(
        &images.labels,
        &images.scores,
        (!images.groups.is_empty()).then_some(&images.groups[..]),
        threshold,
        0.95,
        SummaryOptions::default(),
    )?;

    println!("{} images, threshold {threshold}", summary.images);
    match summary.resampled_groups {
        Some(groups) => println!("intervals from a bootstrap of {groups} groups"),
        None => println!("intervals of independent images"),
    }
    println!("{:?}", summary.confusion);
    let calibration = summary.calibration;
    for (name, figure) in [
        ("accuracy", summary.accuracy),
        ("sensitivity", summary.sensitivity),
        ("specificity", summary.specificity),
        ("precision", summary.precision),
        ("npv", summary.npv),
        ("f1", summary.f1),
        ("balanced_accuracy", summary.balanced_accuracy),
        ("kappa", summary.kappa),
        ("mcc", summary.mcc),
        ("roc_auc", summary.roc_auc),
        ("partial_auc, FPR ≤ 0.1", summary.partial_auc),
        ("average_precision", summary.average_precision),
        (
            "sensitivity at 90 % specificity",
            summary.sensitivity_at_90_specificity,
        ),
        (
            "specificity at 90 % sensitivity",
            summary.specificity_at_90_sensitivity,
        ),
        ("brier", calibration.brier),
        ("log_loss", calibration.log_loss),
        ("ece", calibration.ece),
        ("ece, equal mass", calibration.ece_equal_mass),
    ] {
        println!("{name:<33}{}", show(figure));
    }
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}

#[derive(Default)]
struct Images {
    labels: Vec<bool>,
    scores: Vec<f64>,
    /// Of all images or of none.
    groups: Vec<usize>,
}

fn parse(text: &str) -> Result<Images, String> {
    let mut images = Images::default();
    let mut names = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || (index == 0 && line.trim().starts_with("label,score")) {
            continue;
        }
        let bad = |expected: &str| {
            let number = index + 1;
            format!("line {number}: expected {expected}, found {line:?}")
        };
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let (label, score, group) = match cells[..] {
            [label, score] => (label, score, None),
            [label, score, group] => (label, score, Some(group)),
            _ => return Err(bad("label,score or label,score,group")),
        };
        images.labels.push(match label {
            "1" | "true" | "fractured" => true,
            "0" | "false" | "not_fractured" => false,
            _ => return Err(bad("a label")),
        });
        let score = score.parse().map_err(|_| bad("a score"))?;
        images.scores.push(score);
        if let Some(group) = group {
            let next = names.len();
            images.groups.push(*names.entry(group).or_insert(next));
        }
        if ![0, images.labels.len()].contains(&images.groups.len()) {
            return Err(bad("a group in every line or in none"));
        }
    }
    Ok(images)
}

fn show(figure: Estimate) -> String {
    match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.4}  95 % {low:.4} to {high:.4}"),
        (Some(value), ..) => format!("{value:.4}"),
        (None, ..) => "undefined".to_owned(),
    }
}
