//! What can be wrong with a gate.

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
