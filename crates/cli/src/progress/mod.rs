//! What a person sees while it works: a bar on a terminal, plain lines elsewhere, or a dashboard; all on stderr.

mod bars;
mod evaluation;
mod lines;
mod pace;
#[cfg(feature = "tui")]
mod tui;
mod words;

#[cfg(feature = "tui")]
use std::io::IsTerminal;
use std::path::Path;

use osteon_train::{EpochRecord, Observer};

pub use bars::{TrainProgress, bar};
pub use evaluation::EvaluationProgress;
#[cfg(feature = "tui")]
pub use tui::{is_up, restore};
pub use words::{aside_lines, list_repaired, list_unreadable, notes};

use crate::stop::Stop;

/// Whether a dashboard has the terminal.
#[cfg(not(feature = "tui"))]
pub fn is_up() -> bool {
    false
}

/// Gives the terminal back as it was, if a dashboard has it.
#[cfg(not(feature = "tui"))]
pub fn restore() {}

/// What shows a training run: the dashboard if it is wanted and stdout and stderr are a terminal, bars and lines otherwise.
///
/// `history` are epochs that a resumed run has behind it. The terminal is as it was before once what is returned is dropped.
#[cfg_attr(
    not(feature = "tui"),
    expect(clippy::unnecessary_wraps, reason = "a dashboard may fail to start")
)]
pub fn watch(
    tui: bool,
    run: &Path,
    epochs: u64,
    history: Vec<EpochRecord>,
    stop: &Stop,
) -> anyhow::Result<Box<dyn Observer>> {
    #[cfg(feature = "tui")]
    {
        let terminal = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if tui && terminal && !dumb {
            return Ok(Box::new(tui::start(run, epochs, history, stop.clone())?));
        }
    }
    #[cfg(not(feature = "tui"))]
    {
        let _ = (run, history, stop);
        if tui {
            eprintln!(
                "this build has no dashboard (its feature `tui` is off): plain lines instead"
            );
        }
    }
    Ok(Box::new(TrainProgress::new(epochs)))
}
