//! `osteon train --find-lr` and `--sanity`: looks before a run.

use std::fmt::Write as _;

use osteon_files::write_atomic;
use osteon_report::{LrPoint, lr_finder};
use osteon_train::{LrFound, Plan, Sanity};

use crate::exit::Ending;
use crate::output;
use crate::progress::TrainProgress;
use crate::stop::Stop;

/// Looks for a learning rate, and draws what was found into the run folder.
pub fn find_lr(plan: &Plan, stop: &Stop, json: bool) -> anyhow::Result<Ending> {
    let mut watch = TrainProgress::new(1);
    let found = osteon_train::find_lr(&plan.config, &mut watch, stop.flag())?;
    drop(watch);
    let points: Vec<LrPoint> = found
        .points
        .iter()
        .map(|point| LrPoint {
            lr: point.lr,
            loss: Some(point.loss),
            smoothed: Some(point.smoothed),
        })
        .collect();
    let path = plan.run.join("report").join("lr_finder.svg");
    write_atomic(&path, lr_finder(&points, found.suggestion).as_bytes())?;
    if json {
        output::json(&found)?;
    } else {
        output::line(&lr_text(&found))?;
        output::line(&format!("plot: {}", path.display()))?;
    }
    Ok(ending(stop))
}

fn lr_text(found: &LrFound) -> String {
    let mut text = String::from("learning rate    loss (smoothed)\n");
    for point in found.points.iter().step_by(6) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:>13.1e}    {:.4}", point.lr, point.smoothed);
    }
    match found.suggestion {
        Some(lr) => {
            let _ = write!(
                text,
                "the loss falls fastest at {lr:.1e}: --set optimizer.lr={lr:.1e}"
            );
        }
        None => text.push_str("the loss never fell: look at the data with --sanity first"),
    }
    text
}

/// Learns one batch by heart; a network that cannot ends with exit code 1.
pub fn sanity(plan: &Plan, stop: &Stop, json: bool) -> anyhow::Result<Ending> {
    let mut watch = TrainProgress::new(1);
    let found = osteon_train::sanity(&plan.config, &mut watch, stop.flag())?;
    drop(watch);
    if json {
        output::json(&found)?;
    } else {
        output::line(&sanity_text(&found))?;
    }
    Ok(match (stop.is_asked(), found.passed) {
        (true, _) => Ending::Interrupted,
        (false, true) => Ending::Done,
        (false, false) => Ending::SomeFailed("one batch could not be learned by heart".to_owned()),
    })
}

fn sanity_text(found: &Sanity) -> String {
    let Sanity {
        films,
        fractured,
        steps,
        first_loss,
        last_loss,
        ..
    } = found;
    let mut text = format!(
        "one batch of {films} images, {fractured} fractured: loss {first_loss:.4} at first, {last_loss:.4} after {steps} steps\n"
    );
    text.push_str(if found.passed {
        "learned by heart: network, loss and optimiser work together"
    } else if found.untouched.is_empty() {
        "NOT learned by heart: try another optimizer.lr (--find-lr), or look at loss and network"
    } else {
        "no gradient reaches some weights:"
    });
    for name in &found.untouched {
        let _ = write!(text, "\n  {name}");
    }
    text
}

fn ending(stop: &Stop) -> Ending {
    if stop.is_asked() {
        Ending::Interrupted
    } else {
        Ending::Done
    }
}
