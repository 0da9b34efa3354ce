//! The model that a command was given: one that ships with the program, by its name, or a file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use osteon_model::{Device, ModelError, ModelInfo, Net, Predictor, Shipped, load, read_info};

/// Which model.
pub enum Chosen {
    /// One that ships with the program.
    Shipped(Shipped),
    /// A model file.
    File(PathBuf),
}

impl Chosen {
    /// Without a name the one that is the default. A file that is called like a model that ships is named by a path: `./fast`.
    pub fn new(given: Option<&Path>) -> Self {
        let Some(given) = given else {
            return Self::Shipped(Shipped::default());
        };
        match given.to_str().and_then(Shipped::named) {
            Some(shipped) => Self::Shipped(shipped),
            None => Self::File(model_path(given)),
        }
    }

    /// Opens it to predict.
    pub fn open(&self, device: Device) -> Result<Predictor, ModelError> {
        match self {
            Self::Shipped(shipped) => shipped.open(device),
            Self::File(file) => Predictor::open(file, device),
        }
    }

    /// Its network and its header.
    pub fn load(&self, device: Device) -> Result<(Net, ModelInfo), ModelError> {
        match self {
            Self::Shipped(shipped) => shipped.load(device),
            Self::File(file) => load(file, device),
        }
    }

    /// Its header.
    pub fn info(&self) -> Result<ModelInfo, ModelError> {
        match self {
            Self::Shipped(shipped) => shipped.info(),
            Self::File(file) => read_info(file),
        }
    }

    /// Bytes of its file.
    pub fn bytes(&self) -> anyhow::Result<u64> {
        match self {
            Self::Shipped(shipped) => Ok(shipped.bytes().len() as u64),
            Self::File(file) => Ok(std::fs::metadata(file)
                .with_context(|| format!("cannot look at {}", file.display()))?
                .len()),
        }
    }

    /// Where it lies, if it does not ship with the program.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Shipped(_) => None,
            Self::File(file) => Some(file),
        }
    }
}

/// A model file, or the one in a run folder.
pub fn model_path(given: &Path) -> PathBuf {
    if given.is_dir() {
        given.join("model.safetensors")
    } else {
        given.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_before_files_and_paths_do_not() {
        let chosen = |given: &str| Chosen::new(Some(Path::new(given)));
        assert!(matches!(chosen("fast"), Chosen::Shipped(Shipped::Fast)));
        assert!(matches!(
            chosen("accurate"),
            Chosen::Shipped(Shipped::Accurate)
        ));
        assert!(matches!(
            Chosen::new(None),
            Chosen::Shipped(Shipped::Accurate)
        ));
        for file in ["./fast", "runs/fast", "Fast", "fast.safetensors"] {
            assert_eq!(chosen(file).file(), Some(Path::new(file)));
        }
    }
}
