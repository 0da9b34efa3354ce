//! What a judgement says: the object that `osteon evaluate --json` prints and a report is drawn of.

use std::collections::BTreeMap;

use osteon_metrics::{Confusion, DetectionSummary, Estimate, Summary};
use serde::{Deserialize, Serialize};

pub use crate::promise::{PromiseCheck, Promises, Verdict};

/// A model judged on a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Always `fractured`.
    pub positive_class: String,
    /// `train`, `val` or `test`.
    pub split: String,
    /// Files that do not read; they are in no figure.
    pub unreadable: u64,
    /// Which they are.
    pub unreadable_files: Vec<Unreadable>,
    /// Damaged files that are judged by what decodes of them.
    pub repaired: u64,
    /// The figures on all images, a file counting once.
    #[serde(flatten)]
    pub summary: Summary,
    /// How the intervals were taken, in words: by image or by group.
    pub intervals: String,
    /// What the model leaves to a person, and how it does on the rest.
    pub doubt: Doubt,
    /// What the model's input gate says of these images, all of which are judged anyway; `None` if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateCounts>,
    /// What the model has seen of these images before.
    pub leak: Leak,
    /// Patients and other groups, by the data set's own word, whose images lie in this split and in another.
    #[serde(default)]
    pub shared_groups: Vec<SharedGroup>,
    /// The figures with every group counting once; `None` where no group has two images.
    pub groups: Option<Groups>,
    /// Figures by the value of each column that is known of the images.
    pub subgroups: Vec<Subgroup>,
    /// Every operating point of the model file, as it does here.
    pub operating_points: Vec<PointFigures>,
    /// How well the model says where, judged by boxes; `None` where no fractured image has any.
    pub explanation: Option<Explanation>,
    /// The boxes that the model gives against those that are known; `None` where none are, or where the network has no map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<DetectionSummary>,
    /// How often this test set was judged by this model's run, this time included; `None` for train and val, and where no run is known.
    pub looks: Option<u64>,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
    /// The images.
    pub data: DataCard,
    /// The model.
    pub model: ModelCard,
    /// When it was judged, RFC 3339 in UTC.
    pub judged_at: String,
}

/// A file that does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its name within the data set.
    pub id: String,
    /// Why it does not read.
    pub reason: String,
}

/// What an input gate says of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateCounts {
    /// It would refuse as no radiographs.
    pub refused: u64,
    /// It takes for slices of a CT or MR scan.
    pub cross_section: u64,
    /// Radiographs of a region that the model did not learn from.
    #[serde(default)]
    pub outside_training: u64,
    /// Have something drawn on them in colour.
    pub annotated: u64,
}

/// The doubt band in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// Images whose score lies in the band.
    pub deferred: u64,
    /// The outcomes of the others.
    pub confusion_of_the_rest: Confusion,
    /// Share of the others that are decided wrongly, with its interval.
    pub error_of_the_rest: Estimate,
    /// The band, if the model has one.
    pub band: Option<Band>,
    /// Why the model has none, in words.
    pub refusal: Option<String>,
    /// What the model promises of either side, and how that did here; `None` where its file says nothing of sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promises: Option<Promises>,
}

/// Scores that are left to a person; in older model files with what was promised of all others together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Below it: not fractured. In [0, 1].
    pub low: f64,
    /// Above it: fractured. In [0, 1].
    pub high: f64,
    /// At most this share of the decided is wrong …
    pub error: Option<f64>,
    /// … with this probability.
    pub confidence: Option<f64>,
}

/// What the model has seen before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// Whether the model file says what it was trained on; without it nothing below is known.
    pub known: bool,
    /// Whether these are the very images that the model was chosen on: then none is clean, and only what it was trained on counts as seen.
    pub own_val: bool,
    /// Images that are, byte for byte, among those the model was trained or chosen on.
    pub exact: u64,
    /// Others that show the same image: resized, re-encoded, turned, mirrored or brightened.
    pub near: u64,
    /// Images that are neither, and that it was not chosen on.
    pub clean: u64,
    /// The figures on the clean images alone; `None` where all are clean, or none.
    pub clean_summary: Option<Summary>,
}

impl Leak {
    /// The figures to be believed before all others: those on the clean images. None on the images that the model was chosen on, of which
    /// none is clean.
    #[must_use]
    pub fn clean_figures(&self) -> Option<&Summary> {
        self.clean_summary.as_ref().filter(|_| !self.own_val)
    }
}

/// Images that belong together and lie in several splits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedGroup {
    /// What says so: `group`, or the name of the patients' column.
    pub column: String,
    /// Whose images they are: what the column says.
    pub value: String,
    /// How many of them lie in each split.
    pub images: BTreeMap<String, u64>,
}

/// Every group (patient, study, image with its copies) counting once: its score is the mean of its images' scores, its label fractured when any image is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Groups {
    /// Groups judged; an image without a group is one of its own.
    pub groups: u64,
    /// Images in the largest.
    pub largest: u64,
    /// Groups with images of both labels.
    pub mixed: u64,
    /// The figures.
    pub summary: Summary,
}

/// Images that share a value of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    /// The column: `region`.
    pub column: String,
    /// Its value: `hand`.
    pub value: String,
    /// Images with it.
    pub images: u64,
    /// Fractured ones among them.
    pub fractured: u64,
    /// At the model's threshold.
    pub sensitivity: Estimate,
    /// At the model's threshold.
    pub specificity: Estimate,
    /// Undefined where a class is absent.
    pub roc_auc: Estimate,
}

