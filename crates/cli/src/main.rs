//! `osteon`: train, judge and use a network that tells fractured from unfractured bones on X-rays.
#![allow(
    clippy::print_stderr,
    reason = "the front end is what talks to the person"
)]

mod advice;
mod args;
mod chosen;
mod commands;
mod evaluation;
mod exit;
mod heat;
mod memory;
mod openmp;
mod output;
mod places;
mod progress;
mod service;
mod stop;

use std::process::ExitCode;

use clap::Parser;

#[cfg(feature = "serve")]
use crate::args::LogCommand;
use crate::args::{Cli, Command, DataCommand};

fn main() -> ExitCode {
    osteon_model::keep_freed_memory();
    let cli = Cli::parse();
    let done = match &cli.command {
        Command::Train(args) => commands::train::run(args),
        Command::Sweep(args) => commands::sweep::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Compare(args) => commands::compare::run(args),
        Command::Predict(args) => commands::predict::run(args),
        Command::Listen(args) => commands::listen::run(args),
        Command::Info(args) => commands::info::run(args),
        Command::Shrink(args) => commands::shrink::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Import(args) => commands::import::run(args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => commands::serve::run(args),
        Command::Data(DataCommand::Synth(args)) => commands::synth::run(args),
        Command::Data(DataCommand::Pack(args)) => commands::pack::run(args),
        Command::Data(DataCommand::Split(args)) => commands::split::run(args),
        Command::Data(DataCommand::Audit(args)) => commands::audit::run(args),
        #[cfg(feature = "serve")]
        Command::AuditLog(LogCommand::Verify(args)) => commands::verify::run(args),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man(args) => commands::man::run(args),
    };
    exit::code(done)
}
