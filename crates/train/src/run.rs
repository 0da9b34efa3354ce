//! The run folder: what lies where, and that only one process writes it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use osteon_files::FileError;

use crate::{Config, TrainError};

/// `runs/<name>/`, locked for the process that writes it as long as it lives.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: Option<File>,
}

impl RunDir {
    /// Makes a new run folder; refuses one that holds a run. A folder in which training never got to a model is no run: its config is
    /// written anew.
    pub fn create(path: &Path, config: &Config) -> Result<Self, TrainError> {
        std::fs::create_dir_all(path).map_err(|source| FileError::new("create", path, source))?;
        let run = Self::lock(path)?;
        if run.model().exists() || run.checkpoints().exists() {
            return Err(TrainError::RunExists {
                path: path.to_owned(),
            });
        }
        osteon_files::write_atomic(&run.config(), config.to_toml()?.as_bytes())?;
        Ok(run)
    }

    /// Opens a run folder to go on with it.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        if !path.join(CONFIG).exists() {
            return Err(TrainError::NoRun {
                path: path.to_owned(),
                missing: CONFIG,
            });
        }
        Self::lock(path)
    }

    /// A run folder that another process, the first of those that train together, writes.
    pub(crate) fn beside(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            _lock: None,
        }
    }

    fn lock(path: &Path) -> Result<Self, TrainError> {
        let file = path.join("run.lock");
        let io = |source| FileError::new("write", &file, source);
        let lock = File::create(&file).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {
                let run = Self {
                    path: path.to_owned(),
                    _lock: Some(lock),
                };
                run.sweep();
                Ok(run)
            }
            Err(TryLockError::WouldBlock) => Err(TrainError::RunInUse {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(io(source).into()),
        }
    }

    /// Removes what a killed process left half written. Nobody else writes here: the folder is locked.
    fn sweep(&self) {
        let below = ["checkpoints", "report", "report/val", "report/test"];
        let below = below.map(|name| self.path.join(name));
        for folder in below.iter().chain([&self.path]) {
            for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = item.file_name();
                let name = name.to_string_lossy();
                if name.starts_with('.') && name.ends_with(".part") {
                    // What stays costs nothing but room.
                    let _ = std::fs::remove_file(item.path());
                }
            }
        }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The fully resolved configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// The best model so far, complete and usable at any moment.
    #[must_use]
    pub fn model(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// All that resuming needs: `step-<number>.safetensors`, the last few and that of the best epoch.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// One JSON object an epoch and a logged step.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }
}

const CONFIG: &str = "config.toml";
