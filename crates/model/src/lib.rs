//! The networks, the model file and the predictor, on libtorch.
#![doc = include_str!("../README.md")]

mod allocator;
mod busy;
mod calibration;
mod compute;
mod decide;
mod error;
mod explain;
#[cfg(feature = "export")]
mod export;
mod file;
mod flag;
mod header;
mod import;
mod info;
#[cfg_attr(
    not(feature = "export"),
    expect(dead_code, reason = "graphs are drawn to be exported")
)]
mod network;
mod predictor;
mod prepare;
#[cfg(feature = "shipped")]
mod shipped;

pub use allocator::{give_back_freed_memory, keep_freed_memory};
pub use busy::{Sharing, Waiting, set_threads};
pub use calibration::{Calibration, CalibrationMethod, OperatingPoint};
pub use compute::{Compute, MemoryFormat, Mode, Precision};
pub use decide::{DoubtBand, FittedOn, FittedSource, Promised, Promises, Rule, doubt_in_words};
pub use error::{ImportProblem, ModelError, WeightProblem};
pub use explain::{Area, DELETED_SHARES, Deleted, Explained, HeatKind, Heatmap, Placement, Region};
#[cfg(feature = "export")]
pub use export::{ExportFormat, export};
pub use file::{
    Storage, TensorRecord, checksum_of, info_of, load, load_bytes, read_info, read_tensors, save,
    save_as, write_tensors,
};
pub use flag::{Flag, Flags};
pub use import::begin_from_backbone;
#[cfg(feature = "import")]
pub use import::{Rename, import};
pub use info::{Decided, FORMAT_VERSION, Figures, ModelInfo, Program, Subset, TrainingData};
pub use network::{
    Answer, Architecture, ArchitectureName, Backbone, EfficientNetLite, EfficientNetLiteOptions,
    FractureMap, FractureMapOptions, LiteVariant, Net, Network, Residual, ResidualOptions,
    ResidualSize, SeedCnn,
};
pub use predictor::{Decision, Prediction, Predictor, logits_of};
pub use prepare::{Prepared, Preparer};
#[cfg(feature = "shipped")]
pub use shipped::Shipped;
pub use tch::Device;
