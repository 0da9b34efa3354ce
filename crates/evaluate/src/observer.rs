//! Who is told how far an evaluation has come.

use std::io;
use std::path::Path;

use osteon_data::{Split, Unreadable};

/// A part of the work that takes a while; stages follow each other, none begins within another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The images of a split are read, looked at by the gate and fitted to the network; counts images.
    Reading(Split),
    /// The network scores the images of a split; counts images.
    Scoring(Split),
    /// Heatmaps are made and held against boxes; counts heatmaps and deletion tests.
    Explaining,
    /// Boxes are found on all images; counts images.
    Locating,
    /// The report is drawn; counts reports.
    Drawing,
}

/// Is told what happens while a model is evaluated. Every method does nothing unless it is written. `()` is an observer that keeps still.
pub trait Observer: Sync {
    /// A stage begins, of `total` things to do.
    fn begin(&self, stage: Stage, total: usize) {
        let _ = (stage, total);
    }

    /// So many more things of the stage are done. Called from any thread.
    fn advance(&self, done: usize) {
        let _ = done;
    }

    /// The stage ends, by an error too.
    fn finish(&self) {}

    /// Files of a split that do not read and are in no figure; at least one.
    fn unreadable(&self, split: Split, files: &[Unreadable]) {
        let _ = (split, files);
    }

    /// Names of damaged images of a split that are judged by what decodes of them; at least one.
    fn repaired(&self, split: Split, ids: &[String]) {
        let _ = (split, ids);
    }

    /// This look at a test split could not be written down in the run's file.
    fn look_not_recorded(&self, file: &Path, error: &io::Error) {
        let _ = (file, error);
    }
}

impl Observer for () {}

/// A stage in progress; dropping it ends the stage.
pub(crate) struct Running<'a> {
    observer: &'a dyn Observer,
}

impl<'a> Running<'a> {
    pub fn begin(observer: &'a dyn Observer, stage: Stage, total: usize) -> Self {
        observer.begin(stage, total);
        Self { observer }
    }

    pub fn advance(&self, done: usize) {
        self.observer.advance(done);
    }

    /// For who counts from the stage's beginning: tells the observer what came on.
    pub fn counter(&self) -> impl Fn(usize) {
        let before = std::cell::Cell::new(0);
        move |done: usize| {
            let on = done.saturating_sub(before.replace(done));
            self.observer.advance(on);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.observer.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Observer for Told {
        fn begin(&self, stage: Stage, total: usize) {
            self.0
                .lock()
                .expect("whole")
                .push(format!("{stage:?} {total}"));
        }

        fn advance(&self, done: usize) {
            self.0.lock().expect("whole").push(format!("+{done}"));
        }

        fn finish(&self) {
            self.0.lock().expect("whole").push("end".to_owned());
        }
    }

    #[test]
    fn a_count_from_the_beginning_is_told_as_what_came_on() {
        let told = Told::default();
        {
            let stage = Running::begin(&told, Stage::Explaining, 5);
            let count = stage.counter();
            count(2);
            count(4);
            stage.advance(1);
        }
        let told = told.0.into_inner().expect("whole");
        assert_eq!(told, ["Explaining 5", "+2", "+2", "+1", "end"]);
    }
}
