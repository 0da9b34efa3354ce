//! What can be wrong with a gate, and with fitting one.

use std::path::PathBuf;

use osteon_data::DataError;
use thiserror::Error;

/// Why a stored gate is refused.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GateError {
    /// A gate of a form that this program does not know.
    #[error("gate.version is {found}; this program reads version {known}")]
    Version {
        /// The version stored.
        found: u32,
        /// The one that is read.
        known: u32,
    },
    /// It was fitted on another list of features.
    #[error("gate.features is {found}; this program measures list {known}")]
    Features {
        /// The list stored.
        found: u32,
        /// The one that is measured.
        known: u32,
    },
    /// The weights are not base64.
    #[error("gate.weights is not base64")]
    Base64,
    /// There are more or fewer weights than its sizes say.
    #[error(
        "gate.weights holds {found} numbers; {members} networks with {hidden} units need {expected}"
    )]
    Weights {
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
        /// Networks stated.
        members: usize,
        /// Hidden units stated.
        hidden: usize,
    },
    /// A weight is no number.
    #[error("gate.weights holds values that are not finite, or a scale that is not above 0")]
    NotFinite,
    /// A threshold that is none.
    #[error("gate.{key} must be from 0 to 1")]
    Threshold {
        /// Which one.
        key: &'static str,
    },
}

/// Why a gate cannot be fitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FitError {
    /// A folder of pictures does not read.
    #[error(transparent)]
    Data(#[from] DataError),
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
