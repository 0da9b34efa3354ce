//! `osteon man`: for packagers.

use anyhow::Context;
use clap::CommandFactory;

use crate::args::{Cli, ManArgs};
use crate::exit::Ending;

/// Writes a page a command.
pub fn run(args: &ManArgs) -> anyhow::Result<Ending> {
    let writing = || format!("could not write manual pages into {}", args.dir.display());
    std::fs::create_dir_all(&args.dir).with_context(writing)?;
    clap_mangen::generate_to(Cli::command(), &args.dir).with_context(writing)?;
    Ok(Ending::Done)
}
