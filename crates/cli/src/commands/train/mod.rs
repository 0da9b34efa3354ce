//! `osteon train`.

mod checks;
mod folds;
pub mod plan;

use std::path::Path;

use osteon_data::Split;
use osteon_evaluate::{Request, evaluate};
use osteon_files::write_atomic;
use osteon_model::{Predictor, load, save};
use osteon_report::judgement::Judgement;
use osteon_report::{learning_curves, read_metrics};
use osteon_train::config::Unreadable;
use osteon_train::{EpochRecord, Outcome, Plan, StopReason, choose_device, train};
use serde::Serialize;

use crate::args::TrainArgs;
use crate::evaluation::to_text;
use crate::exit::Ending;
use crate::output;
use crate::progress::{self, EvaluationProgress};
use crate::stop::Stop;

/// What `train --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    model: &'a Path,
    best_epoch: u64,
    epochs: u64,
    stopped: &'static str,
    /// `null` where the run was left in haste.
    val: Option<&'a Judgement>,
    test: Option<&'a Judgement>,
}

pub fn run(args: &TrainArgs) -> anyhow::Result<Ending> {
    let plan = plan::plan(args)?;
    let stop = Stop::on_ctrl_c()?;
    if args.find_lr {
        return checks::find_lr(&plan, &stop, args.json);
    }
    if args.sanity {
        return checks::sanity(&plan, &stop, args.json);
    }
    if let Some(folds) = args.folds {
        return folds::run(&plan, folds, &stop, args);
    }
    train_and_evaluate(args, &plan, &stop)
}

fn train_and_evaluate(args: &TrainArgs, plan: &Plan, stop: &Stop) -> anyhow::Result<Ending> {
    let history = if plan.resume {
        history(&plan.run)
    } else {
        Vec::new()
    };
    let epochs = plan.config.train.epochs;
    let mut watch = progress::watch(args.tui, &plan.run, epochs, history, stop)?;
    let done = train(plan, &mut *watch, stop.flag());
    // The terminal is given back before anything else is said.
    drop(watch);
    if let Err(error) = &done
        && error.is_io()
        && plan.run.join("checkpoints").is_dir()
    {
        let run = plan.run.display();
        eprintln!(
            "the run is kept as its last checkpoint has it; once this is fixed, `osteon train --resume --run {run}` goes on"
        );
    }
    let outcome = done?;
    if outcome.rank > 0 {
        // The first of the processes says and writes it all.
        return Ok(ending(outcome.reason));
    }
    figures(&outcome.run)?;
    eprintln!("{}", closing(&outcome));
    if outcome.reason == StopReason::Interrupted && stop.is_in_haste() {
        return leave(args, plan, &outcome);
    }
    let catalog = &plan.config.data.catalog()?;
    let device = choose_device(&plan.config.train.device)?;
    let predictor = Predictor::open(&outcome.model, device)?;
    let repair = plan.config.data.unreadable == Unreadable::Repair;
    let watch = EvaluationProgress::default();
    let on = |split| {
        let request = Request {
            model: Some(&outcome.model),
            repair,
            explain: true,
            ..Request::new(&predictor, catalog, split)
        };
        evaluate(&request, &watch)
    };
    let val = on(Split::Val)?;
    let chosen_on = &predictor.info().training_data;
    if val.judgement.data.fingerprint != chosen_on.val_fingerprint {
        eprintln!(
            "warning: images of val vanished or changed since the run read them: the model was chosen on {}, the report is of the {} there are now",
            chosen_on.val_images, val.judgement.summary.images
        );
    }
    let reports = outcome.run.join("report");
    val.write(&reports.join("val"), &predictor, &watch)?;
    let test = args.test.then(|| on(Split::Test)).transpose()?;
    if let Some(test) = &test {
        test.write(&reports.join("test"), &predictor, &watch)?;
        let (net, mut info) = load(&outcome.model, device)?;
        info.metrics.test = Some(test.judgement.summary.clone());
        save(&outcome.model, &net, &info)?;
    }
    if args.json {
        output::json(&Report {
            run: &outcome.run,
            model: &outcome.model,
            best_epoch: outcome.best_epoch,
            epochs: outcome.epochs,
            stopped: reason(outcome.reason),
            val: Some(&val.judgement),
            test: test.as_ref().map(|test| &test.judgement),
        })?;
    } else {
        output::line(&to_text(&val.judgement))?;
        if let Some(test) = &test {
            output::line(&format!("\n{}", to_text(&test.judgement)))?;
        }
        output::line(&format!("\nmodel: {}", outcome.model.display()))?;
        let page = reports.join("val").join("index.html");
        output::line(&format!("report: {}", page.display()))?;
    }
    Ok(ending(outcome.reason))
}

/// Ends without a judgement: says how to have one.
fn leave(args: &TrainArgs, plan: &Plan, outcome: &Outcome) -> anyhow::Result<Ending> {
    if args.json {
        output::json(&Report {
            run: &outcome.run,
            model: &outcome.model,
            best_epoch: outcome.best_epoch,
            epochs: outcome.epochs,
            stopped: reason(outcome.reason),
            val: None,
            test: None,
        })?;
    }
    if outcome.model.is_file() {
        eprintln!(
            "not judged; `osteon evaluate --model {} --data {} --split val` does it",
            outcome.model.display(),
            plan.config.data.dir.display()
        );
    }
    Ok(ending(outcome.reason))
}

fn ending(reason: StopReason) -> Ending {
    match reason {
        StopReason::Interrupted => Ending::Interrupted,
        _ => Ending::Done,
    }
}

/// The epochs that a run to be resumed has behind it, for the dashboard's curves: what does not read is not shown.
fn history(run: &Path) -> Vec<EpochRecord> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let lines = text.lines().filter(|line| line.contains("\"epoch\""));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Draws `report/learning_curves.svg` of what the run has measured.
pub fn figures(run: &Path) -> anyhow::Result<()> {
    let metrics = run.join("metrics.jsonl");
    // A run that was stopped in its first epoch has measured nothing yet.
    let Ok(text) = std::fs::read_to_string(&metrics) else {
        return Ok(());
    };
    let svg = learning_curves(&read_metrics(&text).epochs);
    let path = run.join("report").join("learning_curves.svg");
    write_atomic(&path, svg.as_bytes())?;
    Ok(())
}

fn reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Finished => "finished",
        StopReason::Patience => "patience",
        StopReason::LowLoss => "low_loss",
        StopReason::Interrupted => "interrupted",
    }
}

fn closing(outcome: &Outcome) -> String {
    let Outcome {
        epochs, best_epoch, ..
    } = outcome;
    let run = outcome.run.display();
    match outcome.reason {
        StopReason::Finished => {
            format!("all {epochs} epochs done; the best was epoch {best_epoch}")
        }
        StopReason::Patience => {
            format!("stopped after {epochs} epochs: none better since epoch {best_epoch}")
        }
        StopReason::LowLoss => format!(
            "stopped after {epochs} epochs: the loss on val is low enough; the best was epoch {best_epoch}"
        ),
        StopReason::Interrupted if !outcome.model.is_file() => format!(
            "interrupted in the first epoch; nothing is lost, there is no model yet, and `osteon train --resume --run {run}` goes on"
        ),
        StopReason::Interrupted => {
            format!(
                "interrupted after {epochs} whole epochs; nothing is lost, the model is usable, and `osteon train --resume --run {run}` goes on"
            )
        }
    }
}
