//! From what went wrong to an exit code: 0 done, 1 failed, 2 wrong usage or config, 130 interrupted.

use std::process::ExitCode;

use osteon_data::DataError;
use osteon_dicom::DicomError;
use osteon_evaluate::EvaluateError;
use osteon_model::ModelError;
use osteon_train::TrainError;

use crate::{advice, service};

/// How a command ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// All done.
    Done,
    /// Done, but not with all that was asked for; why, in a sentence.
    SomeFailed(String),
    /// Stopped by Ctrl-C, with everything kept.
    Interrupted,
}

/// The exit code of [`Ending::Interrupted`], as shells have it for SIGINT.
const INTERRUPTED: u8 = 130;

/// Ends the process as interrupted, now. Not `std::process::exit`: libtorch's exit handlers take away what its threads still work on, and
/// the end would be a crash.
pub fn interrupted() -> ! {
    signal_hook::low_level::exit(INTERRUPTED.into())
}

/// Says what went wrong, in one paragraph on stderr, and gives the exit code.
pub fn code(done: anyhow::Result<Ending>) -> ExitCode {
    match done {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::SomeFailed(why)) => {
            eprintln!("exit code 1: {why}");
            ExitCode::from(1)
        }
        Ok(Ending::Interrupted) => ExitCode::from(INTERRUPTED),
        // Whoever reads our output has had enough: `osteon predict … | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", paragraph(&error));
            if let Some(hint) = advice::on(&error) {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

/// The message with its causes, leaving out those whose words are in it already. Of a cause the first line: libtorch appends its C++ frames.
pub fn paragraph(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |mut said, cause| {
        let mut cause = cause.to_string();
        if !said.is_empty() {
            cause.truncate(cause.find('\n').unwrap_or(cause.len()));
        }
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
        said
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error
        .chain()
        .any(|cause| cause.downcast_ref().is_some_and(pipe))
}

fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref().is_some_and(TrainError::is_usage)
            || cause.downcast_ref().is_some_and(DataError::is_usage)
            || cause.downcast_ref().is_some_and(ModelError::is_usage)
            || service::is_usage(cause)
            || cause.downcast_ref().is_some_and(DicomError::is_usage)
            || cause.downcast_ref().is_some_and(EvaluateError::is_usage)
            || cause.is::<UsageError>()
    })
}

/// A wrong call that clap cannot see.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}
