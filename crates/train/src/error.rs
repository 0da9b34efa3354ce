//! What can go wrong in a training run.

use std::path::PathBuf;

use osteon_collective::CollectiveError;
use osteon_data::SharedGroup;
use osteon_files::FileError;
use osteon_model::{ArchitectureName, Backbone, WeightProblem};
use thiserror::Error;

use crate::{ConfigError, Difference, MissingDevice};

/// Errors of training.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The images.
    #[error(transparent)]
    Data(#[from] osteon_data::DataError),
    /// The network or its file.
    #[error(transparent)]
    Model(#[from] osteon_model::ModelError),
    /// The figures.
    #[error("the figures on val cannot be computed: {0}")]
    Metrics(#[from] osteon_metrics::MetricsError),
    /// libtorch refused.
    #[error("libtorch: {}", first_line(source))]
    Torch {
        /// libtorch's own word; its first line is shown, the rest is its C++ stack.
        #[from]
        source: tch::TchError,
    },
    /// A device word that is none.
    #[error("unknown device {name:?}: expected auto, cpu, cuda, cuda:N or mps")]
    UnknownDevice {
        /// The word given.
        name: String,
    },
    /// A device that is not there.
    #[error("device {name} is not available: {reason}")]
    NoDevice {
        /// The device asked for.
        name: String,
        /// What is missing.
        reason: MissingDevice,
    },
    /// The run folder holds a run already.
    #[error("{} holds a run already", path.display())]
    RunExists {
        /// The run folder.
        path: PathBuf,
    },
    /// Nothing to resume.
    #[error("{} holds no run to resume: {} is missing", path.display(), missing)]
    NoRun {
        /// The run folder.
        path: PathBuf,
        /// The file that would make it one.
        missing: &'static str,
    },
    /// Another process trains into the folder.
    #[error("{} is in use by another training process", path.display())]
    RunInUse {
        /// The run folder.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint that does not fit the run.
    #[error("the checkpoint {} is damaged: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Images that do not read, under `data.unreadable = "error"`.
    #[error("{count} images of {split} do not read; the first is {first}")]
    Unreadable {
        /// How many.
        count: usize,
        /// In which split.
        split: &'static str,
        /// Id and reason of the first.
        first: String,
    },
    /// A patient, or another group that the data set names, in two splits, where `data.allow_leak` does not allow it.
    #[error("{}", shared(groups))]
    SharedGroups {
        /// Those that lie in several splits.
        groups: Vec<SharedGroup>,
    },
    /// Fewer images than one batch.
    #[error("train.batch_size is {batch_size}, but there are only {films} training images")]
    BatchTooLarge {
        /// As configured.
        batch_size: usize,
        /// As read.
        films: usize,
    },
    /// Not one image, or one class only, to train on.
    #[error("the training images are all {class}: there is nothing to tell apart")]
    OneClass {
        /// The class there is.
        class: &'static str,
    },
    /// The network is to learn where fractures are, and no image says so.
    #[error(
        "loss.map is set, but no training image has boxes. Name a table of them in data.annotations, or set loss.map to 0"
    )]
    NoBoxes,
    /// Training was to begin from the weights of another network.
    #[error(
        "train.init: {} holds the network {found}, and model.name is {expected}",
        path.display()
    )]
    InitNetwork {
        /// The model file.
        path: PathBuf,
        /// The network in it.
        found: ArchitectureName,
        /// The network of the config.
        expected: ArchitectureName,
    },
    /// The published weights of a backbone are not where they are sought.
    #[error(
        "train.init = \"imagenet\": the published weights of {backbone} are not at {}",
        path.display()
    )]
    NoBackbone {
        /// Where they were sought.
        path: PathBuf,
        /// The backbone.
        backbone: Backbone,
    },
    /// Training was to begin from weights of other sizes.
    #[error(
        "train.init: {} is a network of other sizes than section model: {problem}",
        path.display()
    )]
    InitSizes {
        /// The model file.
        path: PathBuf,
        /// The first tensor that does not fit.
        problem: WeightProblem,
    },
    /// What was to be averaged is not the folds of one cross-validation.
    #[error("{}: the models of one cross-validation's folds can be averaged, and here {problem}", path.display())]
    NotFolds {
        /// The model file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// An average of folds has no val of its own to be fitted to.
    #[error(
        "the average of a cross-validation's folds has seen all their images: what it decides can be fitted to their out-of-fold scores alone"
    )]
    AverageUnfitted,
    /// The val that an average was to be judged on is not apart.
    #[error(
        "{images} images of val in {data} are among those that the folds learned from: no figure on them would say anything"
    )]
    ValLearned {
        /// How many.
        images: usize,
        /// The data set given.
        data: String,
    },
    /// No row of a table has the value that was asked for.
    #[error("{}: no row has {field}={value}", path.display())]
    NoSuchRows {
        /// The table.
        path: PathBuf,
        /// The column.
        field: String,
        /// The value.
        value: String,
    },
    /// Training was to begin from a model that knows val.
    #[error("train.init: {} has learned from {images} of the images of val: figures on them would show memory", path.display())]
    InitLearned {
        /// The model file.
        path: PathBuf,
        /// How many.
        images: usize,
    },
    /// A model was to be fitted anew to val images that are not those it was chosen on.
    #[error(
        "the images of val in {data} are not those that {} was chosen on: its thresholds can be fitted anew only to the same images",
        path.display()
    )]
    OtherVal {
        /// The model file.
        path: PathBuf,
        /// The data set given.
        data: String,
    },
    /// The loss is NaN or infinite.
    #[error(
        "the loss is {loss} in epoch {epoch}, step {step}. The last checkpoint and the best model are as they were. Try a lower optimizer.lr, or optimizer.clip_norm=1. Its images: {}",
        some_of(films)
    )]
    Diverged {
        /// The loss.
        loss: f64,
        /// Counted from 1.
        epoch: u64,
        /// Steps taken in the run before it.
        step: u64,
        /// The images of that step.
        films: Vec<String>,
    },
    /// Memory does not suffice.
    #[error(
        "out of memory with batches of {batch_size} images of {side} pixels: {}",
        first_line(source)
    )]
    OutOfMemory {
        /// libtorch's own word.
        #[source]
        source: tch::TchError,
        /// `train.batch_size`.
        batch_size: usize,
        /// `train.accumulate`.
        accumulate: usize,
        /// `preprocess.size`.
        side: u32,
    },
    /// Half precision without the hardware for it.
    #[error("compute.precision=fp16 needs CUDA; on the CPU, bf16 is what is fast")]
    HalfOnCpu,
    /// The processes that train together cannot go on together.
    #[error(transparent)]
    Collective(#[from] CollectiveError),
    /// Another of the processes that train together failed.
    #[error("rank {rank} failed: {said}")]
    OtherRank {
        /// The number of the process.
        rank: usize,
        /// Its own word.
        said: String,
    },
    /// A table of scores that does not read or write.
    #[error("{}: {source}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The reader's own word, with its line.
        #[source]
        source: csv::Error,
    },
    /// A table of out-of-fold logits that does not say what is needed.
    #[error("{}{}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(", line {line}")))]
    Scores {
        /// The file.
        path: PathBuf,
        /// Where in it.
        line: Option<u64>,
        /// What is wrong.
        problem: String,
    },
    /// A run that is not the one its checkpoint is of.
    #[error(
        "{} is another run than the one asked for:\n{}",
        path.display(), lines(differences)
    )]
    Changed {
        /// The checkpoint.
        path: PathBuf,
        /// In what.
        differences: Vec<Difference>,
    },
}

