//! What the steps of `cargo xtask ci` can make use of. All of it may be missing: then its tests skip, and say so.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{Context, Outcome};
use crate::workspace;

/// Debian's names.
const PACKAGES: &[&str] = &["chromium", "cmake", "dcmtk", "dicom3tools", "nasm"];
/// Of the repository: what the virtual environment holds.
const REQUIREMENTS: &str = ".ci/requirements.txt";
/// Where the tests and the other steps look for it.
const ENVIRONMENT: &str = "target/python/venv";
/// Where the browser tests are.
const BROWSER: &str = "crates/serve/tests/browser";
/// Where what they import is kept, and looked for by them.
const MODULES: &str = "target/node";

/// Says which of the packages are missing; installs them where that was asked for and this is root.
#[expect(clippy::unnecessary_wraps, reason = "every step has this shape")]
pub fn packages(context: &Context<'_>) -> Result<Outcome> {
    if !runs("dpkg-query", &["--version"]) {
        return Ok(Outcome::Skipped("this is not a Debian".to_owned()));
    }
    let missing: Vec<&str> = PACKAGES
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(Outcome::Passed);
    }
    let names = missing.join(" ");
    if !context.install {
        return Ok(Outcome::Skipped(format!(
            "missing: {names} (`cargo xtask ci --install` as root, or `sudo apt install {names}`)"
        )));
    }
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr());
        workspace::status(&mut command).is_ok_and(|status| status.success())
    };
    let install = [
        &["install", "--yes", "--no-install-recommends"],
        &missing[..],
    ]
    .concat();
    if apt(&["update", "--quiet"]) && apt(&install) {
        Ok(Outcome::Passed)
    } else {
        Ok(Outcome::Skipped(format!(
            "apt-get could not install {names}: tests that use them skip"
        )))
    }
}

fn installed(package: &str) -> bool {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output();
    output.is_ok_and(|output| output.stdout == b"installed")
}

/// Makes the virtual environment, or brings it to what the requirements say now.
pub fn python(context: &Context<'_>) -> Result<Outcome> {
    let requirements = context.root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("could not read {}", requirements.display()))?;
    let folder = context.root.join(ENVIRONMENT);
    // What it was last brought to, written when that had succeeded.
    let record = folder.join("requirements.txt");
    if fs::read_to_string(&record).is_ok_and(|found| found == wanted) {
        return Ok(Outcome::Passed);
    }
    let python = program(context.root, "python");
    let made = runs(&python, &["--version"])
        || succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&requirements)
        .stdout(std::io::stderr());
    if !made || !succeeds(&mut pip) {
        return Ok(Outcome::Skipped(
            "pip could not install the requirements: tests with independent judges skip".to_owned(),
        ));
    }
    fs::write(&record, wanted).with_context(|| format!("could not write {}", record.display()))?;
    Ok(Outcome::Passed)
}

/// A program of the virtual environment if it is there, the system's else.
pub fn program(root: &Path, name: &str) -> String {
    let own = root.join(ENVIRONMENT).join("bin").join(name);
    if own.is_file() || name == "python" {
        own.display().to_string()
    } else {
        name.to_owned()
    }
}

/// Installs what the browser tests import.
pub fn browser(context: &Context<'_>) -> Result<Outcome> {
    let folder = context.root.join(BROWSER);
    if !folder.join("package-lock.json").is_file() {
        return Ok(Outcome::Skipped(format!("{BROWSER} imports nothing")));
    }
    if !runs("npm", &["--version"]) {
        return Ok(Outcome::Skipped(
            "there is no npm: browser tests skip".to_owned(),
        ));
    }
    let modules = context.root.join(MODULES);
    for name in ["package.json", "package-lock.json"] {
        fs::create_dir_all(&modules)
            .and_then(|()| fs::copy(folder.join(name), modules.join(name)))
            .with_context(|| format!("could not copy {name} to {}", modules.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&modules)
        .stdout(std::io::stderr());
    if succeeds(&mut npm) {
        Ok(Outcome::Passed)
    } else {
        Ok(Outcome::Skipped(
            "npm ci failed: browser tests skip".to_owned(),
        ))
    }
}

fn succeeds(command: &mut Command) -> bool {
    workspace::status(command).is_ok_and(|status| status.success())
}

/// Whether a program is there and answers.
pub fn runs(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}
