//! The model that ships with the program: trained on FracAtlas (CC BY 4.0), see `shipped/README.md`.

use std::path::Path;

use tch::Device;

use crate::{ModelError, ModelInfo, Predictor, info_of, load_bytes};

/// The model file, all of it.
pub const SHIPPED: &[u8] = include_bytes!("../shipped/osteon.safetensors");

/// What errors call it.
const NAME: &str = "the model that ships with the program";

impl Predictor {
    /// The model that ships with the program, with all the checks of a file.
    pub fn shipped(device: Device) -> Result<Self, ModelError> {
        let (net, info) = load_bytes(Path::new(NAME), SHIPPED, device)?;
        Self::new(net, info)
    }
}

/// What the model that ships with the program says of itself.
pub fn shipped_info() -> Result<ModelInfo, ModelError> {
    info_of(Path::new(NAME), SHIPPED)
}
