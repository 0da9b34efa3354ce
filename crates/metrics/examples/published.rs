//! What a published confusion matrix says: `cargo run -p metrics --example published [TP FN FP TN]`.
//!
//! Without numbers, that of the student project that Osteon re-implements, which reports "recall 99.80 %".
#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal, not a library"
)]

use std::error::Error;

use osteon_metrics::{Confusion, Estimate, wilson};

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<u64> = std::env::args()
        .skip(1)
        .map(|argument| argument.parse())
        .collect::<Result<_, _>>()?;
    let counts = match given[..] {
        [] => Confusion {
            tp: 327,
            fn_: 10,
            fp: 1,
            tn: 491,
        },
        [tp, fn_, fp, tn] => Confusion { tp, fn_, fp, tn },
        _ => return Err("usage: published [TP FN FP TN]".into()),
    };
    let Confusion { tp, fn_, fp, tn } = counts;
    println!("                    called fractured   called not");
    println!("  fractured         {tp:>16}   {fn_:>10}");
    println!("  not fractured     {fp:>16}   {tn:>10}\n");
    for (name, successes, trials) in [
        ("sensitivity", tp, tp + fn_),
        ("specificity", tn, tn + fp),
        ("precision", tp, tp + fp),
        ("npv", tn, tn + fn_),
        ("accuracy", tp + tn, counts.total()),
    ] {
        let figure = wilson(successes, trials, 0.95)?;
        println!("  {name:<12} {}   {successes} of {trials}", percent(figure));
    }
    println!("\n{fn_} fractures were missed. \"Recall\" of the other class is the specificity.");
    Ok(())
}

fn percent(figure: Estimate) -> String {
    match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => format!(
            "{:6.2} %  ({:.2} to {:.2})",
            value * 100.0,
            low * 100.0,
            high * 100.0
        ),
        _ => "undefined".to_owned(),
    }
}
