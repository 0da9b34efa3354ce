//! `cargo xtask book`: the pages in `docs/` as a book, by mdBook.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::workspace;

/// What `cargo xtask book` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// mdBook's program [default: that of `cargo xtask ci`'s Python environment, or the one on PATH]
    #[arg(long, value_name = "PROGRAM")]
    mdbook: Option<String>,
}

/// Builds the book and says where its first page is.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    let mdbook = arguments
        .mdbook
        .clone()
        .unwrap_or_else(|| crate::ci::program(&root, "mdbook"));
    println!("{}", build(&root, &mdbook)?.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds it into `target/book`; its first page.
pub fn build(root: &Path, mdbook: &str) -> Result<PathBuf> {
    let out = root.join("target/book");
    let mut command = Command::new(mdbook);
    command
        .current_dir(root)
        .args(["build", "docs", "--dest-dir"])
        .arg(&out);
    workspace::must_succeed(&mut command)?;
    Ok(out.join("index.html"))
}
