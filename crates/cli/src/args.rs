//! The command line, as typed.

mod listen;
#[cfg(feature = "serve")]
mod serve;

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use osteon_data::Layout;
use osteon_model::HeatKind;

pub use self::listen::ListenArgs;
#[cfg(feature = "serve")]
pub use self::serve::{LogCommand, LogForm, PrecisionArg, ServeArgs, VerifyArgs};

/// Tells fractured from unfractured bones on X-rays: trains, judges and uses a network.
///
/// Not a medical device: not for diagnosis.
#[derive(Debug, Parser)]
#[command(name = "osteon", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network; ends with its figures on val
    Train(TrainArgs),
    /// Train one network after the other over values of config keys, and compare them on val
    Sweep(SweepArgs),
    /// Judge a model on a split of a data set
    Evaluate(EvaluateArgs),
    /// Judge two models on the same images, with paired tests
    Compare(CompareArgs),
    /// Score images: files or folders, one line each
    Predict(PredictArgs),
    /// Take DICOM images over the network, judge them and send the answers to another node
    Listen(ListenArgs),
    /// Say what a model file says of itself
    Info(InfoArgs),
    /// Write a model file of half the size: weights in 16 bits
    Shrink(ShrinkArgs),
    /// Write a model for other programs: TorchScript, ONNX, plain safetensors
    Export(ExportArgs),
    /// Make a model file of a PyTorch `state_dict`
    Import(ImportArgs),
    /// Serve the web page and the HTTP API
    #[cfg(feature = "serve")]
    Serve(ServeArgs),
    /// Make and look at data
    #[command(subcommand)]
    Data(DataCommand),
    /// Look after a log of decisions
    #[cfg(feature = "serve")]
    #[command(subcommand)]
    AuditLog(LogCommand),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Write manual pages, one a command, to a folder
    #[command(hide = true)]
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Write synthetic radiographs with known fractures
    Synth(SynthArgs),
    /// Divide a data set into train, val and test, or into folds, and write the division as a manifest
    Split(SplitArgs),
    /// Decodes a data set once and keeps it, for `train` to map into memory
    Pack(PackArgs),
    /// Look for copies, leaks between splits, wrong labels, files that do not read, and figures that give the class away
    Audit(AuditArgs),
}