impl TrainError {
    /// Whether a file or folder could not be read or written: what was kept before is as it was, and a run can go on once that is fixed.
    #[must_use]
    pub fn is_io(&self) -> bool {
        use osteon_data::DataError;
        use osteon_model::ModelError;
        matches!(
            self,
            Self::File(_)
                | Self::Data(DataError::File(_) | DataError::PackChanged { .. })
                | Self::Model(ModelError::File(_) | ModelError::Data(DataError::File(_)))
        )
    }

    /// Whether the fault lies in how the program was called or configured (exit code 2) rather than in the work (1).
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Data(data) => data.is_usage(),
            Self::Model(model) => model.is_usage(),
            Self::Collective(collective) => matches!(
                collective,
                CollectiveError::HalfSet { .. } | CollectiveError::Variable { .. }
            ),
            Self::Config(_)
            | Self::UnknownDevice { .. }
            | Self::NoDevice { .. }
            | Self::RunExists { .. }
            | Self::NoRun { .. }
            | Self::BatchTooLarge { .. }
            | Self::HalfOnCpu
            | Self::NoBoxes
            | Self::SharedGroups { .. }
            | Self::OtherVal { .. }
            | Self::NotFolds { .. }
            | Self::InitLearned { .. }
            | Self::AverageUnfitted
            | Self::ValLearned { .. }
            | Self::NoSuchRows { .. }
            | Self::InitNetwork { .. }
            | Self::InitSizes { .. }
            | Self::NoBackbone { .. }
            | Self::Changed { .. } => true,
            _ => false,
        }
    }
}

/// libtorch appends its C++ frames to every message; a person needs the first line.
fn first_line(error: &tch::TchError) -> String {
    let said = error.to_string();
    said.lines().next().unwrap_or_default().to_owned()
}

/// The first eight names.
fn shared(groups: &[SharedGroup]) -> String {
    let films: usize = groups.iter().flat_map(|g| g.images.values()).sum();
    let first: Vec<String> = groups.iter().take(5).map(ToString::to_string).collect();
    let (are, more) = match groups.len() {
        1 => ("1 patient or group lies", String::new()),
        n if n > first.len() => (
            "patients or groups lie",
            format!("; and {} more", n - first.len()),
        ),
        _ => ("patients or groups lie", String::new()),
    };
    let count = match groups.len() {
        1 => String::new(),
        n => format!("{n} "),
    };
    format!(
        "{count}{are} in more than one split, with {films} images: {}{more}",
        first.join("; ")
    )
}

fn some_of(films: &[String]) -> String {
    let mut text = films.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    if films.len() > 8 {
        text = format!("{text} and {} more", films.len() - 8);
    }
    text
}

fn lines(differences: &[Difference]) -> String {
    let line = |difference: &Difference| format!("  {difference}");
    differences.iter().map(line).collect::<Vec<_>>().join("\n")
}
