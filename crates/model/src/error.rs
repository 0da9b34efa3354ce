//! What can go wrong between a model file and a prediction.

use std::path::PathBuf;

use osteon_files::FileError;
use thiserror::Error;

/// Errors of networks, model files and predictions.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The model file is not there.
    #[error("there is no model file {}", path.display())]
    NoFile {
        /// The path asked for.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no safetensors file, or only the beginning of one.
    #[error("{} is not a whole safetensors file: {source}", path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// The reader's own word.
        #[source]
        source: safetensors::SafeTensorError,
    },
    /// An operating point that the model has not.
    #[error("the model has no operating point {name:?}; it has {}", known.join(", "))]
    NoOperatingPoint {
        /// The name asked for.
        name: String,
        /// Those it has, the first being the one used where none is asked for.
        known: Vec<String>,
    },
    /// A safetensors file of another program.
    #[error("{} is a safetensors file but no Osteon model: its header has no `osteon` entry", path.display())]
    NotOsteon {
        /// The file.
        path: PathBuf,
    },
    /// A name stands twice in the header, of which readers may take either.
    #[error("{} is damaged: {name} stands twice in its header", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The tensor, or `__metadata__` and its entry.
        name: String,
    },
    /// The header places a tensor where the file has no bytes.
    #[error("{} is not a whole safetensors file: its header places tensor {name} beyond its end", path.display())]
    Beyond {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A model of a format this version does not know.
    #[error("{} has model format {found}; this program reads formats up to {known}. A newer program may read it", path.display())]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u64,
        /// The latest version that is read.
        known: u64,
    },
    /// The header is not the one that was written.
    #[error("{} is damaged, or another program wrote its header anew: the header does not have the checksum that stands in it", path.display())]
    HeaderChecksum {
        /// The file.
        path: PathBuf,
    },
    /// The header should have a checksum and has none.
    #[error("{} is damaged, or another program wrote its header anew: the header has no checksum", path.display())]
    NoHeaderChecksum {
        /// The file.
        path: PathBuf,
    },
    /// The `osteon` header is not what the format says.
    #[error("{} has a damaged `osteon` header: {source}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The JSON reader's own word, with its place.
        #[source]
        source: serde_json::Error,
    },
    /// A setting in the header makes no sense.
    #[error("{}: {section}.{key} {must}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// Section of the header.
        section: &'static str,
        /// Key in the section.
        key: &'static str,
        /// What it must be.
        must: String,
    },
    /// The weights do not fit the architecture that the header names.
    #[error("{} does not fit its architecture: {problem}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The tensor and what is wrong with it.
        problem: WeightProblem,
    },
    /// The header asks for a network of many more weights than there are in the file: it is not built, which might take all memory.
    #[error("{} does not fit its architecture: that has {expected} numbers, and the file {held}", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// Numbers in the network.
        expected: u64,
        /// Numbers in the file.
        held: u64,
    },
    /// The weights are not those that were written.
    #[error("{} is damaged: its weights do not have the checksum in its header", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// A file is no `state_dict` that can be read without running what is in it.
    #[error("cannot import {}: {problem}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What is in it instead.
        #[source]
        problem: ImportProblem,
    },
    /// An architecture option makes no sense.
    #[error("model.{key} {must}")]
    Architecture {
        /// The option.
        key: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// The network's answer is NaN or infinite.
    #[error(
        "the network's answer is no finite number: its weights, or an image's numbers, are too large for it"
    )]
    NoNumber,
    /// A fracture map was asked of a network that makes none.
    #[error(
        "{architecture} makes no map of fractures; HiResCAM (grad_cam) can be had of any network"
    )]
    NoMap {
        /// The network.
        architecture: crate::ArchitectureName,
    },
    /// Weights of a backbone were given to a network that has none.
    #[error("{architecture} has no backbone that published weights fit; efficientnet_lite has one")]
    NoBackbone {
        /// The network.
        architecture: crate::ArchitectureName,
    },
    /// libtorch refused.
    #[error("libtorch: {}", first_line(source))]
    Torch {
        /// libtorch's own word; its first line is shown, the rest is its C++ stack.
        #[from]
        source: tch::TchError,
    },
    /// A kernel of our own refused.
    #[error(transparent)]
    Kernel(#[from] osteon_kernels::KernelError),
    /// Writing failed, or an image did not read.
    #[error(transparent)]
    Data(#[from] osteon_data::DataError),
    /// An image given as bytes did not decode.
    #[error(transparent)]
    Decode(#[from] osteon_data::DecodeError),
    /// The figures could not be computed.
    #[error(transparent)]
    Metrics(#[from] osteon_metrics::MetricsError),
    /// Tensors could not be laid out as safetensors.
    #[error("cannot lay out the tensors: {0}")]
    Serialise(#[source] safetensors::SafeTensorError),
}

impl ModelError {
    /// Whether what was asked for is not there: a matter of the call (exit code 2), not of the work.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NoFile { .. } | Self::NoOperatingPoint { .. } => true,
            Self::Data(data) => data.is_usage(),
            _ => false,
        }
    }
}

/// Why a file is not read as a `state_dict`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportProblem {
    /// Of another format.
    #[error("it is neither a safetensors file nor what torch.save writes")]
    Format,
    /// A pickle that `torch.save` did not write.
    #[error("it is a pickle, but not one that torch.save writes")]
    BarePickle,
    /// The archive is damaged.
    #[cfg(feature = "import")]
    #[error("its archive does not read: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// An entry of the archive does not read.
    #[error("its entry {name} does not read: {source}")]
    Entry {
        /// The entry.
        name: String,
        /// The reader's own word.
        #[source]
        source: std::io::Error,
    },
    /// An entry that `torch.save` writes is not there, or is packed, which it never is.
    #[error("its entry {name} {is}")]
    Layout {
        /// The entry.
        name: String,
        /// What is wrong with it.
        is: &'static str,
    },
    /// Something else than tensors by name.
    #[error(
        "its {place} is {found}; a state_dict of tensors alone is read: torch.save(model.state_dict(), …)"
    )]
    NotFlat {
        /// `top` or `entry …`.
        place: String,
        /// What it is.
        found: &'static str,
    },
    /// The pickle asks for code that is not a tensor's. It is not run.
    #[error(
        "it asks for {0}, which is not run; a state_dict of tensors alone is read: torch.save(model.state_dict(), …)"
    )]
    Foreign(String),
    /// An instruction that no `state_dict` needs, or one that makes no sense.
    #[error("its pickle {what}, at byte {at}")]
    Pickle {
        /// What it does.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// A tensor that lies beyond its numbers, or has a number more than once.
    #[error("tensor {0} does not lie within its stored numbers")]
    Beyond(String),
}

