//! `osteon completions`.

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Ending;

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub fn run(args: &CompletionsArgs) -> anyhow::Result<Ending> {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "osteon",
        &mut std::io::stdout(),
    );
    Ok(Ending::Done)
}
