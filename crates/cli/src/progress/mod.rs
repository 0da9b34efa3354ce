//! What a person sees while it works: a bar on a terminal, plain lines elsewhere, or a dashboard; all on stderr.

mod bars;
mod charts;
mod dashboard;
mod draw;
mod evaluation;
mod lines;
mod pace;
#[cfg(test)]
mod tests;
mod view;
mod words;

use std::io::IsTerminal;
use std::path::Path;

use osteon_train::{EpochRecord, Observer};

pub use bars::{TrainProgress, bar};
pub use dashboard::{is_up, restore};
pub use evaluation::EvaluationProgress;
pub use words::{aside_lines, list_repaired, list_unreadable, notes};

use crate::stop::Stop;

/// What shows a training run: the dashboard if it is wanted and stdout and stderr are a terminal, bars and lines otherwise.
///
/// `history` are epochs that a resumed run has behind it. The terminal is as it was before once what is returned is dropped.
pub fn watch(
    tui: bool,
    run: &Path,
    epochs: u64,
    history: Vec<EpochRecord>,
    stop: &Stop,
) -> anyhow::Result<Box<dyn Observer>> {
    let terminal = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if tui && terminal && !dumb {
        let view = view::View::new(&run.display().to_string(), epochs, history);
        return Ok(Box::new(dashboard::Dashboard::start(view, stop.clone())?));
    }
    Ok(Box::new(TrainProgress::new(epochs)))
}