/// An operating point of the model file on these images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointFigures {
    /// What it is for: `default`, `screening`.
    pub name: String,
    /// A score at or above it is called fractured.
    pub threshold: f64,
    /// Outcomes here.
    pub confusion: Confusion,
    /// Sensitivity on the images judged.
    pub sensitivity: Estimate,
    /// Specificity on the images judged.
    pub specificity: Estimate,
    /// Precision on the images judged.
    pub precision: Estimate,
    /// NPV on the images judged.
    pub npv: Estimate,
    /// What it reached on val, where it was chosen.
    pub val_sensitivity: Option<f64>,
    /// What it reached on val, where it was chosen.
    pub val_specificity: Option<f64>,
}

/// How well the model's heatmaps say where fractures are: on the fractured images with boxes, the *boxed*, and on those of them that score at or
/// above the threshold, the *detected*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What the heatmaps are: `fracture_map` or `grad_cam`.
    pub kind: String,
    /// Cells of a heatmap across and down.
    pub cells: (u64, u64),
    /// Fractured images with boxes.
    pub boxed: u64,
    /// Those of them that are detected.
    pub detected: u64,
    /// How far beside a box the hottest cell's middle may lie, as a share of the side of the square that the network sees.
    pub tolerance: f64,
    /// Share of the detected whose hottest cell lies in a box; Wilson's interval.
    pub pointing_detected: Estimate,
    /// Share of all boxed; Wilson's interval.
    pub pointing_boxed: Estimate,
    /// Intersection over union of the boxes and the cells with at least half the peak's heat, the mean over the detected.
    pub iou_detected: Estimate,
    /// The same over all boxed.
    pub iou_boxed: Estimate,
    /// Share of the heat that lies in the boxes, the mean over the detected.
    pub heat_inside_detected: Estimate,
    /// Boxed images whose heatmap is empty: no place speaks for a fracture. Nothing of theirs can lie in a box.
    #[serde(default)]
    pub empty_boxed: u64,
    /// Detected ones among them; they are in no deletion test.
    #[serde(default)]
    pub empty_detected: u64,
    /// What becomes of the detected when their hottest cells are masked.
    pub deletion: Vec<Deletion>,
}

/// The deletion test at one share of the cells: how far scores fall on average. A fall is the score before less the score after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// Share of the image's cells that were masked by the image's local mean.
    pub share: f64,
    /// With the hottest cells masked.
    pub hottest: Estimate,
    /// With as many random cells masked.
    pub random: Estimate,
    /// The first less the second, image by image.
    pub difference: Estimate,
}

/// What is known of the images.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DataCard {
    /// The data set's name.
    pub name: String,
    /// As given on the command line.
    pub path: String,
    /// Layout it was found in.
    pub layout: String,
    /// Images of every split and class: split → (fractured, not fractured).
    pub splits: BTreeMap<String, (u64, u64)>,
    /// Whether the layout says which images belong together.
    pub groups_known: bool,
    /// Values of each column with their counts, in the judged split.
    pub columns: BTreeMap<String, BTreeMap<String, u64>>,
    /// What must be said wherever figures on such a set are shown.
    pub caveat: Option<String>,
    /// SHA-256 over id, label and content of the judged images.
    pub fingerprint: String,
}

/// What the model file says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelCard {
    /// File name, without its folder.
    pub file: String,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// Architecture with its options, as `name {options}`.
    pub architecture: String,
    /// Trainable numbers.
    pub parameters: u64,
    /// From a file to the network's input, in words.
    pub input: String,
    /// From a logit to the score, in words.
    pub calibration: String,
    /// Program and version that wrote it.
    pub program: String,
    /// Data set it was trained on.
    pub trained_on: String,
    /// (images, fractured) it was trained on.
    pub train_images: (u64, u64),
    /// (images, fractured) it was chosen, calibrated and given its threshold on.
    pub val_images: (u64, u64),
    /// Val was kept apart from every choice.
    #[serde(default)]
    pub val_apart: bool,
    /// Epochs of the best weights.
    pub epochs: u64,
    /// Seed.
    pub seed: u64,
    /// If stated.
    pub licence: Option<String>,
    /// If stated.
    pub attribution: Option<String>,
    /// ROC-AUC on val when it was made.
    pub val_roc_auc: Estimate,
}

/// An image as it was judged: a row of `scores.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedImage {
    /// Its name within the data set.
    pub id: String,
    /// Whether it is fractured.
    pub fractured: bool,
    /// Calibrated probability of a fracture, 0 to 1.
    pub score: f64,
    /// `fractured`, `doubt`, `not_fractured` or `not_an_xray`.
    pub decision: String,
    /// What it belongs together with.
    pub group: Option<String>,
    /// What the model has seen of it.
    pub seen: Seen,
    /// What else is known of it.
    pub fields: BTreeMap<String, String>,
}

/// What a model has seen of an image before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Nothing.
    No,
    /// It did not learn from it, but was chosen on it: an image of its own val.
    Chosen,
    /// The same image in another file.
    Near,
    /// The same file.
    Exact,
}

/// An image to be shown: an error of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Thumbnail {
    /// Which of the images, by index.
    pub film: usize,
    /// The picture as a JPEG file, longest side about 256 pixels.
    pub jpeg: Vec<u8>,
    /// With the model's attention on it, likewise.
    pub heatmap: Option<Vec<u8>>,
}
