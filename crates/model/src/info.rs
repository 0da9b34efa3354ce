//! What a model file says of itself: the JSON under the key `osteon` in its header.

use std::collections::BTreeSet;

use osteon_audit::ImageHash;
use osteon_data::Preprocess;
use osteon_gate::Gate;
use osteon_metrics::{DetectionSummary, Estimate, Summary};
use serde::{Deserialize, Serialize};

use crate::{Architecture, Calibration, DoubtBand, FittedOn, OperatingPoint, Promised, Promises};

/// The format this program writes. It also reads format 1, whose header has no checksum.
pub const FORMAT_VERSION: u64 = 2;

/// Everything needed to use the weights, and where they come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// [`FORMAT_VERSION`].
    pub format_version: u64,
    /// What the model is called, such as `accurate`, if it has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What wrote it.
    pub program: Program,
    /// The network.
    pub architecture: Architecture,
    /// From an image to the network's input.
    pub preprocess: Preprocess,
    /// In label order; index 1 is the positive class, fractured.
    pub class_names: [String; 2],
    /// From a logit to the score.
    pub calibration: Calibration,
    /// The first is the one used where none is asked for.
    pub operating_points: Vec<OperatingPoint>,
    /// Scores in which the model does not decide, or none.
    pub doubt_band: Option<DoubtBand>,
    /// Why there is no doubt band, in words.
    #[serde(default)]
    pub doubt_refusal: Option<String>,
    /// What is promised outside the doubt band. Files that earlier programs wrote have none: their band promises for both sides together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promises: Option<Promises>,
    /// What calibration, operating points and promises were fitted to; val, where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fitted_on: Option<FittedOn>,
    /// What tells radiographs from other pictures; without one every picture is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// What it was trained and chosen on.
    pub training_data: TrainingData,
    /// How it did there.
    pub metrics: Figures,
    /// Licence of the weights, if stated.
    #[serde(default)]
    pub licence: Option<String>,
    /// Whom the data are owed to, if stated.
    #[serde(default)]
    pub attribution: Option<String>,
    /// SHA-256 of the weights' bytes in the order of their names; set by [`crate::save`].
    #[serde(default)]
    pub weights_sha256: String,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// `osteon`.
    pub name: String,
    /// As in its `Cargo.toml`.
    pub version: String,
}

/// What the weights were fitted and chosen on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TrainingData {
    /// The data set's folder name, without its place on a disk.
    pub name: String,
    /// SHA-256 over its catalogue: which images there were, with which labels, splits and groups.
    #[serde(default)]
    pub catalog_fingerprint: String,
    /// SHA-256 over id, label and content of the training images.
    pub train_fingerprint: String,
    /// The same of the validation images.
    pub val_fingerprint: String,
    /// Training images.
    pub train_images: u64,
    /// Fractured ones among them.
    pub train_fractured: u64,
    /// Validation images.
    pub val_images: u64,
    /// Fractured ones among them.
    pub val_fractured: u64,
    /// Epochs the weights have seen.
    pub epochs: u64,
    /// Seed of weights, order and augmentation.
    pub seed: u64,
    /// What the weights began from, in words; `None`: random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_from: Option<String>,
    /// The weights are the mean of so many models, the folds of a cross-validation; `None`: of one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaged: Option<u64>,
    /// Val chose nothing: the last epoch was kept, and what is decided was fitted to other images. Its images are then not listed below.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub val_apart: bool,
    /// The first 16 hexadecimal digits of the SHA-256 of every training file: a judgement can say what the model has seen.
    #[serde(default)]
    pub train_films: BTreeSet<String>,
    /// The same of the validation files.
    #[serde(default)]
    pub val_films: BTreeSet<String>,
    /// What tells a training image in any copy: turned, mirrored, resized, brightened. One for each different image.
    #[serde(default)]
    pub train_hashes: BTreeSet<ImageHash>,
    /// The same of the validation images.
    #[serde(default)]
    pub val_hashes: BTreeSet<ImageHash>,
}

