//! `cargo xtask ci`: what CI runs, and what a person runs before pushing.
//!
//! Every step runs, whatever the ones before it found, so that one run tells all there is to fix. A step that this machine has no
//! means for is skipped, and says why: the summary at the end has them all.

mod checks;
mod packaging;
mod setup;

pub use setup::{program, runs};

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::workspace;

/// What `cargo xtask ci` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run this step alone; repeatable
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// List the steps and run nothing
    #[arg(long)]
    list: bool,
    /// As root on Debian: install the system packages that tests can use and that are missing
    #[arg(long)]
    install: bool,
}

/// What a step has to work with.
struct Context<'a> {
    root: &'a Path,
    install: bool,
}

/// How a step ended that did not fail.
enum Outcome {
    Passed,
    /// Not run, or not whole, for this reason.
    Skipped(String),
}

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn(&Context<'_>) -> Result<Outcome>,
}

/// In this order: what is quick to say comes first, and the tests' own closing lines come last.
const STEPS: &[Step] = &[
    Step {
        name: "packages",
        about: "Debian's packages that tests can use: a browser, DICOM peers, cmake, nasm",
        run: setup::packages,
    },
    Step {
        name: "python",
        about: "independent judges and tools from PyPI, in target/python/venv",
        run: setup::python,
    },
    Step {
        name: "browser",
        about: "what the browser tests import, by npm",
        run: setup::browser,
    },
    Step {
        name: "format",
        about: "cargo fmt --check",
        run: checks::format,
    },
    Step {
        name: "clippy",
        about: "clippy pedantic on every target, warnings are errors; needs no libtorch",
        run: checks::clippy,
    },
    Step {
        name: "documentation",
        about: "cargo doc, warnings are errors",
        run: checks::documentation,
    },
    Step {
        name: "toolchain",
        about: "the workspace builds with the oldest toolchain that Cargo.toml states",
        run: checks::toolchain,
    },
    Step {
        name: "licences",
        about: "cargo deny: licences, bans, sources",
        run: checks::licences,
    },
    Step {
        name: "advisories",
        about: "cargo deny and cargo audit: known holes in dependencies, where their database is at hand",
        run: checks::advisories,
    },
    Step {
        name: "book",
        about: "docs/ as a book, and its links",
        run: checks::book,
    },
    Step {
        name: "packaging",
        about: "the systemd unit; the bill of materials against CycloneDX's schema",
        run: packaging::check,
    },
    Step {
        name: "codecs",
        about: "the tests of `data` with libjpeg-turbo and CharLS, which cmake builds",
        run: checks::codecs,
    },
    Step {
        name: "tests",
        about: "libtorch, then every test of the workspace",
        run: checks::tests,
    },
    Step {
        name: "avx2",
        about: "the tests of kernels, model and train as on a processor with AVX2 only",
        run: checks::avx2,
    },
];

/// Runs the steps and sums them up; fails if one of them did.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let chosen = chosen(&arguments.only)?;
    if arguments.list {
        for step in chosen {
            println!("{:<14} {}", step.name, step.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let root = workspace::root();
    let context = Context {
        root: &root,
        install: arguments.install,
    };
    let mut rows = Vec::new();
    for step in chosen {
        // Both on stderr, where cargo talks: a log keeps them in order.
        eprintln!("\n== {}: {}", step.name, step.about);
        let start = Instant::now();
        let end = (step.run)(&context);
        match &end {
            Ok(Outcome::Passed) => {}
            Ok(Outcome::Skipped(why)) => eprintln!("skipped: {why}"),
            Err(error) => eprintln!("error: {error:#}"),
        }
        rows.push((step.name, end, start.elapsed()));
    }
    println!("\n{}", summary(&rows));
    let failed = rows.iter().any(|(_, end, _)| end.is_err());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    workspace::chosen("step", STEPS, |step| step.name, only)
}

fn summary(rows: &[(&str, Result<Outcome>, Duration)]) -> String {
    let mut lines = vec!["== summary".to_owned()];
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (name, end, time) in rows {
        let (word, why) = match end {
            Ok(Outcome::Passed) => (count(&mut passed, "passed"), String::new()),
            Ok(Outcome::Skipped(why)) => (count(&mut skipped, "skipped"), why.clone()),
            Err(error) => (count(&mut failed, "FAILED"), format!("{error:#}")),
        };
        let line = format!("{word:<8} {name:<14} {:>6} s  {why}", time.as_secs());
        lines.push(line.trim_end().to_owned());
    }
    let minutes: Duration = rows.iter().map(|(.., time)| *time).sum();
    lines.push(format!(
        "steps that passed: {passed}, failed: {failed}, were skipped: {skipped}; {:.1} minutes",
        minutes.as_secs_f64() / 60.0
    ));
    lines.join("\n")
}

fn count(counter: &mut u32, word: &'static str) -> &'static str {
    *counter += 1;
    word
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_step_that_is_not_there_is_named_with_those_that_are() {
        let message = chosen(&["fromat".to_owned()]).err().unwrap().to_string();
        assert!(message.contains("\"fromat\"") && message.contains("format, clippy"));
        let one = chosen(&["tests".to_owned(), "format".to_owned()]).unwrap();
        let names: Vec<_> = one.iter().map(|step| step.name).collect();
        assert_eq!(names, ["format", "tests"]);
    }

    #[test]
    fn the_summary_names_what_failed_and_what_was_skipped() {
        let rows = [
            ("format", Ok(Outcome::Passed), Duration::from_secs(2)),
            (
                "browser",
                Ok(Outcome::Skipped("no npm".to_owned())),
                Duration::ZERO,
            ),
            ("tests", Err(anyhow!("broken")), Duration::from_secs(58)),
        ];
        assert_eq!(
            summary(&rows),
            "== summary\n\
             passed   format              2 s\n\
             skipped  browser             0 s  no npm\n\
             FAILED   tests              58 s  broken\n\
             steps that passed: 1, failed: 1, were skipped: 1; 1.0 minutes"
        );
    }

    /// `docs/CONTRIBUTING.md` tells people what is run.
    #[test]
    fn the_steps_are_those_of_the_contributors_page() {
        let page = std::fs::read_to_string(workspace::root().join("docs/CONTRIBUTING.md")).unwrap();
        for step in STEPS {
            assert!(
                page.contains(&format!("| `{}` |", step.name)),
                "{}",
                step.name
            );
        }
    }
}
