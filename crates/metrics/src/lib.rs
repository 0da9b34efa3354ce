//! Figures that judge a binary classifier: confusion, curves, calibration, intervals, operating points.
//!
//! Slices in, numbers out: no IO, no torch, no printing. The positive class is *fractured*: `labels[i]` is `true` when image `i`
//! shows a fracture, `scores[i]` is its score, higher meaning more likely fractured. A figure that the data leave undefined
//! (0/0, or one class only) is `None`, never 0. A score that is not finite is refused with its index.
//!
//! The first figures of the seed project, from its published confusion matrix. Its "recall 99.80 %" is the recall of the
//! *unfractured* class, which is the specificity here; the recall of fractures is 97.03 %:
//!
//! ```
//! use osteon_metrics::{Confusion, wilson};
//!
//! let seed = Confusion { tp: 327, fn_: 10, fp: 1, tn: 491 };
//! let round = |figure: Option<f64>| figure.map(|value| (value * 1e5).round() / 1e5);
//! assert_eq!(round(seed.sensitivity()), Some(0.97033));
//! assert_eq!(round(seed.specificity()), Some(0.99797));
//! assert_eq!(round(seed.accuracy()), Some(0.98673));
//! // What 337 fractures can tell: the sensitivity lies between 94.6 % and 98.4 %.
//! let interval = wilson(seed.tp, seed.positives(), 0.95)?;
//! assert_eq!((round(interval.low), round(interval.high)), (Some(0.94625), Some(0.9838)));
//! # Ok::<(), osteon_metrics::MetricsError>(())
//! ```
#![doc = include_str!("../README.md")]
#![allow(clippy::doc_markdown, reason = "DeLong and NumPy are names, not code")]
#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "what is exact is tested as exact")
)]

pub mod band;
pub mod bootstrap;
pub mod calibration;
mod check;
pub mod compare;
pub mod confusion;
pub mod detection;
pub mod error;
pub mod estimate;
pub mod heat;
pub mod interval;
pub mod pr;
mod ranked;
mod rect;
mod resample;
pub mod roc;
pub mod summary;
pub mod threshold;

pub use band::{BandOptions, DoubtBand, Promise, Side, SideRefusal, doubt_band, one_per_group};
pub use bootstrap::{grouped, stratified};
pub use calibration::{
    Isotonic, Platt, ReliabilityBin, brier, ece, ece_equal_mass, log_loss, reliability,
    reliability_equal_mass, sigmoid,
};
pub use compare::{
    McNemar, Pair, PairedAuc, PairedDecisions, delong_paired, mcnemar, paired_bootstrap,
};
pub use confusion::Confusion;
pub use detection::{
    BoxedImage, Detection, DetectionSummary, FALSE_BOXES, FrocPoint, SIZES, SizeStratum,
};
pub use error::MetricsError;
pub use estimate::Estimate;
pub use heat::{HeatGrid, rank_correlation};
pub use interval::{clopper_pearson, wilson, z_value};
pub use pr::{PrPoint, average_precision, pr_curve};
pub use rect::Rect;
pub use roc::{
    RocPoint, delong, delong_variance, partial_auc, roc_auc, roc_curve, sensitivity_at_specificity,
    specificity_at_sensitivity,
};
pub use summary::{Calibrated, Summary, SummaryOptions};
pub use threshold::{OperatingPoint, for_sensitivity, for_specificity, youden};
