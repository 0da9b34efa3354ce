//! What `POST /api/v1/predictions` answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use osteon_dicom::{Answer, Object};
use osteon_model::{Decision, DoubtBand, Flag, HeatKind, OperatingPoint, Promises, Region, Rule};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::ProblemBody;
use crate::service::App;

/// Images judged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Predictions {
    /// What judged them.
    pub model: Stamp,
    /// One for each file, in their order.
    pub predictions: Vec<FilmAnswer>,
}

/// The model, as far as an answer needs it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stamp {
    /// What the model is called, such as `accurate`, if it has a name.
    pub model: Option<String>,
    /// The network.
    pub name: String,
    /// The program that serves it, with its version.
    pub program: String,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// The operating point that decided; null where the threshold is none of the model's.
    pub operating_point: Option<String>,
    /// Scores from here on are called fractured.
    pub threshold: f64,
    /// Scores that are left to a person.
    pub doubt_band: Option<Band>,
    /// What is promised outside the doubt band; null for a model whose file says nothing of sides.
    #[schema(value_type = Option<Promised>)]
    pub promises: Option<Promises>,
}

/// Scores from `low` to `high` are left to a person.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Band {
    pub low: f64,
    pub high: f64,
    /// In models without `promises`: at most this share of the images that are decided is decided wrongly …
    pub error: Option<f64>,
    /// … with this probability.
    pub confidence: Option<f64>,
}

/// What is said of a file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FilmAnswer {
    /// It was judged.
    Judged(Box<JudgedFilm>),
    /// It was not.
    Refused(RefusedFilm),
}

/// An image that was judged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JudgedFilm {
    /// Its place among the files, from 0.
    pub index: usize,
    /// As the form names it.
    pub name: Option<String>,
    /// Pixels across, the right way up.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Calibrated probability of a fracture, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub score: f64,
    /// What follows from it.
    #[schema(value_type = DecisionName)]
    pub decision: Decision,
    /// How much it looks like a radiograph, 0 to 1; null for a model without an input gate.
    pub xray_score: Option<f64>,
    /// What should make a reader careful.
    #[schema(value_type = Vec<FlagName>)]
    pub flags: Vec<Flag>,
    /// The input gate takes it for no radiograph, and it was decided anyway because that was asked for.
    pub judged_anyway: bool,
    /// From the file to the answer, waiting included.
    pub milliseconds: f64,
    /// Where the answer comes from, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub heatmap: Option<Heat>,
    /// The image as decoded, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub picture: Option<Picture>,
    /// The answer as DICOM, in the image's own study, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dicom: Option<DicomAnswer>,
}

/// A file that was not judged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedFilm {
    /// Its place among the files, from 0.
    pub index: usize,
    /// As the form names it.
    pub name: Option<String>,
    /// Why it was refused.
    pub error: ProblemBody,
}

/// What is promised of decisions outside the doubt band, one promise a side.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "stands for the type of another crate in the schema"
)]
pub(crate) struct Promised {
    /// Of the images called fractured at most so many are not.
    pub fractured: PromisedSide,
    /// Of all fractures at most so many are called not fractured.
    pub missed: PromisedSide,
}

/// A promise.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "stands for the type of another crate in the schema"
)]
pub(crate) struct PromisedSide {
    /// The largest share of errors …
    pub error: f64,
    /// … kept with this probability over the draw of the images it was made on.
    pub confidence: f64,
    /// The score to which it reaches; null where it was refused.
    pub cut: Option<f64>,
    /// Of the images it was made on, those called fractured, or all fractures.
    pub of: u64,
    /// Those of them called wrongly.
    pub wrong: u64,
    /// Why it was refused.
    #[schema(nullable = false)]
    pub refusal: Option<String>,
}

/// Where an answer comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Heat {
    /// PNG in base64, RGBA, of the size of `picture`: to be laid over it.
    pub png: String,
    /// What it shows.
    #[schema(value_type = HeatKindName)]
    pub kind: HeatKind,
    /// The hottest regions, the hottest first.
    #[schema(value_type = Vec<Boxed>)]
    pub boxes: Vec<Region>,
}

/// A region, relative to the image's width and height, 0 to 1 from its upper left corner.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "stands for the type of another crate in the schema"
)]
pub(crate) struct Boxed {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    /// Of its hottest cell, 0 to 1; ranks places, and is no probability.
    pub heat: f64,
}

/// The image as decoded, the right way up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Picture {
    /// PNG in base64, 8-bit gray.
    pub png: String,
    /// Pixels across: those of the image, or fewer so that the longest side is 1,024.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// What a hospital's archive takes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DicomAnswer {
    /// Secondary Capture: the image beside itself with heat on it.
    pub capture: DicomFile,
    /// Structured Report: score, decision, regions, model.
    pub report: DicomFile,
}

/// A DICOM file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DicomFile {
    /// What it is, as DICOM numbers it.
    pub sop_class_uid: &'static str,
    /// New with every answer.
    pub sop_instance_uid: String,
    /// The whole file in base64.
    pub file: String,
}

impl From<Answer> for DicomAnswer {
    fn from(answer: Answer) -> Self {
        let file = |object: Object| DicomFile {
            sop_class_uid: object.class,
            sop_instance_uid: object.instance,
            file: STANDARD.encode(object.bytes),
        };
        Self {
            capture: file(answer.capture),
            report: file(answer.report),
        }
    }
}

/// The names of [`Decision`].
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(
    dead_code,
    reason = "stands for the type of another crate in the schema"
)]
pub(crate) enum DecisionName {
    Fractured,
    Doubt,
    NotFractured,
    NotAnXray,
}

/// The names of [`Flag`].
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(
    dead_code,
    reason = "stands for the type of another crate in the schema"
)]
pub(crate) enum FlagName {
    Annotated,
    CrossSection,
    OutsideTraining,
    SeenInTraining,
    NearlyBlack,
    NearlyWhite,
}

/// The names of [`HeatKind`].
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(
    dead_code,
    reason = "stands for the type of another crate in the schema"
)]
pub(crate) enum HeatKindName {
    FractureMap,
    GradCam,
}

impl Stamp {
    pub fn of(app: &App, rule: &Rule) -> Self {
        Self {
            model: app.info.name.clone(),
            name: app.info.architecture.name.to_string(),
            program: PROGRAM.to_owned(),
            weights_sha256: app.info.weights_sha256.clone(),
            operating_point: point_of(app, rule),
            threshold: rule.threshold,
            doubt_band: rule.band.map(Band::from),
            promises: app.info.promises.clone(),
        }
    }
}

/// The operating point of a rule, by its threshold.
pub(crate) fn point_of(app: &App, rule: &Rule) -> Option<String> {
    let mut points = app.info.operating_points.iter();
    let same = |point: &&OperatingPoint| point.threshold.to_bits() == rule.threshold.to_bits();
    points.find(same).map(|point| point.name.clone())
}

impl From<DoubtBand> for Band {
    fn from(band: DoubtBand) -> Self {
        Self {
            low: band.low,
            high: band.high,
            error: band.error,
            confidence: band.confidence,
        }
    }
}

/// This program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// This program and its version.
pub(crate) const PROGRAM: &str = concat!("osteon ", env!("CARGO_PKG_VERSION"));
