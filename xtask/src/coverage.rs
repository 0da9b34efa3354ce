//! `cargo xtask coverage`: which lines the tests reach, crate by crate, by cargo-llvm-cov.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::ci::program;
use crate::download::libtorch;
use crate::workspace;

/// Lines of a crate that tests must reach, in percent.
const TARGETS: &[(&str, f64)] = &[
    ("audit", 85.0),
    ("data", 85.0),
    ("metrics", 85.0),
    ("synth", 85.0),
];
const OTHERWISE: f64 = 75.0;

/// What `cargo xtask coverage` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Crates to look at [default: all]
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// Say the figures, and do not fail where a crate is below its target
    #[arg(long)]
    no_fail: bool,
}

/// The part of `cargo llvm-cov --json` that is looked at.
#[derive(Deserialize)]
struct Report {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<SourceFile>,
}

#[derive(Deserialize)]
struct SourceFile {
    filename: PathBuf,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Lines,
}

#[derive(Deserialize, Clone, Copy, Default)]
struct Lines {
    count: u64,
    covered: u64,
}

impl Lines {
    fn percent(self) -> f64 {
        100.0 * self.covered as f64 / self.count.max(1) as f64
    }
}

/// Runs the tests with counters and prints a table; fails where a crate is below its target.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    libtorch::ensure(&root)?;
    let report = measure(&root, &arguments.crates)?;
    let crates = by_crate(&report, &root);
    let mut low = false;
    println!(
        "{:<12} {:>7} {:>9} {:>8}  target",
        "crate", "lines", "covered", ""
    );
    for (name, lines) in &crates {
        // What a crate's tests reach of another is no figure of that other.
        if !arguments.crates.is_empty() && !arguments.crates.contains(name) {
            continue;
        }
        let target = target(name);
        low |= lines.percent() < target;
        let word = if lines.percent() < target {
            "  below"
        } else {
            ""
        };
        println!(
            "{name:<12} {:>7} {:>9} {:>6.1} %  {target:.0} %{word}",
            lines.count,
            lines.covered,
            lines.percent()
        );
    }
    Ok(if low && !arguments.no_fail {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn target(name: &str) -> f64 {
    let own = TARGETS.iter().find(|(of, _)| *of == name);
    own.map_or(OTHERWISE, |(_, target)| *target)
}

fn measure(root: &Path, crates: &[String]) -> Result<Report> {
    let mut command = Command::new(program(root, "cargo-llvm-cov"));
    command
        .current_dir(root)
        .args(["llvm-cov", "--json", "--summary-only"]);
    if crates.is_empty() {
        command.arg("--workspace");
    }
    for name in crates {
        command.args(["-p", name]);
    }
    // rustup's component where it is installed; else LLVM's own tools, of the version that this compiler is built on.
    for (variable, tool) in [("LLVM_COV", "llvm-cov"), ("LLVM_PROFDATA", "llvm-profdata")] {
        if std::env::var_os(variable).is_none()
            && let Some(path) = tool_of_system(tool)?
        {
            command.env(variable, path);
        }
    }
    let json = workspace::answered(&mut command)?;
    serde_json::from_str(&json).context("cargo llvm-cov printed something else than its report")
}

/// `llvm-cov-22`, as Debian calls it, for a compiler that says `LLVM version: 22.1.2`.
fn tool_of_system(tool: &str) -> Result<Option<PathBuf>> {
    let text = workspace::printed(Command::new("rustc").arg("-vV"))?;
    let major = text
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))
        .and_then(|version| version.split('.').next());
    let Some(major) = major else {
        bail!("`rustc -vV` names no LLVM");
    };
    let path = PathBuf::from(format!("/usr/bin/{tool}-{major}"));
    Ok(path.is_file().then_some(path))
}

/// Sums over the files of each crate's `src`, so that its tests do not count as covered lines.
fn by_crate(report: &Report, root: &Path) -> BTreeMap<String, Lines> {
    let mut crates: BTreeMap<String, Lines> = BTreeMap::new();
    for file in report.data.iter().flat_map(|data| &data.files) {
        let Ok(path) = file.filename.strip_prefix(root) else {
            continue;
        };
        let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
        let (["crates", name, "src", ..] | [name @ "xtask", "src", ..]) = parts.as_slice() else {
            continue;
        };
        let lines = crates.entry((*name).to_owned()).or_default();
        lines.count += file.summary.lines.count;
        lines.covered += file.summary.lines.covered;
    }
    crates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_summed_by_crate_and_tests_do_not_count() {
        let json = r#"{"data":[{"files":[
            {"filename":"/w/crates/data/src/a.rs","summary":{"lines":{"count":10,"covered":9,"percent":90.0}}},
            {"filename":"/w/crates/data/src/b/c.rs","summary":{"lines":{"count":30,"covered":21}}},
            {"filename":"/w/crates/data/tests/it/a.rs","summary":{"lines":{"count":50,"covered":50}}},
            {"filename":"/elsewhere/x.rs","summary":{"lines":{"count":50,"covered":0}}},
            {"filename":"/w/xtask/src/main.rs","summary":{"lines":{"count":4,"covered":1}}}]}]}"#;
        let crates = by_crate(&serde_json::from_str(json).unwrap(), Path::new("/w"));
        let names: Vec<_> = crates.keys().map(String::as_str).collect();
        assert_eq!(names, ["data", "xtask"]);
        assert!((crates["data"].percent() - 75.0).abs() < 1e-9);
        assert!((target("data") - 85.0).abs() < 1e-9 && (target("serve") - 75.0).abs() < 1e-9);
    }
}
