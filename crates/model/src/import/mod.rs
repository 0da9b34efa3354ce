//! Weights of a PyTorch `state_dict` as a model, and of published backbones. No pickle is run: `pickle.rs` reads tensors by name, and nothing else.

#[cfg(feature = "import")]
mod archive;
mod backbone;

mod legacy;
mod pickle;
#[cfg(feature = "import")]
mod state_dict;
mod view;

use std::path::Path;

use tch::Tensor;

pub use backbone::begin_from_backbone;
#[cfg(feature = "import")]
pub use state_dict::{Rename, import};

use crate::ModelError;
use crate::error::ImportProblem;
use crate::file::{Storage, to_tensor};
use crate::header::parse;

/// Counters of PyTorch's norms, which no judgement needs.
const COUNTER: &str = "num_batches_tracked";

fn tensors(path: &Path, bytes: &[u8]) -> Result<Vec<(String, Tensor)>, ModelError> {
    let skip = |name: &str| name == COUNTER || name.ends_with(&format!(".{COUNTER}"));
    let problem = match bytes {
        #[cfg(feature = "import")]
        [b'P', b'K', ..] => return archive::tensors(path, bytes, &skip),
        // The length of the header, then the header.
        [_, _, _, _, _, _, _, _, b'{', ..] => {
            let (views, _) = parse(path, bytes)?;
            let mut read = Vec::new();
            for (name, view) in views.iter().filter(|(name, _)| !skip(name)) {
                let tensor = to_tensor(path, name, &view, Storage::Half)?;
                read.push((name.to_owned(), tensor));
            }
            return Ok(read);
        }
        _ if legacy::is_legacy(bytes) => return legacy::tensors(path, bytes, &skip),
        [0x80, 2..=5, ..] => ImportProblem::BarePickle,
        _ => ImportProblem::Format,
    };
    Err(ModelError::Import {
        path: path.to_owned(),
        problem,
    })
}
