//! From arguments to a plan.

use std::path::{Path, PathBuf};

use anyhow::Context;
use osteon_train::Plan;
use osteon_train::config::Layers;

use crate::args::TrainArgs;

/// `--allow-leak` as `--set` takes it.
pub const ALLOW_LEAK: &str = "data.allow_leak=true";

/// Flags are the last layer: they override the file and `--set`.
pub fn plan(args: &TrainArgs) -> anyhow::Result<Plan> {
    let run = args
        .run
        .clone()
        .unwrap_or_else(|| default_run(args.config.as_deref()));
    let mut layers = Layers {
        file: args.config.clone(),
        set: args.set.clone(),
    };
    if args.resume {
        let config = run.join("config.toml");
        if !config.exists() {
            return Err(osteon_train::TrainError::NoRun {
                path: run,
                missing: "config.toml",
            }
            .into());
        }
        layers.file = Some(config);
    }
    layers
        .set
        .extend(flags(args.data.as_deref(), args.device.as_deref())?);
    if args.allow_leak {
        layers.set.push(ALLOW_LEAK.to_owned());
    }
    if let Some(rule) = &args.plan {
        layers.set.push(format!("compute.plan={rule}"));
    }
    let config = layers.resolve().map_err(osteon_train::TrainError::from)?;
    Ok(Plan {
        config,
        run,
        resume: args.resume,
        force: args.force,
    })
}

/// `--data` and `--device` as `--set` takes them.
pub fn flags(data: Option<&Path>, device: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut set = Vec::new();
    if let Some(data) = data {
        let text = data
            .to_str()
            .context("the path given by --data is not UTF-8, which the config cannot hold")?;
        set.push(format!("data.dir={}", toml_string(text)));
    }
    if let Some(device) = device {
        set.push(format!("train.device={}", toml_string(device)));
    }
    Ok(set)
}

/// A JSON string is a TOML basic string, too.
fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn default_run(config: Option<&Path>) -> PathBuf {
    let name = config
        .and_then(Path::file_stem)
        .map_or_else(|| "default".into(), ToOwned::to_owned);
    Path::new("runs").join(name)
}
