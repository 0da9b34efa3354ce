//! `cargo xtask bench`: libtorch, then the criterion benchmarks of the workspace.

use std::process::ExitCode;

use anyhow::Result;

use crate::{download::libtorch, workspace};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only benchmarks whose name contains this
    filter: Option<String>,
}

/// Runs the benchmarks with cargo's own output, and ends with cargo's own exit code.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    libtorch::ensure(&root)?;
    let mut cargo = workspace::cargo(&root);
    cargo.args(["bench", "--workspace"]);
    if let Some(filter) = &arguments.filter {
        // Before any `--` the filter goes to every target, the ordinary test harnesses of `src` included, which then run nothing.
        cargo.arg(filter);
    }
    Ok(workspace::exit_code(workspace::status(&mut cargo)?))
}
