//! `osteon import`.

use std::path::Path;

use osteon_model::{ModelError, WeightProblem, import, save};
use osteon_train::TrainError;
use osteon_train::config::Layers;
use serde::Serialize;

use crate::advice::Hinted;
use crate::args::ImportArgs;
use crate::exit::Ending;
use crate::output;

/// What `import --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    out: &'a Path,
    architecture: String,
    /// Side of the square input in pixels.
    size: u32,
    parameters: usize,
}

pub fn run(args: &ImportArgs) -> anyhow::Result<Ending> {
    let mut layers = Layers {
        file: args.config.clone(),
        set: args.set.clone(),
    };
    if let Some(name) = &args.architecture {
        layers.set.push(format!("model.name=\"{name}\""));
    }
    if let Some(size) = args.size {
        layers.set.push(format!("preprocess.size={size}"));
    }
    let config = layers.resolve().map_err(TrainError::from)?;
    let imported = import(&args.file, &config.model, &config.preprocess, &args.rename);
    let (net, mut info) = imported.map_err(|error| with_hint(error, config.preprocess.size))?;
    info.licence.clone_from(&args.licence);
    info.attribution.clone_from(&args.attribution);
    save(&args.out, &net, &info)?;
    let report = Report {
        file: &args.file,
        out: &args.out,
        architecture: info.architecture.name.to_string(),
        size: info.preprocess.size,
        parameters: net.parameters(),
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&format!(
            "{}: {}, {} parameters, {size}×{size} pixels. It has no calibration: its scores are the sigmoid of its logits, its threshold is 0.5",
            report.out.display(),
            report.architecture,
            report.parameters,
            size = report.size
        ))?;
    }
    Ok(Ending::Done)
}

/// What the command has for weights that do not fit.
fn with_hint(error: ModelError, size: u32) -> anyhow::Error {
    let hint = match &error {
        ModelError::Weights {
            problem: WeightProblem::Unknown { .. } | WeightProblem::Missing(_),
            ..
        } => "name the tensors as this network does, by --rename OLD=NEW (a whole name, or what stands before a dot; `--rename module=` takes `module.` away), \
             or name another network by --architecture"
            .to_owned(),
        ModelError::Weights {
            problem: WeightProblem::Twice(_),
            ..
        } => "two names of the file become one by these --rename: give the more telling one first".to_owned(),
        ModelError::Weights {
            problem: WeightProblem::Shape { .. },
            ..
        }
        | ModelError::Count { .. } => format!(
            "shapes follow from the side of the input, --size (now {size}), and from the network's options, such as --set model.residual.size=large"
        ),
        _ => return error.into(),
    };
    Hinted::new(&error.into(), hint).into()
}
