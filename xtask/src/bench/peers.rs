//! The other programs: Python scripts outside this repository, in an environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace;

/// Where the scripts are, and a Python that has what they need.
pub struct Peers {
    /// The folder of the scripts.
    pub scripts: PathBuf,
    /// For most of them.
    pub python: PathBuf,
    /// For DALI's CPU backend, if it could be installed.
    pub dali: Option<PathBuf>,
}

impl Peers {
    /// Finds the scripts and makes the environments (several GB) where they are not yet.
    pub fn find(root: &Path, scripts: &Path) -> Result<Self> {
        let list = scripts.join("requirements.txt");
        if !list.is_file() {
            bail!(
                "there is no {}. Point --peers at the folder with the other programs' scripts",
                list.display()
            );
        }
        let envs = root.join("target").join("bench");
        let python = environment(&envs.join("venv"), &["-r", &list.to_string_lossy()])?;
        let dali = ["nvidia-dali-cuda130==2.4.0", "numpy==2.4.6"];
        let dali = match environment(&envs.join("venv-dali"), &dali) {
            Ok(python) => Some(python),
            Err(error) => {
                eprintln!("without DALI: {error:#}");
                None
            }
        };
        Ok(Self {
            scripts: std::path::absolute(scripts)?,
            python,
            dali,
        })
    }
}

/// The Python of a virtual environment, which is made if need be.
fn environment(dir: &Path, packages: &[&str]) -> Result<PathBuf> {
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
