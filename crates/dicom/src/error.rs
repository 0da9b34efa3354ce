//! What can go wrong between a DICOM image and its answer.

use std::net::SocketAddr;
use std::path::PathBuf;

use osteon_data::DecodeError;
use osteon_files::FileError;
use osteon_model::ModelError;
use thiserror::Error;

/// What can go wrong between a DICOM image and its answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DicomError {
    /// The image does not read as DICOM.
    #[error(transparent)]
    Film(#[from] DecodeError),
    /// Without it an answer belongs to nobody.
    #[error("the DICOM file has no valid {name}, so there is no study to write an answer for")]
    Identifier {
        /// The attribute.
        name: &'static str,
    },
    /// The model refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An object could not be encoded.
    #[error("cannot encode a DICOM object: {source}")]
    Encode {
        /// The encoder's own word.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// Two listeners would answer each image twice.
    #[error("{} is in use by another listener", path.display())]
    SpoolInUse {
        /// The spool.
        path: PathBuf,
    },
    /// No port to listen on.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// A setting that makes no sense.
    #[error("{setting} {must}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// The other node, or the way to it.
    #[error("association with {node}: {}", words(source))]
    Association {
        /// The node as given, `AET@HOST:PORT`.
        node: String,
        /// The upper layer's own word.
        #[source]
        source: Box<dicom_ul::association::Error>,
    },
    /// A node that would not take such objects.
    #[error("{node} does not accept objects of SOP class {class}")]
    NotAccepted {
        /// The node as given, `AET@HOST:PORT`.
        node: String,
        /// SOP class UID.
        class: String,
    },
    /// An object that was not stored.
    #[error("{node} refused {instance} with status {status:#06x}")]
    Refused {
        /// The node as given, `AET@HOST:PORT`.
        node: String,
        /// SOP Instance UID.
        instance: String,
        /// Of the C-STORE response.
        status: u16,
    },
    /// Not the response to what was asked.
    #[error("{node} answered with something else than a C-STORE response")]
    Protocol {
        /// The node as given, `AET@HOST:PORT`.
        node: String,
    },
}

impl DicomError {
    /// Whether it is a mistake of the call.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Setting { .. })
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| FileError::new(action, path, source).into()
    }

    pub(crate) fn encode(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Encode {
            source: Box::new(source),
        }
    }
}

/// An error with its causes on one line; of a PDU that came instead of another its kind alone, since its bytes may name a patient.
pub(crate) fn words(error: &dicom_ul::association::Error) -> String {
    use dicom_ul::association::Error;
    match error {
        Error::UnexpectedPdu { pdu, .. } => format!("unexpected PDU: {}", pdu.short_description()),
        Error::UnknownPdu { .. } => "a PDU of no known kind".to_owned(),
        _ => {
            let mut said = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                said = format!("{said}: {error}");
                cause = error.source();
            }
            said
        }
    }
}
