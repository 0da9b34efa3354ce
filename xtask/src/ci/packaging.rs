//! The step of `cargo xtask ci` that looks at what the program is delivered with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::setup::{program, runs};
use super::{Context, Outcome};
use crate::dist;

/// The schema as CycloneDX's own Python library brings it.
const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(str(error) if error else 0)
";

pub fn check(context: &Context<'_>) -> Result<Outcome> {
    let mut skipped = Vec::new();
    if runs("systemd-analyze", &["--version"]) {
        unit(context.root)?;
    } else {
        skipped.push("no systemd-analyze for the unit");
    }
    let bill = dist::bill(context.root)?;
    let python = program(context.root, "python");
    if runs(
        &python,
        &["-c", "import cyclonedx.validation.json, jsonschema"],
    ) {
        let output = Command::new(&python)
            .args(["-c", VALIDATE])
            .arg(&bill)
            .output()?;
        if !output.status.success() {
            bail!(
                "{} is no CycloneDX 1.5: {}",
                bill.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        eprintln!("{} is CycloneDX 1.5", bill.display());
    } else {
        skipped.push("no cyclonedx-python-lib for the bill of materials");
    }
    Ok(if skipped.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Skipped(skipped.join("; "))
    })
}

/// systemd wants the program to be there, so the unit is looked at with one that is.
fn unit(root: &Path) -> Result<()> {
    let source = root.join("packaging/osteon.service");
    let text = std::fs::read_to_string(&source)
        .with_context(|| format!("could not read {}", source.display()))?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("osteon.service");
    std::fs::write(&copy, text.replace("/opt/osteon/bin/osteon", "/bin/true"))?;
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&copy)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // It also speaks of the machine's own units; only lines on ours count.
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("osteon.service"))
        .collect();
    if !ours.is_empty() {
        bail!("packaging/osteon.service: {}", ours.join("\n"));
    }
    Ok(())
}
