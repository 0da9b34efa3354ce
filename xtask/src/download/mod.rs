//! `cargo xtask download …`: libtorch and data sets, fetched with resume, checked, and unpacked whole or not at all.

mod archive;
pub mod backbones;
pub mod cache;
mod dataset;
mod fracatlas;
pub mod hash;
mod http;
#[cfg(test)]
mod http_tests;
pub mod installed;
mod kaggle;
pub mod libtorch;
#[cfg(test)]
mod loopback;
mod mura;
pub mod pip;
pub mod sample;
pub mod wheels;

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace;

/// What can be fetched.
#[derive(clap::Subcommand)]
pub enum Command {
    /// libtorch 2.11.0 into .libtorch (`quickstart`, `test` and `bench` do this by themselves)
    Libtorch(libtorch::Arguments),
    /// The Kaggle set 'Bone Fracture Multi-Region X-ray Data' into data/kaggle (about 0.5 GB)
    Kaggle(dataset::Arguments),
    /// FracAtlas into data/fracatlas (about 0.3 GB)
    Fracatlas(dataset::Arguments),
    /// Weights of backbones that learned of ImageNet into data/backbones (60 MB, Apache-2.0), for `train.init = "imagenet"`
    Backbones,
    /// Says how to get MURA: its terms must be agreed to by a person, so no program may fetch it
    MuraInstructions,
    /// Makes (not fetches) a small set of synthetic radiographs in data/sample
    Sample,
    /// libtorch, the sample, both data sets and the backbones
    All,
}

/// Runs one download command.
pub fn run(command: &Command) -> Result<ExitCode> {
    let root = workspace::root();
    match command {
        Command::Libtorch(arguments) => libtorch::run(&root, arguments)?,
        Command::Kaggle(arguments) => kaggle::run(&root, arguments)?,
        Command::Fracatlas(arguments) => fracatlas::run(&root, arguments)?,
        Command::Backbones => backbones::run(&root)?,
        Command::MuraInstructions => mura::run(&root),
        Command::Sample => sample::run(&root)?,
        Command::All => {
            libtorch::ensure(&root)?;
            sample::run(&root)?;
            kaggle::run(&root, &dataset::Arguments::default())?;
            fracatlas::run(&root, &dataset::Arguments::default())?;
            backbones::run(&root)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
