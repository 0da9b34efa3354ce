//! What can go wrong in a kernel.

use thiserror::Error;

/// Errors of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KernelError {
    /// libtorch refused, in its own words (the first line of them).
    #[error("libtorch: {0}")]
    Libtorch(String),
    /// libtorch refused, by way of tch.
    #[error(transparent)]
    Torch(#[from] tch::TchError),
    /// Lists that go together have different lengths.
    #[error("{call}: {name} has {found} tensors, expected {expected}")]
    Length {
        /// The function.
        call: &'static str,
        /// The list.
        name: &'static str,
        /// Its length.
        found: usize,
        /// The length of the others.
        expected: usize,
    },
    /// A tensor is not what a kernel takes.
    #[error("{call}: {name} must {must}, found {found}")]
    Input {
        /// The function.
        call: &'static str,
        /// The tensor.
        name: &'static str,
        /// What it must be.
        must: &'static str,
        /// What it is.
        found: String,
    },
}

impl From<KernelError> for tch::TchError {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Torch(error) => error,
            other => Self::Torch(other.to_string()),
        }
    }
}