/// Figures on the splits that were read when the model was made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// On val, where the model was chosen: flattering by as much as the choice gained.
    pub val: Option<Summary>,
    /// On test, if it was judged.
    pub test: Option<Summary>,
    /// Of the out-of-fold scores that calibration and thresholds were fitted to, if they were: of models of the same recipe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_fold: Option<Summary>,
    /// Of the out-of-fold scores, by source, region and whatever else is known of the images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subsets: Vec<Subset>,
    /// The boxes that its map gives on val against those that are known there, if any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<DetectionSummary>,
}

/// Figures on the images of which a field has one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subset {
    /// The field, such as `region`.
    pub field: String,
    /// Its value, such as `hand`.
    pub value: String,
    /// Images.
    pub images: u64,
    /// Fractured ones among them.
    pub fractured: u64,
    /// With its 95 % interval.
    pub roc_auc: Estimate,
    /// With its 95 % interval.
    pub average_precision: Estimate,
    /// What is decided on them, by the model's thresholds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Decided>,
}

/// What becomes of images outside and inside the doubt band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decided {
    /// Fractured images that are called fractured.
    pub found: u64,
    /// Images that are called fractured and are not.
    pub false_alarms: u64,
    /// Fractured images that are called not fractured.
    pub missed: u64,
    /// Images that are called not fractured, and are not.
    pub cleared: u64,
    /// Images left to a person.
    pub doubt: u64,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            name: "osteon".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl ModelInfo {
    /// A header for weights that nothing is known of yet: uncalibrated, threshold 0.5.
    #[must_use]
    pub fn new(architecture: Architecture, preprocess: Preprocess) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            name: None,
            program: Program::default(),
            architecture,
            preprocess,
            class_names: osteon_data::CLASS_NAMES.map(str::to_owned),
            calibration: Calibration::NONE,
            operating_points: vec![OperatingPoint {
                name: "balanced".to_owned(),
                threshold: 0.5,
                sensitivity: None,
                specificity: None,
            }],
            doubt_band: None,
            doubt_refusal: None,
            promises: None,
            fitted_on: None,
            gate: None,
            training_data: TrainingData::default(),
            metrics: Figures::default(),
            licence: None,
            attribution: None,
            weights_sha256: String::new(),
        }
    }

    /// The first thing in it that makes no sense, as (section, key, what it must be).
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str, String)> {
        if let Err((key, must)) = self.preprocess.check() {
            return Err(("preprocess", key, must.to_owned()));
        }
        if self.class_names != osteon_data::CLASS_NAMES {
            return Err((
                "header",
                "class_names",
                format!("must be {:?}", osteon_data::CLASS_NAMES),
            ));
        }
        let Calibration {
            slope, intercept, ..
        } = self.calibration;
        if !(slope.is_finite() && slope > 0.0 && intercept.is_finite()) {
            return Err((
                "calibration",
                "slope",
                "must be above 0, and both numbers finite".to_owned(),
            ));
        }
        if self.operating_points.is_empty() {
            return Err(("operating_points", "threshold", "is missing".to_owned()));
        }
        if self
            .operating_points
            .iter()
            .any(|point| !(0.0..=1.0).contains(&point.threshold))
        {
            return Err((
                "operating_points",
                "threshold",
                "must be from 0 to 1".to_owned(),
            ));
        }
        for promised in self.promises.iter().flat_map(|p| [&p.fractured, &p.missed]) {
            check_promised(promised)?;
        }
        match self.doubt_band {
            Some(DoubtBand { low, high, .. }) if !(0.0 <= low && low <= high && high <= 1.0) => {
                Err((
                    "doubt_band",
                    "low",
                    "and high must be in order, from 0 to 1".to_owned(),
                ))
            }
            _ => Ok(()),
        }
    }
}

fn check_promised(promised: &Promised) -> Result<(), (&'static str, &'static str, String)> {
    let share = |value: f64| value > 0.0 && value < 1.0;
    let wrong = |key, must: &str| Err(("promises", key, must.to_owned()));
    if !share(promised.error) {
        return wrong("error", "must be between 0 and 1");
    }
    if !share(promised.confidence) {
        return wrong("confidence", "must be between 0 and 1");
    }
    if promised.cut.is_some_and(|cut| !(0.0..=1.0).contains(&cut)) {
        return wrong("cut", "must be from 0 to 1");
    }
    if promised.wrong > promised.of {
        return wrong("wrong", "must be at most as many as there are");
    }
    Ok(())
}
