//! `osteon export`.

use std::path::Path;

use anyhow::Context;
use osteon_model::{Device, ExportFormat, export};
use serde::Serialize;

use super::shrink::mebibytes;
use crate::args::{ExportArgs, ExportForm};
use crate::chosen::Chosen;
use crate::exit::Ending;
use crate::output;

/// What `export --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    out: &'a Path,
    format: ExportFormat,
    architecture: String,
    /// Side of the square input in pixels.
    size: u32,
    /// What the file gives: `score`, `logit` and, where the network has one, `map`. `null` of a model file.
    outputs: Option<&'static [&'static str]>,
    bytes: u64,
}

pub fn run(args: &ExportArgs) -> anyhow::Result<Ending> {
    let (net, info) = Chosen::new(args.model.as_deref()).load(Device::Cpu)?;
    let format = match args.format {
        ExportForm::Torchscript => ExportFormat::TorchScript,
        ExportForm::Onnx => ExportFormat::Onnx,
        ExportForm::Safetensors => ExportFormat::Safetensors,
    };
    export(&net, &info, format, &args.out)?;
    let written = std::fs::metadata(&args.out);
    let written = written.with_context(|| format!("cannot look at {}", args.out.display()))?;
    let report = Report {
        out: &args.out,
        format,
        architecture: info.architecture.name.to_string(),
        size: info.preprocess.size,
        outputs: match format {
            ExportFormat::Safetensors => None,
            _ if info.architecture.map_cell().is_some() => Some(&["score", "logit", "map"]),
            _ => Some(&["score", "logit"]),
        },
        bytes: written.len(),
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&text(&report))?;
    }
    Ok(Ending::Done)
}

fn text(report: &Report<'_>) -> String {
    let file = format!(
        "{}: {:.2} MiB, {}",
        report.out.display(),
        mebibytes(report.bytes),
        report.architecture
    );
    match report.outputs {
        None => file,
        Some(outputs) => format!(
            "{file}, N×1×{size}×{size} images to {}",
            outputs.join(", "),
            size = report.size
        ),
    }
}
