//! The steps of `cargo xtask ci` that judge the code and its pages.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::setup::{program, runs};
use super::{Context, Outcome};
use crate::{book, download::libtorch, workspace};

type Ended = Result<Outcome>;

fn cargo(context: &Context<'_>, words: &[&str]) -> Command {
    let mut cargo = workspace::cargo(context.root);
    cargo.args(words);
    cargo
}

fn must(command: &mut Command) -> Ended {
    workspace::must_succeed(command).map(|()| Outcome::Passed)
}

pub fn format(context: &Context<'_>) -> Ended {
    must(&mut cargo(context, &["fmt", "--all", "--check"]))
}

pub fn clippy(context: &Context<'_>) -> Ended {
    let words = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--features",
        "cli/doc-only",
        "--",
        "-D",
        "warnings",
    ];
    must(&mut cargo(context, &words))?;
    // As whoever embeds a predictor alone has it.
    let alone = [
        "clippy",
        "--quiet",
        "-p",
        "model",
        "--no-default-features",
        "--features",
        "doc-only",
        "--",
        "-D",
        "warnings",
    ];
    must(&mut cargo(context, &alone))?;
    // As the quickstart builds the program.
    let light = [
        "clippy",
        "--quiet",
        "-p",
        "cli",
        "--no-default-features",
        "--features",
        "doc-only",
        "--",
        "-D",
        "warnings",
    ];
    must(&mut cargo(context, &light))
}

