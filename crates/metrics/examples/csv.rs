//! Judges the scores in a CSV file: `cargo run -p metrics --example csv -- FILE [THRESHOLD]`.
//!
//! Each line is `label,score`; the label is `1`, `true` or `fractured`, or `0`, `false` or `not_fractured`; the score is the
//! probability of a fracture. A first line `label,score` and empty lines are skipped.
#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal, not a library"
)]

use std::error::Error;

use osteon_metrics::{Estimate, Summary, SummaryOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: csv FILE [THRESHOLD]")?;
    let threshold = arguments
        .next()
        .map_or(Ok(0.5), |argument| argument.parse())?;
    let (labels, scores) = parse(&std::fs::read_to_string(path)?)?;
    let summary = Summary::new(&labels, &scores, threshold, 0.95, SummaryOptions::default())?;

    println!("{} images, threshold {threshold}", summary.images);
    println!("{:?}", summary.confusion);
    for (name, figure) in [
        ("accuracy", summary.accuracy),
        ("sensitivity", summary.sensitivity),
        ("specificity", summary.specificity),
        ("precision", summary.precision),
        ("npv", summary.npv),
        ("f1", summary.f1),
        ("roc_auc", summary.roc_auc),
        ("average_precision", summary.average_precision),
    ] {
        println!("{name:<18}{}", show(figure));
    }
    println!("{}", serde_json::to_string(&summary)?);
    Ok(())
}

fn parse(text: &str) -> Result<(Vec<bool>, Vec<f64>), String> {
    let (mut labels, mut scores) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || (index == 0 && line.trim() == "label,score") {
            continue;
        }
        let bad = || format!("line {}: expected label,score, found {line:?}", index + 1);
        let (label, score) = line.split_once(',').ok_or_else(bad)?;
        labels.push(match label.trim() {
            "1" | "true" | "fractured" => true,
            "0" | "false" | "not_fractured" => false,
            _ => return Err(bad()),
        });
        scores.push(score.trim().parse().map_err(|_| bad())?);
    }
    Ok((labels, scores))
}

fn show(figure: Estimate) -> String {
    match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.4}  95 % {low:.4} to {high:.4}"),
        (Some(value), ..) => format!("{value:.4}"),
        (None, ..) => "undefined".to_owned(),
    }
}