#[derive(Debug, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "flags as typed: each stands for itself"
)]
pub struct TrainArgs {
    /// TOML file with settings that differ from the defaults (see configs/)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data set: train|val|test / fractured|not fractured, a manifest, or another layout (see docs/DATA.md)
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Run folder [default: runs/ and the config's name]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Go on with the run in the run folder, with its config
    #[arg(long, conflicts_with = "config")]
    pub resume: bool,
    /// Go on even if settings, images or program are not those of the checkpoint
    #[arg(long, requires = "resume")]
    pub force: bool,
    /// auto, cpu, cuda, cuda:N or mps
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Set one value of the config, such as train.epochs=5; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// How what the config leaves open of precision, memory order and threads is decided
    #[arg(long, value_name = "RULE", value_parser = PossibleValuesParser::new(["auto", "measure", "fixed"]))]
    pub plan: Option<String>,
    /// Look for a learning rate instead: raise it step by step and draw the loss
    #[arg(long, conflicts_with_all = ["resume", "test", "sanity", "folds", "tui"])]
    pub find_lr: bool,
    /// Check instead whether one batch can be learned by heart; exit code 1 if not
    #[arg(long, conflicts_with_all = ["resume", "test", "folds", "tui"])]
    pub sanity: bool,
    /// Cross-validate instead: K runs, each judged on images that it neither learned from nor was chosen on
    #[arg(long, value_name = "K", conflicts_with = "test")]
    pub folds: Option<usize>,
    /// Judge the finished model on test, too
    #[arg(long)]
    pub test: bool,
    /// Train although a patient, or another group that the data set names, lies in two splits: the figures will show memory, too
    #[arg(long)]
    pub allow_leak: bool,
    /// Show a dashboard: curves, throughput, epochs, log; plain lines where there is no terminal
    #[arg(long)]
    pub tui: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SweepArgs {
    /// TOML file with settings that differ from the defaults (see configs/)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data set: train|val|test / fractured|not fractured, a manifest, or another layout (see docs/DATA.md)
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Values of a key to try, such as optimizer.lr=1e-3,3e-3; repeatable: every combination is tried
    #[arg(long, value_name = "SECTION.KEY=V1,V2")]
    pub grid: Vec<String>,
    /// Try so many draws from the ranges (and from the values of --grid) instead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..).map(|n| n as usize))]
    pub random: Option<usize>,
    /// Range of a key to draw from, such as optimizer.lr=1e-4..1e-2:log; of whole numbers if both ends are; repeatable
    #[arg(long, value_name = "SECTION.KEY=LOW..HIGH[:log]", requires = "random")]
    pub range: Vec<String>,
    /// The same seed draws the same values; more draws begin with the same ones
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Folder for the runs, sweep.csv and sweep.json; called again, finished trials are kept and an interrupted one goes on
    #[arg(long, default_value = "runs/sweep", value_name = "DIR")]
    pub out: PathBuf,
    /// What the table is sorted by [default: the config's train.monitor]
    #[arg(long, value_enum)]
    pub by: Option<SweepBy>,
    /// auto, cpu, cuda, cuda:N or mps
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Set one value of the config for all trials, such as train.epochs=5; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Train although a patient, or another group that the data set names, lies in two splits: the figures will show memory, too
    #[arg(long)]
    pub allow_leak: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What trials are compared by, at the best epoch of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[value(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum SweepBy {
    /// ROC-AUC on val, the highest first
    ValRocAuc,
    /// Loss on val, the lowest first
    ValLoss,
}

#[derive(Debug, Args)]
pub struct EvaluateArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub data: DataArgs,
    /// Which split to judge
    #[arg(long, default_value = "test", value_name = "SPLIT")]
    pub split: String,
    /// What images that do not read mean
    #[arg(long, value_enum, default_value = "error")]
    pub unreadable: UnreadablePolicy,
    /// Write a report to this folder: index.html, judgement.json, figures.csv and scores.csv
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Model file, or the run folder that holds it
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The other [default: accurate, a model that ships with the program]
    #[arg(value_name = "B")]
    pub b: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataArgs,
    /// Which split to judge them on
    #[arg(long, default_value = "test", value_name = "SPLIT")]
    pub split: String,
    /// auto, cpu, cuda, cuda:N or mps
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which images.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Data set: train|val|test / fractured|not fractured, a manifest, or another layout; what comes undivided is test
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    #[command(flatten)]
    pub names: NameArgs,
    /// What else is known of the images: a CSV with a row an image, whose columns become subgroups, groups and boxes; or boxes alone, a COCO file or a folder of
    /// PASCAL VOC or YOLO files (see docs/DATA.md)
    #[arg(long, value_name = "PATH")]
    pub annotations: Option<PathBuf>,
}

/// How a data set lies on disk, and what its classes are called.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// How it lies on disk
    #[arg(long, default_value_t = Layout::Auto, value_name = "LAYOUT", value_parser = layout())]
    pub layout: Layout,
    /// Config whose data.layout and data.classes say how it lies and what its classes are called
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value of the config, such as `data.classes.fractured=["kırık"]`; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

/// Images that do not read are always named and counted, and never enter a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnreadablePolicy {
    /// Judge the rest, but end with exit code 1
    Error,
    /// Judge the rest and end with exit code 0
    Skip,
    /// Judge damaged images by what decodes of them; what shows nothing is skipped as by `skip`
    Repair,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("pictures").multiple(true))]
pub struct PredictArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Images, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write a PNG an image to this folder: the image beside itself with what speaks for a fracture, and the score
    #[arg(long, value_name = "DIR", group = "pictures")]
    pub heatmap: Option<PathBuf>,
    /// What the heatmaps show
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "KIND",
        requires = "pictures"
    )]
    pub heatmap_kind: HeatmapKind,
    /// Write the answer for each DICOM image to this folder as DICOM: a Secondary Capture and a Structured Report, in the image's study
    #[arg(long, value_name = "DIR", group = "pictures")]
    pub dicom: Option<PathBuf>,
    /// Write the boxes that the model gives to this file as COCO JSON, with the images they are on
    #[arg(long, value_name = "FILE", group = "pictures")]
    pub coco: Option<PathBuf>,
    /// Memory that the program may take, such as 512MiB or 4GiB; an image that would need more, by its header, is an error of that image
    #[arg(long, default_value = "2GiB", value_name = "SIZE")]
    pub max_memory: ByteSize,
    /// Decide also what the input gate takes for no radiograph
    #[arg(long)]
    pub judge_anyway: bool,
    /// Print one JSON object an image
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV
    #[arg(long)]
    pub csv: bool,
}

