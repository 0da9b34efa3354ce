//! `cargo xtask sanitize`: the tests of the crates with unsafe code under AddressSanitizer, ThreadSanitizer and Miri, by a nightly compiler.
//!
//! libtorch itself is not instrumented: what our code does to its own memory is seen, what libtorch does to its own is not.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::ci::runs;
use crate::download::libtorch;
use crate::workspace;

/// What `cargo xtask sanitize` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Checks to run: address, address-torch, thread, miri [default: all]
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
}

/// Tests under one tool.
struct Check {
    name: &'static str,
    /// Words after `cargo`.
    words: &'static [&'static str],
    /// Words for the test program.
    rest: &'static [&'static str],
    flags: &'static str,
    options: (&'static str, &'static str),
    torch: bool,
    /// What rustup must have besides a nightly compiler.
    component: Option<&'static str>,
}

/// Nothing of libtorch is freed at the end of a process, and its libraries define some names twice.
const ADDRESS: (&str, &str) = (
    "ASAN_OPTIONS",
    "detect_leaks=0:detect_odr_violation=0:detect_stack_use_after_return=1",
);

const CHECKS: &[Check] = &[
    Check {
        name: "address",
        words: &["test", "-p", "data", "--lib", "--test", "it"],
        rest: &[],
        flags: "-Zsanitizer=address",
        options: ADDRESS,
        torch: false,
        component: None,
    },
    Check {
        name: "address-torch",
        words: &[
            "test",
            "-p",
            "kernels",
            "-p",
            "collective",
            "--lib",
            "--test",
            "it",
        ],
        rest: &[],
        flags: "-Zsanitizer=address",
        options: ADDRESS,
        torch: true,
        component: None,
    },
    Check {
        name: "thread",
        words: &[
            "test",
            "-Zbuild-std",
            "-p",
            "data",
            "--test",
            "it",
            "batches",
        ],
        rest: &[],
        flags: "-Zsanitizer=thread",
        options: ("TSAN_OPTIONS", "halt_on_error=1"),
        torch: false,
        component: Some("rust-src"),
    },
    Check {
        name: "miri",
        words: &["miri", "test", "-p", "data", "--lib", "augment::tests"],
        // Thousands of draws take hours.
        rest: &["--skip", "draws_depend"],
        // Else Miri would say that the processor has none, and the safe scalar form would run.
        flags: "-Ctarget-feature=+avx2",
        options: ("MIRIFLAGS", "-Zmiri-disable-isolation"),
        torch: false,
        component: Some("miri"),
    },
];

/// Runs the checks; fails if one of them found something. One that this machine has no means for is skipped, and says why.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let chosen = chosen(&arguments.checks)?;
    let root = workspace::root();
    let host = workspace::host()?;
    let mut rows = Vec::new();
    for check in chosen {
        let end = if let Some(why) = missing(check, &host) {
            format!("skipped: {why}")
        } else {
            if check.torch {
                libtorch::ensure(&root)?;
            }
            let status = workspace::status(&mut command(&root, check, &host))?;
            if status.success() { "passed" } else { "FAILED" }.to_owned()
        };
        rows.push((check.name, end));
    }
    for (name, end) in &rows {
        println!("{name:<14} {end}");
    }
    Ok(if rows.iter().any(|(_, end)| end == "FAILED") {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Check>> {
    workspace::chosen("check", CHECKS, |check| check.name, names)
}

fn missing(check: &Check, host: &str) -> Option<String> {
    if host != "x86_64-unknown-linux-gnu" {
        return Some(format!("not tried on {host}"));
    }
    if !runs("rustup", &["run", "nightly", "rustc", "--version"]) {
        return Some(
            "there is no nightly compiler (`rustup toolchain install nightly`)".to_owned(),
        );
    }
    let component = check.component?;
    let list = Command::new("rustup")
        .args(["component", "list", "--installed", "--toolchain", "nightly"])
        .output();
    let has = list.is_ok_and(|list| {
        let text = String::from_utf8_lossy(&list.stdout);
        text.lines().any(|line| line.starts_with(component))
    });
    (!has).then(|| {
        format!("{component} is not there (`rustup component add {component} --toolchain nightly`)")
    })
}

fn command(root: &Path, check: &Check, host: &str) -> Command {
    let mut command = Command::new("rustup");
    workspace::forget_cargo(&mut command, root);
    command
        .env_remove("CARGO")
        .current_dir(root)
        .args(["run", "nightly", "cargo"])
        .args(check.words)
        .env("CARGO_TARGET_DIR", root.join("target/sanitize"))
        .env(check.options.0, check.options.1);
    // With a target named, build scripts and macros are built without the flags.
    command
        .args(["--target", host])
        .env("RUSTFLAGS", check.flags)
        .arg("--")
        .args(check.rest);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_is_not_there_is_named_with_those_that_are() {
        let message = chosen(&["leaks".to_owned()]).err().unwrap().to_string();
        assert!(message.contains("\"leaks\"") && message.contains("address, address-torch"));
        assert_eq!(chosen(&[]).unwrap().len(), CHECKS.len());
    }
}