pub fn documentation(context: &Context<'_>) -> Ended {
    let words = [
        "doc",
        "--quiet",
        "--workspace",
        "--no-deps",
        "--features",
        "cli/doc-only",
    ];
    must(cargo(context, &words).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Where the running toolchain is the oldest that is stated, all other steps have shown it. Else it is asked for; it is not fetched.
pub fn toolchain(context: &Context<'_>) -> Ended {
    let stated = env!("CARGO_PKG_RUST_VERSION");
    let found = Command::new("rustc").arg("--version").output()?;
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    if found
        .split_whitespace()
        .nth(1)
        .is_some_and(|version| version == stated || version.starts_with(&format!("{stated}.")))
    {
        eprintln!("Cargo.toml states {stated}, and this is {}", found.trim());
        return Ok(Outcome::Passed);
    }
    let asked = format!("+{stated}");
    if !runs("rustup", &["run", stated, "rustc", "--version"]) {
        return Ok(Outcome::Skipped(format!(
            "this is {}, and Rust {stated} is not installed (`rustup toolchain install {stated}`)",
            found.trim()
        )));
    }
    // Its own folder, or two toolchains would each undo what the other built.
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(context.root)
        .args([&asked, "check", "--quiet", "--workspace", "--all-targets"])
        .args(["--features", "cli/doc-only"])
        .args(["--target-dir", "target/oldest-toolchain"]);
    must(&mut cargo)
}

/// The program, and the fuzz targets, which are a workspace of their own. Both locks must be up to date, too.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

/// cargo-deny on one of [`MANIFESTS`], without a network but for crates that are not here yet.
fn deny(context: &Context<'_>, manifest: &str) -> Command {
    let mut deny = Command::new(program(context.root, "cargo-deny"));
    deny.current_dir(context.root)
        .args(["--manifest-path", manifest, "--config", "deny.toml"])
        .args(["--all-features", "--locked"]);
    deny
}

pub fn licences(context: &Context<'_>) -> Ended {
    if !runs(&program(context.root, "cargo-deny"), &["--version"]) {
        return Ok(Outcome::Skipped("cargo-deny is not installed".to_owned()));
    }
    for manifest in MANIFESTS {
        let mut deny = deny(context, manifest);
        // Several versions of one crate are counted, not shown: the tree of each is a page. An exception that only one of the two needs is none.
        deny.args(["check", "--allow", "duplicate"])
            .args(["--allow", "license-not-encountered"])
            .args(["--allow", "license-exception-not-encountered"])
            .args(["licenses", "bans", "sources"]);
        workspace::must_succeed(&mut deny)?;
    }
    Ok(Outcome::Passed)
}

/// The database is a git repository, which is not fetched here: whoever has it, has it checked, by both programs that read it.
pub fn advisories(context: &Context<'_>) -> Ended {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let fetched = home.and_then(|home| std::fs::read_dir(home.join("advisory-dbs")).ok());
    // Beside databases lies a lock, which an attempt without a network leaves as well.
    let database = fetched.and_then(|folder| {
        let mut places = folder.flatten().map(|place| place.path());
        places.find(|place| place.is_dir())
    });
    let Some(database) = database else {
        return Ok(Outcome::Skipped(
            "RustSec's database is not on this machine (`cargo deny fetch db`); licences, bans and sources were checked without it"
                .to_owned(),
        ));
    };
    let mut ran = false;
    if runs(&program(context.root, "cargo-deny"), &["--version"]) {
        for manifest in MANIFESTS {
            let mut deny = deny(context, manifest);
            deny.args(["--offline", "check", "advisories"]);
            workspace::must_succeed(&mut deny)?;
        }
        ran = true;
    }
    let audit = program(context.root, "cargo-audit");
    if runs(&audit, &["--version"]) {
        for manifest in MANIFESTS {
            let lock = PathBuf::from(manifest).with_extension("lock");
            let mut audit = Command::new(&audit);
            audit
                .current_dir(context.root)
                .args(["audit", "--no-fetch", "--stale", "--db"])
                .arg(&database)
                .arg("--file")
                .arg(lock);
            workspace::must_succeed(&mut audit)?;
        }
        ran = true;
    }
    if !ran {
        return Ok(Outcome::Skipped(
            "neither cargo-deny nor cargo-audit is installed".to_owned(),
        ));
    }
    Ok(Outcome::Passed)
}

pub fn book(context: &Context<'_>) -> Ended {
    let mdbook = program(context.root, "mdbook");
    if !runs(&mdbook, &["--version"]) {
        return Ok(Outcome::Skipped(
            "mdbook is not installed; the links between the pages are tested anyway".to_owned(),
        ));
    }
    book::build(context.root, &mdbook).map(|_| Outcome::Passed)
}

/// libjpeg-turbo and CharLS are built from their sources: where the tools for that are, both decoders are held to the same tests.
pub fn codecs(context: &Context<'_>) -> Ended {
    let nasm = cfg!(not(target_arch = "x86_64")) || runs("nasm", &["--version"]);
    if !nasm || !runs("cmake", &["--version"]) {
        return Ok(Outcome::Skipped(
            "cmake or, on x86-64, nasm is missing".to_owned(),
        ));
    }
    let words = [
        "test",
        "--quiet",
        "-p",
        "data",
        "--features",
        "turbo,jpeg-ls",
        "--test",
        "it",
    ];
    must(&mut cargo(context, &words))
}

pub fn tests(context: &Context<'_>) -> Ended {
    libtorch::ensure(context.root)?;
    let mut cargo = cargo(context, &["test", "--workspace", "--no-fail-fast"]);
    // Tests run beside each other: with fewer threads the last digits of a score are others.
    must(cargo.env("OSTEON_KEEP_THREADS", "1"))
}

/// The crates that compute, as on a processor with AVX2 only, whatever this one has.
pub fn avx2(context: &Context<'_>) -> Ended {
    #[cfg(target_arch = "x86_64")]
    if !std::arch::is_x86_feature_detected!("avx512f") {
        return Ok(Outcome::Skipped(
            "this processor has no AVX-512: the tests above ran that way".to_owned(),
        ));
    }
    libtorch::ensure(context.root)?;
    let words = [
        "test",
        "--no-fail-fast",
        "-p",
        "kernels",
        "-p",
        "model",
        "-p",
        "train",
    ];
    let mut cargo = cargo(context, &words);
    must(
        cargo
            .env("OSTEON_KEEP_THREADS", "1")
            .env("OSTEON_MAX_CPU_ISA", "avx2")
            .env("ONEDNN_MAX_CPU_ISA", "AVX2")
            .env("ATEN_CPU_CAPABILITY", "avx2"),
    )
}
