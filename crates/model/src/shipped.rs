//! The models that ship with the program: see `shipped/README.md`.

use std::fmt;
use std::path::Path;

use tch::Device;

use crate::{ModelError, ModelInfo, Net, Predictor, info_of, load_bytes};

/// A model that ships with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shipped {
    /// The one that is used where none is named.
    #[default]
    Accurate,
    /// For machines with less time an image.
    Fast,
}

impl Shipped {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Accurate, Self::Fast];

    /// What it is called: `accurate` or `fast`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accurate => "accurate",
            Self::Fast => "fast",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.name() == name)
    }

    /// Its model file, all of it.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Accurate => include_bytes!("../shipped/accurate.safetensors"),
            Self::Fast => include_bytes!("../shipped/fast.safetensors"),
        }
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// As of any model file; none is known.
    pub fn info(self) -> Result<ModelInfo, ModelError> {
        info_of(Path::new(self.name()), self.bytes())
    }

    /// Its network, with all the checks of a file.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn load(self, device: Device) -> Result<(Net, ModelInfo), ModelError> {
        load_bytes(Path::new(self.name()), self.bytes(), device)
    }

    /// Opens it to predict, with all the checks of a file.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn open(self, device: Device) -> Result<Predictor, ModelError> {
        let (net, info) = self.load(device)?;
        Predictor::new(net, info)
    }
}

impl fmt::Display for Shipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Predictor {
    /// The model that is used where none is named.
    ///
    /// # Errors
    /// If the device cannot hold it.
    pub fn shipped(device: Device) -> Result<Self, ModelError> {
        Shipped::default().open(device)
    }
}
