//! `cargo xtask bench`: the criterion benchmarks, and the contests against other programs.

mod contest;
mod data;
mod metrics;
mod network;
mod peers;
mod running;
mod serve;
mod together;
mod train;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::{download::libtorch, workspace};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// The criterion benchmarks of the workspace (also without a word)
    Criterion {
        /// Only benchmarks whose name contains this
        filter: Option<String>,
    },
    /// The input pipeline against torchvision, albumentations, OpenCV and others; writes its table into docs/BENCHMARKS.md
    Data(data::Arguments),
    /// The bootstrap of a judgement's figures against scikit-learn; writes its table into docs/BENCHMARKS.md
    Metrics(metrics::Arguments),
    /// The network alone in each way that PyTorch has of computing it: the wall before `serve`; writes its table into docs/BENCHMARKS.md
    Network(network::Arguments),
    /// Requests a second of `osteon serve` against the same network behind FastAPI and PyTorch; with --soak its memory under load
    Serve(serve::Arguments),
    /// Two and four programs at once on the same cores against one alone; writes its table into docs/BENCHMARKS.md
    Together(together::Arguments),
    /// Training and one image's latency against PyTorch and ONNX Runtime; writes its tables into docs/BENCHMARKS.md
    Train(train::Arguments),
}

/// Runs what was asked for.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    match &arguments.what {
        None => criterion(&root, None),
        Some(What::Criterion { filter }) => criterion(&root, filter.as_deref()),
        Some(What::Data(arguments)) => data::run(&root, arguments),
        Some(What::Metrics(arguments)) => metrics::run(&root, arguments),
        Some(What::Network(arguments)) => network::run(&root, arguments),
        Some(What::Serve(arguments)) => serve::run(&root, arguments),
        Some(What::Together(arguments)) => together::run(&root, arguments),
        Some(What::Train(arguments)) => train::run(&root, arguments),
    }
}

/// Runs the benchmarks with cargo's own output, and ends with cargo's own exit code.
fn criterion(root: &std::path::Path, filter: Option<&str>) -> Result<ExitCode> {
    libtorch::ensure(root)?;
    let mut cargo = workspace::cargo(root);
    cargo.args(["bench", "--workspace"]);
    if let Some(filter) = filter {
        // Before any `--` the filter goes to every target, the ordinary test harnesses of `src` included, which then run nothing.
        cargo.arg(filter);
    }
    Ok(workspace::exit_code(workspace::status(&mut cargo)?))
}
