//! `osteon sweep`: one run after the other over values of config keys.

mod search;
mod table;

use std::path::Path;

use anyhow::Context;
use osteon_files::write_atomic;
use osteon_report::read_metrics;
use osteon_train::config::{Layers, Monitor};
use osteon_train::{Config, Plan, StopReason, TrainError, train};

use self::search::{Trial, trials};
use self::table::{Outcome, Sweep};
use super::train::figures;
use super::train::plan::{ALLOW_LEAK, flags};
use crate::args::{SweepArgs, SweepBy};
use crate::exit::{Ending, UsageError};
use crate::output;
use crate::progress::TrainProgress;
use crate::stop::Stop;

pub fn run(args: &SweepArgs) -> anyhow::Result<Ending> {
    let planned = trials(&args.grid, &args.range, args.random, args.seed)?;
    let base = config(args, None)?;
    // Before hours of work: is every trial a config that makes sense?
    let configs = planned
        .iter()
        .map(|trial| config(args, Some(trial)))
        .collect::<Result<Vec<_>, _>>()?;
    let by = args
        .by
        .unwrap_or(if base.train.monitor == Monitor::ValLoss {
            SweepBy::ValLoss
        } else {
            SweepBy::ValRocAuc
        });
    let mut sweep = Sweep::new(by, base, planned.clone());
    refuse_another(&args.out, &sweep)?;
    sweep.write(&args.out)?;

    let stop = Stop::on_ctrl_c()?;
    let count = planned.len();
    let mut interrupted = false;
    for (trial, config) in planned.into_iter().zip(configs) {
        let number = trial.number;
        let folder = args.out.join(trial.folder());
        let outcome = if let Some(done) = finished(&folder, &trial)? {
            eprintln!("trial {number}/{count}: done before");
            done
        } else {
            let values: Vec<String> = trial.set().collect();
            eprintln!("trial {number}/{count}: {}", values.join("  "));
            let Some(outcome) = attempt(trial, config, &folder, &stop)? else {
                interrupted = true;
                break;
            };
            outcome
        };
        sweep.add(outcome);
        sweep.write(&args.out)?;
        if stop.is_asked() && number < count {
            interrupted = true;
            break;
        }
    }
    if args.json {
        output::json(&sweep)?;
    } else if !sweep.trials.is_empty() {
        output::line(&sweep.to_text())?;
    }
    if interrupted {
        let done = sweep.trials.len();
        eprintln!("interrupted: {done} of {count} trials done; the same command goes on");
        return Ok(Ending::Interrupted);
    }
    eprintln!(
        "also in {} and sweep.json",
        args.out.join("sweep.csv").display()
    );
    Ok(Ending::Done)
}

/// The config of a trial, or what all of them start from.
fn config(args: &SweepArgs, trial: Option<&Trial>) -> anyhow::Result<Config> {
    let mut set = args.set.clone();
    set.extend(flags(args.data.as_deref(), args.device.as_deref())?);
    if args.allow_leak {
        set.push(ALLOW_LEAK.to_owned());
    }
    set.extend(trial.into_iter().flat_map(Trial::set));
    let layers = Layers {
        file: args.config.clone(),
        set,
    };
    Ok(layers.resolve().map_err(TrainError::from)?)
}

/// A sweep's folder holds one sweep: the same beginning, and under each number the same values. More draws may be asked for.
fn refuse_another(out: &Path, sweep: &Sweep) -> anyhow::Result<()> {
    let path = out.join("sweep.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(());
    };
    let before: Sweep = serde_json::from_str(&text)
        .with_context(|| format!("{} is no sweep of this version", path.display()))?;
    let same_trials = before
        .planned
        .iter()
        .zip(&sweep.planned)
        .all(|(a, b)| a == b);
    if same_trials && before.base == sweep.base {
        return Ok(());
    }
    let what = if same_trials {
        "from another config"
    } else {
        "over other values"
    };
    let said = format!(
        "{} holds a sweep {what}. Choose another folder by --out",
        out.display()
    );
    Err(UsageError(said).into())
}

const RESULT: &str = "result.json";

/// What a trial came to that was finished before.
fn finished(folder: &Path, trial: &Trial) -> anyhow::Result<Option<Outcome>> {
    let path = folder.join(RESULT);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None);
    };
    let outcome: Outcome = serde_json::from_str(&text)
        .with_context(|| format!("{} is no result of a trial", path.display()))?;
    Ok((outcome.trial == *trial).then_some(outcome))
}

/// Trains a trial to its end, from where it was left; `None` if it was interrupted.
fn attempt(
    trial: Trial,
    config: Config,
    folder: &Path,
    stop: &Stop,
) -> anyhow::Result<Option<Outcome>> {
    let plan = Plan {
        resume: folder.join("config.toml").exists(),
        run: folder.to_owned(),
        config,
        force: false,
    };
    let mut progress = TrainProgress::new(plan.config.train.epochs);
    let done = train(&plan, &mut progress, stop.flag());
    drop(progress);
    let (epochs, failed) = match done {
        Ok(done) if done.reason == StopReason::Interrupted => return Ok(None),
        Ok(done) => (done.epochs, None),
        // A learning rate too high is a finding, no reason to leave the rest undone.
        Err(error @ TrainError::Diverged { .. }) => {
            eprintln!("{error}");
            (0, Some(error.to_string()))
        }
        Err(error) => return Err(error.into()),
    };
    if failed.is_none() {
        figures(folder)?;
    }
    // The whole story, epochs before an interruption included.
    let metrics = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap_or_default();
    let metrics = read_metrics(&metrics);
    let best = metrics.epochs.iter().rev().find(|epoch| epoch.best);
    let best = best.filter(|_| failed.is_none());
    let outcome = Outcome {
        run: trial.folder(),
        trial,
        val_roc_auc: best.and_then(|epoch| epoch.val_roc_auc),
        val_loss: best.and_then(|epoch| epoch.val_loss),
        best_epoch: best.map_or(0, |epoch| epoch.epoch),
        epochs,
        failed,
    };
    let json = serde_json::to_string_pretty(&outcome)?;
    write_atomic(&folder.join(RESULT), json.as_bytes())?;
    Ok(Some(outcome))
}
