//! `osteon train --folds K`: cross-validation.

use std::fmt::Write as _;

use osteon_evaluate::words::index;
use osteon_train::{CrossValidation, Plan, cross_validate};

use crate::args::TrainArgs;
use crate::exit::Ending;
use crate::output;
use crate::progress;
use crate::stop::Stop;

pub fn run(plan: &Plan, folds: usize, stop: &Stop, args: &TrainArgs) -> anyhow::Result<Ending> {
    let epochs = plan.config.train.epochs;
    let mut watch = progress::watch(args.tui, &plan.run, epochs, Vec::new(), stop)?;
    let done = cross_validate(plan, folds, &mut *watch, stop.flag());
    // The terminal is given back before anything else is said.
    drop(watch);
    let found = done?;
    if found.rank > 0 {
        return Ok(Ending::Done);
    }
    if args.json {
        output::json(&found)?;
    } else {
        output::line(&text(&found))?;
        output::line(&format!(
            "\nscores: {}",
            plan.run.join("out_of_fold.csv").display()
        ))?;
    }
    if found.interrupted {
        let run = plan.run.display();
        eprintln!("interrupted; `osteon train --resume --folds {folds} --run {run}` goes on");
        return Ok(Ending::Interrupted);
    }
    Ok(Ending::Done)
}

fn text(found: &CrossValidation) -> String {
    let figure =
        |value: Option<f64>| value.map_or_else(|| "    –".to_owned(), |v| format!("{v:.3}"));
    let mut text = String::from("fold   images   fractured   ROC-AUC   average precision\n");
    let mut row = |name: &str, films: usize, fractured: usize, auc, precision| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{name:>4}   {films:>5}   {fractured:>9}     {}               {}",
            figure(auc),
            figure(precision)
        );
    };
    for fold in &found.folds {
        let number = fold.fold.to_string();
        row(
            &number,
            fold.films,
            fold.fractured,
            fold.roc_auc,
            fold.average_precision,
        );
    }
    let films = found.folds.iter().map(|fold| fold.films).sum();
    let fractured = found.folds.iter().map(|fold| fold.fractured).sum();
    row(
        "all",
        films,
        fractured,
        found.roc_auc,
        found.average_precision,
    );
    if !found.subsets.is_empty() {
        text.push_str("\n                          images   fractured   ROC-AUC (95 %)           average precision (95 %)\n");
    }
    for part in &found.subsets {
        let _ = writeln!(
            text,
            "{:<24} {:>7}   {:>9}   {:<22}   {}",
            format!("{} {}", part.field, part.value),
            part.images,
            part.fractured,
            index(part.roc_auc),
            index(part.average_precision),
        );
    }
    text.push_str(
        "\nEvery image was scored by a fold that neither learned from it nor chose its epoch by it.",
    );
    text
}
