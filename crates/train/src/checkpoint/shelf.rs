//! Which checkpoints are kept, and which is the newest that is whole.

use std::path::{Path, PathBuf};

use super::Checkpoint;
use crate::TrainError;

/// The folder of a run's checkpoints, `step-<number>.safetensors` each.
pub(crate) struct Shelf {
    folder: PathBuf,
    keep: usize,
}

impl Shelf {
    /// Keeps the last `keep`, at least 1, and that of the best epoch.
    pub fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep }
    }

    /// Where the checkpoint after `step` steps lies.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:09}.safetensors"))
    }

    /// Removes what need not be kept. That a file cannot be removed does no harm but to the disk.
    pub fn tidy(&self, best_step: u64) {
        let found = list(&self.folder);
        for (step, path) in found.iter().rev().skip(self.keep.max(1)) {
            if *step != best_step {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

/// Checkpoints in a folder, by step.
fn list(folder: &Path) -> Vec<(u64, PathBuf)> {
    let items = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = items
        .filter_map(|item| {
            let name = item.file_name();
            let number = name.to_str()?.strip_prefix("step-")?;
            let step = number.strip_suffix(".safetensors")?.parse().ok()?;
            Some((step, item.path()))
        })
        .collect();
    found.sort();
    found
}

/// A checkpoint with its place, and those newer ones that are damaged.
pub(crate) struct Newest {
    pub path: PathBuf,
    pub checkpoint: Checkpoint,
    pub damaged: Vec<TrainError>,
}

/// The newest checkpoint that is whole; `None` where there is none at all. That all there are are damaged is an error.
pub(crate) fn newest(folder: &Path) -> Result<Option<Newest>, TrainError> {
    let mut damaged = Vec::new();
    for (_, path) in list(folder).into_iter().rev() {
        match Checkpoint::read(&path) {
            Ok(checkpoint) => {
                return Ok(Some(Newest {
                    path,
                    checkpoint,
                    damaged,
                }));
            }
            Err(error) => damaged.push(error),
        }
    }
    match damaged.into_iter().next() {
        Some(first) => Err(first),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_and_the_best_are_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let shelf = Shelf::new(dir.path().to_owned(), 2);
        for step in [5, 10, 90, 100, 1000] {
            std::fs::write(shelf.path(step), b"").expect("writes");
        }
        std::fs::write(dir.path().join("notes.txt"), b"").expect("writes");
        shelf.tidy(10);
        let steps: Vec<u64> = list(dir.path()).iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [10, 100, 1000]);
        assert!(dir.path().join("notes.txt").exists());
        assert!(
            newest(dir.path()).is_err(),
            "empty files are no checkpoints"
        );
        assert!(
            newest(&dir.path().join("none"))
                .expect("no folder")
                .is_none()
        );
    }
}
