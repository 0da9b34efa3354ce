//! Python as an independent judge: shared by the crates whose tests ask it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// `OSTEON_PYTHON`, or the virtual environment that CI makes; why not, where it lacks the module.
pub fn python_with(module: &str) -> Result<PathBuf, String> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/venv/bin/python");
    let python = std::env::var_os("OSTEON_PYTHON").map_or(made, PathBuf::from);
    let found = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output();
    match found {
        Ok(output) if output.status.success() => Ok(python),
        _ => Err(format!(
            "{} is no Python with {module} (set OSTEON_PYTHON)",
            python.display()
        )),
    }
}
