//! `cargo xtask dist`: the program as one archive that runs from any folder: with its libraries, model, licences, manual and bill of
//! materials. What was made is unpacked elsewhere and run, with no environment and, where the system lets us, no other file in reach.

mod archive;
mod bundle;
mod crates;
mod libraries;
mod licences;
mod prove;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::bundle::Bundle;
use self::crates::Crates;
use crate::download::{hash, libtorch};
use crate::progress::size;
use crate::workspace;

/// What `cargo xtask dist` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Features of the package `cli`, such as turbo,jpeg-ls
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    features: Vec<String>,
    /// Cargo's profile; another one than release makes an archive to try things out with
    #[arg(long, value_name = "PROFILE", default_value = "release")]
    profile: String,
    /// Write the bill of materials of the crates alone; builds nothing
    #[arg(long)]
    sbom: bool,
}

/// Where archives and all that is made on the way lie.
const FOLDER: &str = "target/dist";
/// Where the program looks for its libraries, once in a bundle: the wheels' own folders, since libtorch looks for its neighbours from there. `build/link_libtorch.rs` reads it.
const RUN_PATH: (&str, &str) = ("OSTEON_RUN_PATH", "$ORIGIN/../lib/torch/lib");

/// Builds, bundles, packs and proves.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    if arguments.sbom {
        println!("{}", bill(&root)?.display());
        return Ok(ExitCode::SUCCESS);
    }
    libtorch::ensure(&root)?;
    let crates = Crates::of_program(&root, &arguments.features)?;
    let program = build(&root, arguments)?;
    let name = format!("osteon-{}-{}", crates.version(), workspace::host()?);
    let folder = root.join(FOLDER);
    let bundle = Bundle {
        root: &root,
        crates: &crates,
        program: &program,
        folder: folder.join(&name),
    };
    let needs = bundle.write()?;
    let archive = folder.join(format!("{name}.tar.gz"));
    archive::pack(&bundle.folder, &archive, time(&root))?;
    let sum = hash::sha256(&archive)?;
    let file = archive.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!("{name}.tar.gz.sha256"));
    fs::write(&beside, format!("{sum}  {file}\n"))
        .with_context(|| format!("could not write {}", beside.display()))?;
    for line in prove::run(&archive, &name)? {
        eprintln!("{line}");
    }
    let bytes = fs::metadata(&archive)?.len();
    println!("{} ({}, {needs})", archive.display(), size(bytes));
    Ok(ExitCode::SUCCESS)
}

/// Writes the bill of materials of the program as `Cargo.lock` has it, without what is built or fetched; its path.
pub fn bill(root: &Path) -> Result<PathBuf> {
    let crates = Crates::of_program(root, &[])?;
    let path = root.join(FOLDER).join("osteon.cdx.json");
    fs::create_dir_all(root.join(FOLDER)).with_context(|| format!("could not make {FOLDER}"))?;
    fs::write(&path, sbom::json(&crates, &[])?)
        .with_context(|| format!("could not write {}", path.display()))?;
    Ok(path)
}

fn build(root: &Path, arguments: &Arguments) -> Result<PathBuf> {
    let mut cargo = workspace::cargo(root);
    cargo.args(["build", "--locked", "-p", "cli", "--profile"]);
    cargo.arg(&arguments.profile);
    if !arguments.features.is_empty() {
        cargo.args(["--features", &arguments.features.join(",")]);
    }
    workspace::must_succeed(cargo.env(RUN_PATH.0, RUN_PATH.1))?;
    // Cargo's name for the folder of its profile `dev`.
    let folder = match arguments.profile.as_str() {
        "dev" => "debug",
        other => other,
    };
    Ok(root.join("target").join(folder).join("osteon"))
}

/// Seconds since 1970 that every file in the archive bears: `SOURCE_DATE_EPOCH`, or when the checkout's commit was made.
fn time(root: &Path) -> u64 {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    let committed = || {
        let mut git = Command::new("git");
        git.current_dir(root).args(["log", "-1", "--format=%ct"]);
        String::from_utf8(git.output().ok()?.stdout).ok()
    };
    let text = given.or_else(committed).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}
