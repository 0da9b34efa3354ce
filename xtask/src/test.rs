//! `cargo xtask test`: libtorch, then every test of the workspace.

use std::process::ExitCode;

use anyhow::Result;

use crate::{download::libtorch, workspace};

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Handed on to `cargo test --workspace`; after a second `--`, to the test programs
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the tests with cargo's own output, and ends with cargo's own exit code. A test program that fails hides none of the others.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    libtorch::ensure(&root)?;
    let mut cargo = workspace::cargo(&root);
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        // Tests run beside each other: with fewer threads the last digits of a score are others.
        .env("OSTEON_KEEP_THREADS", "1")
        .args(&arguments.args);
    Ok(workspace::exit_code(workspace::status(&mut cargo)?))
}