/// One tensor that is not what the architecture has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WeightProblem {
    /// The architecture has it, the file has not.
    #[error("tensor {0} is missing")]
    Missing(String),
    /// The file has it, the architecture has not.
    #[error("tensor {name} is unknown; the nearest known name is {nearest}")]
    Unknown {
        /// Its name.
        name: String,
        /// The most similar name in the architecture.
        nearest: String,
    },
    /// Another shape.
    #[error("tensor {name} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Shape in the file.
        found: Vec<i64>,
        /// Shape in the architecture.
        expected: Vec<i64>,
    },
    /// Another element type.
    #[error("tensor {name} has element type {found}, expected {expected}")]
    Dtype {
        /// Its name.
        name: String,
        /// Type in the file.
        found: String,
        /// What is read.
        expected: &'static str,
    },
    /// Two tensors of a file got one name.
    #[error("tensor {0} comes twice, by the names given")]
    Twice(String),
    /// Values that 16 bits do not hold.
    #[error("tensor {0} holds values that 16 bits do not hold: above 65504, or no numbers")]
    TooLarge(String),
    /// A variance below 0, whose root is no number.
    #[error("tensor {0} is a variance and holds values below 0")]
    Negative(String),
    /// NaN or infinity.
    #[error("tensor {0} holds values that are not finite")]
    NotFinite(String),
}

/// libtorch appends its C++ frames to every message; a person needs the first line.
pub(crate) fn first_line(error: &tch::TchError) -> String {
    error
        .to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
