//! Python programs in virtual environments of their own, under `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::workspace;

/// The Python of a virtual environment, which is made if need be.
pub fn environment(dir: &Path, packages: &[&str]) -> Result<PathBuf> {
    let python = dir.join("bin").join("python");
    let done = dir.join("complete");
    if done.is_file() {
        return Ok(python);
    }
    workspace::must_succeed(Command::new("python3").args(["-m", "venv"]).arg(dir))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"]).args(packages);
    workspace::must_succeed(&mut pip)?;
    std::fs::write(&done, "")?;
    Ok(python)
}
