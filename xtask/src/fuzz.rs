//! `cargo xtask fuzz`: the targets in `fuzz/`, by cargo-fuzz and a nightly compiler. `docs/FUZZING.md` says what they hold.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::ci::{program, runs};
use crate::download::libtorch;
use crate::workspace;

/// What `cargo xtask fuzz` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Targets to run, one after the other [default: all]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each is run
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// A target, and the inputs it takes.
struct Target {
    name: &'static str,
    /// Whether it links libtorch.
    torch: bool,
    /// Longer inputs are not tried: what they reach, shorter ones do.
    longest: u32,
    /// Folders of inputs besides `fuzz/seeds/<name>`.
    more: &'static [&'static str],
}

const TARGETS: &[Target] = &[
    Target {
        name: "image",
        torch: false,
        longest: 8192,
        more: &["crates/data/tests/oracles/formats"],
    },
    Target {
        name: "dicom",
        torch: false,
        longest: 8192,
        more: &[],
    },
    Target {
        name: "manifest",
        torch: false,
        longest: 2048,
        more: &[],
    },
    Target {
        name: "config",
        torch: true,
        longest: 2048,
        more: &["configs"],
    },
    Target {
        name: "model",
        torch: true,
        longest: 16384,
        more: &[],
    },
    Target {
        name: "multipart",
        torch: true,
        longest: 8192,
        more: &[],
    },
];

/// Runs the targets; fails if one of them found something. Without the means for it, says so and passes.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let chosen = chosen(&arguments.targets)?;
    let root = workspace::root();
    let fuzzer = program(&root, "cargo-fuzz");
    if let Some(why) = missing(&fuzzer) {
        println!("skipped: {why}");
        return Ok(ExitCode::SUCCESS);
    }
    // With one of the others, all are built as that one is: once.
    let torch = chosen.iter().any(|target| target.torch);
    if torch {
        libtorch::ensure(&root)?;
    }
    let mut found = Vec::new();
    for target in &chosen {
        let status = workspace::status(&mut command(
            &root,
            &fuzzer,
            target,
            torch,
            arguments.seconds,
        )?)?;
        if !status.success() {
            found.push(target.name);
        }
    }
    for target in &chosen {
        let bad = found.contains(&target.name);
        println!(
            "{:<10} {}",
            target.name,
            if bad {
                "FAILED: fuzz/artifacts has the input"
            } else {
                "nothing found"
            }
        );
    }
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn missing(fuzzer: &str) -> Option<&'static str> {
    if !runs(fuzzer, &["--version"]) {
        return Some("cargo-fuzz is not installed (`cargo install cargo-fuzz`)");
    }
    let nightly = runs("rustup", &["run", "nightly", "rustc", "--version"]);
    (!nightly).then_some("there is no nightly compiler (`rustup toolchain install nightly`)")
}

fn chosen(names: &[String]) -> Result<Vec<&'static Target>> {
    workspace::chosen("target", TARGETS, |target| target.name, names)
}

/// `torch`: whether it is built with those that link libtorch.
fn command(
    root: &Path,
    fuzzer: &str,
    target: &Target,
    torch: bool,
    seconds: u32,
) -> Result<Command> {
    let Target {
        name,
        torch: linked,
        longest,
        more,
    } = *target;
    // What is found goes to the first folder, which git does not keep; the others are read.
    let corpus = root.join("fuzz/corpus").join(name);
    std::fs::create_dir_all(&corpus)?;
    // Through rustup: the cargo that runs this program knows no `+nightly`.
    let mut command = Command::new("rustup");
    workspace::forget_cargo(&mut command, root);
    command
        .env_remove("CARGO")
        .current_dir(root)
        .args(["run", "nightly", fuzzer]);
    command.args(["run", name]);
    if !torch {
        command.arg("--no-default-features");
    }
    command.arg(corpus).arg(format!("fuzz/seeds/{name}"));
    command.args(more);
    command.arg("--").args([
        format!("-max_total_time={seconds}"),
        format!("-max_len={longest}"),
        format!("-dict=fuzz/dictionaries/{name}.dict"),
        "-timeout=20".to_owned(),
        "-rss_limit_mb=2048".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    if linked {
        // libtorch keeps what it once made until the process ends, and its libraries define some names twice.
        command.env("ASAN_OPTIONS", "detect_leaks=0:detect_odr_violation=0");
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_files_and_is_named_in_the_manifest() {
        let root = workspace::root();
        let manifest = std::fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap();
        let page = std::fs::read_to_string(root.join("docs/FUZZING.md")).unwrap();
        for target in TARGETS {
            let name = target.name;
            assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")));
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
            for file in [
                format!("targets/{name}.rs"),
                format!("bodies/{name}.rs"),
                format!("dictionaries/{name}.dict"),
                format!("seeds/{name}"),
            ] {
                assert!(root.join("fuzz").join(&file).exists(), "{file}");
            }
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }

    #[test]
    fn a_target_that_is_not_there_is_named_with_those_that_are() {
        let message = chosen(&["jpeg".to_owned()]).err().unwrap().to_string();
        assert!(message.contains("\"jpeg\"") && message.contains("image, dicom, manifest"));
        assert_eq!(chosen(&[]).unwrap().len(), TARGETS.len());
    }
}
