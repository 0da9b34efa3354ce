//! The ordinary pip client, as far as this program needs it: fetching one wheel for a given platform.
//!
//! pip knows its own index, or the mirror that this machine is configured for; no index is named here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::wheels::Wheel;

/// A Python with pip.
#[derive(Debug)]
pub struct Pip {
    python: &'static str,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Neither `python3` nor `python` runs.
    Python,
    /// Python runs, but not its pip.
    Pip,
}

impl Missing {
    /// The command that fixes it.
    pub fn fix(self) -> &'static str {
        match (self, std::env::consts::OS) {
            (_, "linux") => {
                "sudo apt install python3-pip   (or your distribution's package of that name)"
            }
            (Self::Python, "macos") => "xcode-select --install   (or: brew install python)",
            (Self::Python, _) => "install Python 3 from its official installer",
            (Self::Pip, _) => "python3 -m ensurepip",
        }
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Python => "there is no python3",
            Self::Pip => "python3 is there but its pip is not",
        })
    }
}

impl Pip {
    /// The first of `python3` and `python` that has pip.
    pub fn find() -> Result<Self, Missing> {
        let runs = |python: &str, arguments: &[&str]| {
            let mut command = Command::new(python);
            command
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        let mut missing = Missing::Python;
        for python in ["python3", "python"] {
            if runs(python, &["-m", "pip", "--version"]) {
                return Ok(Self { python });
            }
            if runs(python, &["--version"]) {
                missing = Missing::Pip;
            }
        }
        Err(missing)
    }

    /// Fetches a wheel into an empty folder; the path of what came. The caller checks the hash.
    pub fn download(&self, wheel: &Wheel, folder: &Path) -> Result<PathBuf> {
        let requirement = wheel.requirement();
        eprintln!("pip download {requirement}");
        let status = self
            .command(wheel, folder)
            .status()
            .with_context(|| format!("could not start {}", self.python))?;
        if !status.success() {
            bail!("pip could not download {requirement} ({status}); its own message is above");
        }
        let path = folder.join(wheel.file);
        if !path.is_file() {
            bail!(
                "pip downloaded another file for {requirement} than {}",
                wheel.file
            );
        }
        Ok(path)
    }

    fn command(&self, wheel: &Wheel, folder: &Path) -> Command {
        let mut command = Command::new(self.python);
        command.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
        // The interpreter that runs pip may be any: the libraries in the wheel do not depend on it.
        command.args(["--python-version", "3.11", "--implementation", "cp"]);
        for platform in wheel.platforms() {
            command.args(["--platform", platform]);
        }
        // pip's own cache would keep the half gigabyte a second time.
        command.args([
            "--no-cache-dir",
            "--no-input",
            "--disable-pip-version-check",
            "--dest",
        ]);
        command.arg(folder).arg(wheel.requirement());
        // stdout is for results.
        command.stdin(Stdio::null()).stdout(std::io::stderr());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::download::wheels::{Flavour, needed};

    #[test]
    fn pip_is_asked_for_exactly_this_wheel() {
        let wheels = needed(Flavour::Cpu, "linux", "x86_64").unwrap();
        let pip = Pip { python: "python3" };
        let command = pip.command(&wheels[0], Path::new("there"));
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        let line = words.join(" ");
        assert!(line.contains("--platform manylinux_2_28_x86_64 "), "{line}");
        assert!(line.ends_with("--dest there torch==2.11.0"), "{line}");
        assert!(!line.contains("index"), "pip knows its own index: {line}");
    }
}