/// What explains a network's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum HeatmapKind {
    /// The network's own map of fractures if it has one, HiResCAM else
    Auto,
    /// The network's own map of fractures
    FractureMap,
    /// HiResCAM (Grad-CAM cell by cell), of any network; relative to each image's hottest place
    GradCam,
}

impl HeatmapKind {
    /// As the model takes it.
    pub fn kind(self) -> Option<HeatKind> {
        match self {
            Self::Auto => None,
            Self::FractureMap => Some(HeatKind::FractureMap),
            Self::GradCam => Some(HeatKind::GradCam),
        }
    }
}

#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Model file, the run folder that holds it, or a model that ships with the program: accurate, fast [default: accurate]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// auto, cpu, cuda, cuda:N or mps
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Decide at this operating point of the model, such as screening (see `osteon info`) [default: its first]
    #[arg(long, value_name = "NAME")]
    pub operating_point: Option<String>,
}

#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Model file, the run folder that holds it, or a model that ships with the program: accurate, fast [default: accurate]
    #[arg(value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Print the model card, as Markdown
    #[arg(long, conflicts_with = "json")]
    pub card: bool,
    /// Print the whole header as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ShrinkArgs {
    /// Model file, or the run folder that holds it; of a cross-validation's run folder the average of its folds' weights
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// Model file to write
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Judge val with the rounded weights, and fit thresholds and figures to that; by the config in MODEL's run folder, or --config
    #[arg(long)]
    pub refit: bool,
    /// Config of the run [default: config.toml beside the model file]
    #[arg(long, value_name = "FILE", requires = "refit")]
    pub config: Option<PathBuf>,
    /// The data set that the model was trained on, where it lies elsewhere by now
    #[arg(long, value_name = "DIR", requires = "refit")]
    pub data: Option<PathBuf>,
    /// Fit calibration, operating points and doubt band to these out-of-fold logits in place of val's: the `out_of_fold.csv` of `train --folds`
    #[arg(long, value_name = "FILE.csv", requires = "refit")]
    pub scores: Option<PathBuf>,
    /// Fit to those rows alone that have this value in this column, such as source=fracatlas
    #[arg(long, value_name = "COLUMN=VALUE", requires = "scores")]
    pub only: Option<String>,
    /// Set one value of the config; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE", requires = "refit")]
    pub set: Vec<String>,
    /// What the model is to be called, for `osteon info`, the card and the service
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Model file, the run folder that holds it, or a model that ships with the program: accurate, fast [default: accurate]
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: ExportForm,
    /// File to write
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What a model can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportForm {
    /// For torch.jit.load in Python and C++
    Torchscript,
    /// For ONNX Runtime and others
    Onnx,
    /// A model file with every weight in 32 bits
    Safetensors,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The `state_dict`: a safetensors file, or what torch.save wrote; no pickle is run
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Model file to write
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// The network whose weights these are (see docs/MODELS.md)
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "config",
        value_parser = PossibleValuesParser::new(["seed_cnn", "residual", "fracture_map"])
    )]
    pub architecture: Option<String>,
    /// Side of the network's square input in pixels [default: the config's preprocess.size]
    #[arg(long, value_name = "PIXELS")]
    pub size: Option<u32>,
    /// Config whose sections model and preprocess say which network and how images are fitted
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value of the config, such as model.residual.size=large or preprocess.mean=0.5; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Rename tensors: OLD, a whole name or what stands before a dot, becomes NEW; repeatable, the first that fits counts
    #[arg(long, value_name = "OLD=NEW")]
    pub rename: Vec<osteon_model::Rename>,
    /// Licence of the weights, for the header
    #[arg(long, value_name = "TEXT")]
    pub licence: Option<String>,
    /// Whom the weights and their data are owed to, for the header
    #[arg(long, value_name = "TEXT")]
    pub attribution: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SynthArgs {
    /// New folder to write to
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// How many images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    pub images: u32,
    /// The same seed writes the same images
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PackArgs {
    /// Data set: a folder in any layout, or a manifest
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// How it lies on disk
    #[arg(long, default_value_t = Layout::Auto, value_name = "LAYOUT", value_parser = layout())]
    pub layout: Layout,
    /// Folder of decoded images to keep them in [default: the config's data.cache]
    #[arg(long, value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Config whose section preprocess and data.unreadable say how images are decoded and fitted, and data.classes what their classes are called
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set one value of the config, such as preprocess.size=384; repeatable
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct SplitArgs {
    /// Data set: a folder in any layout, or a manifest
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub names: NameArgs,
    /// Insist on groups: where the data set knows of none, copies of one image are looked for, as `data audit` does
    #[arg(long)]
    pub by_group: bool,
    /// What belongs together besides the groups that the data set knows of: a JSON file of `data audit --json`, or a column; repeatable
    #[arg(long, value_name = "FILE.json|COLUMN")]
    pub groups: Vec<String>,
    /// Fraction of images in val
    #[arg(long, default_value_t = 0.15, value_name = "FRACTION")]
    pub val: f64,
    /// Fraction of images in test
    #[arg(long, default_value_t = 0.15, value_name = "FRACTION")]
    pub test: f64,
    /// Divide into K equal folds instead; writes a manifest a fold, which is test in it, and the next is val
    #[arg(long, value_name = "K", conflicts_with_all = ["val", "test", "clean"])]
    pub folds: Option<usize>,
    /// Keep the splits as they are, and leave out images of val and test that share a group with an earlier split
    #[arg(long, conflicts_with_all = ["val", "test", "balance"])]
    pub clean: bool,
    /// Column whose values each split gets its share of, besides the classes
    #[arg(long, value_name = "COLUMN")]
    pub balance: Option<String>,
    /// The same seed divides the same images the same way
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Manifest to write [default: manifest.csv in DIR]
    #[arg(long, value_name = "FILE.csv")]
    pub out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl SplitArgs {
    /// Whether it is train, val and test that are asked for.
    pub fn is_plain(&self) -> bool {
        self.folds.is_none() && !self.clean
    }
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Data set: a folder in any layout, or a manifest
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[command(flatten)]
    pub names: NameArgs,
    /// Only this split; repeatable [default: all]
    #[arg(long, value_name = "SPLIT")]
    pub split: Vec<String>,
    /// Check these boxes, too: a COCO file, or a folder of PASCAL VOC or YOLO files
    #[arg(long, value_name = "PATH")]
    pub boxes: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write index.html, one page with tables and contact sheets, to this folder
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Layouts by name, with their names in the help and in completions.
fn layout() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(Layout::name)).try_map(|name| name.parse::<Layout>())
}
