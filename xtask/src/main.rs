//! Chores of the workspace, run as `cargo xtask <command>` from any folder inside it.
//!
//! This crate never links libtorch: it must run before libtorch is there.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program: results go to stdout, everything else to stderr"
)]
#![allow(
    clippy::doc_markdown,
    reason = "PyTorch, CMake and FracAtlas are names, not code, and these comments are also the help texts"
)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "in a test a panic is the report")
)]

mod bench;
mod book;
mod ci;
mod config_reference;
mod coverage;
mod dist;
mod doctor;
mod download;
mod fuzz;
mod parity;
mod progress;
mod python;
mod quickstart;
mod sanitize;
mod test;
mod train_shipped;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Chores of the Osteon workspace"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch libtorch, or a data set, into its place
    #[command(subcommand)]
    Download(download::Command),
    /// Say what is present, what is missing and the command that fixes it
    Doctor,
    /// From nothing to a judged model: libtorch, sample radiographs, training, evaluation, one prediction
    Quickstart,
    /// Make sure of libtorch, then run every test of the workspace
    Test(test::Arguments),
    /// Train the models that ship, from a folder of images to their files and cards
    TrainShipped(train_shipped::Arguments),
    /// Compare exported models with the program on real images, in PyTorch and ONNX Runtime
    Parity(parity::Arguments),
    /// Make sure of libtorch, then run the benchmarks
    Bench(bench::Arguments),
    /// All that CI runs: run it before pushing
    Ci(ci::Arguments),
    /// Which lines the tests reach, crate by crate
    Coverage(coverage::Arguments),
    /// Feed the program's readers with inputs that a fuzzer makes up
    Fuzz(fuzz::Arguments),
    /// The tests of the crates with unsafe code under sanitizers and Miri
    Sanitize(sanitize::Arguments),
    /// The pages in docs/ as a book
    Book(book::Arguments),
    /// Make docs/CONFIG.md from the configuration's schema
    ConfigReference,
    /// The program as one archive that runs from any folder
    Dist(dist::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Download(command) => download::run(&command),
        Command::Doctor => Ok(doctor::run()),
        Command::Quickstart => quickstart::run(),
        Command::Test(arguments) => test::run(&arguments),
        Command::TrainShipped(arguments) => train_shipped::run(&arguments),
        Command::Parity(arguments) => parity::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Ci(arguments) => ci::run(&arguments),
        Command::Coverage(arguments) => coverage::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Sanitize(arguments) => sanitize::run(&arguments),
        Command::Book(arguments) => book::run(&arguments),
        Command::ConfigReference => config_reference::run(),
        Command::Dist(arguments) => dist::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
