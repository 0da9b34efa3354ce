//! What can be wrong with fitting a gate, and with putting one into a model file.

use std::path::PathBuf;

use osteon_data::DataError;
use osteon_files::FileError;
use thiserror::Error;

/// Why a gate cannot be fitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FitError {
    /// A folder of pictures does not read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A folder cannot be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// There are no examples of a class.
    #[error("there is no example of the class {class}")]
    NoExamples {
        /// The class's name.
        class: &'static str,
    },
    /// A folder that is no kind of picture.
    #[error("{} is not named radiograph, outside, cross_section or other", path.display())]
    UnknownKind {
        /// The folder.
        path: PathBuf,
    },
}

/// Why a gate cannot be put into a model file, or read from one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttachError {
    /// The bytes are no model file of this program.
    #[error("no Osteon model: not a safetensors file with an `osteon` entry")]
    NotOsteon,
    /// The header is not the one that was written; to give it a new checksum would hide that.
    #[error("the model is damaged: its header does not have the checksum that stands in it")]
    Checksum,
    /// Its header is damaged, or the gate in it is.
    #[error("the header: {source}")]
    Header {
        /// The JSON reader's own word.
        #[from]
        #[source]
        source: serde_json::Error,
    },
}
