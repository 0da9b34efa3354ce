//! The wish to stop: Ctrl-C, SIGTERM, or a key of the dashboard, which in raw mode gets Ctrl-C as a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{exit, progress};

/// Shared by all that may ask for the end and by what looks whether it was asked for.
#[derive(Clone, Default)]
pub struct Stop(Arc<Asked>);

#[derive(Default)]
struct Asked {
    end: AtomicBool,
    /// Nothing is to be judged any more.
    haste: AtomicBool,
}

impl Stop {
    /// One that Ctrl-C asks. Once a process.
    pub fn on_ctrl_c() -> anyhow::Result<Self> {
        let stop = Self::default();
        let asked = stop.clone();
        ctrlc::set_handler(move || asked.ask())?;
        Ok(stop)
    }

    /// Once: finish the step, keep everything, end. Twice: end now, with the terminal as it was.
    pub fn ask(&self) {
        if self.0.end.swap(true, Ordering::Relaxed) {
            progress::restore();
            exit::interrupted();
        }
        // The dashboard says so itself.
        if !progress::is_up() {
            eprintln!("\nstopping after this step; once more to stop at once");
        }
    }

    /// As [`ask`](Self::ask); the run ends with a checkpoint, and what it has learned is not judged.
    #[cfg(feature = "tui")]
    pub fn ask_in_haste(&self) {
        self.0.haste.store(true, Ordering::Relaxed);
        self.ask();
    }

    /// What `train` and `listen` look at.
    pub fn flag(&self) -> &AtomicBool {
        &self.0.end
    }

    pub fn is_asked(&self) -> bool {
        self.0.end.load(Ordering::Relaxed)
    }

    pub fn is_in_haste(&self) -> bool {
        self.0.haste.load(Ordering::Relaxed)
    }
}
