//! What comes of the search for a doubt band, and how it is told.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A band of scores that are left to a person, and the promise about the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DoubtBand {
    /// Images with `score < low` are decided "not fractured". Always finite: where none are, it is 0 if all scores are
    /// probabilities, else `f64::MIN`.
    pub low: f64,
    /// Images with `score > high` are decided "fractured"; never below `low`. Always finite: where none are, it is 1 if all
    /// scores are probabilities, else `f64::MAX`.
    pub high: f64,
    /// Validation images.
    pub images: u64,
    /// Validation images outside the band.
    pub decided: u64,
    /// Validation images outside the band that it decides wrongly.
    pub wrong: u64,
    /// The promised largest share of wrong decisions among the decided.
    pub error: f64,
    /// How surely the promise is kept.
    pub confidence: f64,
}

impl DoubtBand {
    /// `Some(true)` for "fractured", `Some(false)` for "not fractured", `None` for doubt (and for NaN).
    #[must_use]
    pub fn decide(&self, score: f64) -> Option<bool> {
        if score < self.low {
            Some(false)
        } else if score > self.high {
            Some(true)
        } else {
            None
        }
    }
}

/// What comes of the search for a doubt band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandOutcome {
    /// A band that keeps the promise.
    Band(DoubtBand),
    /// Every image can be decided within the promise, by `score >= threshold`.
    NotNeeded {
        /// The threshold asked for, or else one at which the promise holds: of those, the one with the fewest wrong.
        threshold: f64,
        /// Validation images.
        images: u64,
        /// Validation images that the threshold decides wrongly.
        wrong: u64,
        /// The promised largest share of wrong decisions.
        error: f64,
        /// How surely the promise is kept.
        confidence: f64,
    },
    /// No promise can be made.
    Refused {
        /// Why not.
        reason: BandRefusal,
        /// The share of wrong decisions that was to be promised.
        error: f64,
        /// How surely it was to be kept.
        confidence: f64,
    },
}

/// Why no band could be promised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BandRefusal {
    /// So few images could not support the promise even if every decision were right.
    TooFewImages {
        /// Validation images.
        images: u64,
        /// The fewest that could.
        needed: u64,
    },
    /// Too many of even the surest images are decided wrongly.
    NoBandHolds {
        /// Validation images.
        images: u64,
        /// Images decided by the band that came nearest.
        decided: u64,
        /// Those of them decided wrongly.
        wrong: u64,
    },
    /// There are bands that keep the promise, but they decide images on the other side of the threshold.
    ThresholdOutside {
        /// Validation images.
        images: u64,
        /// The threshold asked for.
        threshold: f64,
    },
}

/// A share as a percentage without the dust of binary fractions.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 1e8).round() / 1e6)
    }
}

impl fmt::Display for BandOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Band(band) => band.fmt(f),
            Self::NotNeeded {
                threshold,
                images,
                wrong,
                error,
                confidence,
            } => write!(
                f,
                "No image need be left to a person: the threshold {threshold} decides {wrong} of {images} images wrongly, and with \
                 {} confidence at most {} of images like these.",
                Percent(*confidence),
                Percent(*error)
            ),
            Self::Refused {
                reason,
                error,
                confidence,
            } => {
                write!(
                    f,
                    "No promise that at most {} of the decided images are wrong can be made with {} confidence: ",
                    Percent(*error),
                    Percent(*confidence)
                )?;
                reason.fmt(f)
            }
        }
    }
}

impl fmt::Display for DoubtBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, decided) = (self.images.saturating_sub(self.decided), self.decided);
        write!(
            f,
            "Scores from {} to {} are left to a person, {left} of {} images here. Of the {decided} decided ones {} were wrong; with \
             {} confidence at most {} are, among images like these.",
            self.low,
            self.high,
            self.images,
            self.wrong,
            Percent(self.confidence),
            Percent(self.error)
        )
    }
}

impl fmt::Display for BandRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewImages { images, needed } => write!(
                f,
                "there are {images} validation images, and it takes at least {needed}, however good the model."
            ),
            Self::NoBandHolds {
                images,
                decided,
                wrong,
            } => write!(
                f,
                "of the {decided} surest of {images} validation images {wrong} are decided wrongly, which is too many or too close."
            ),
            Self::ThresholdOutside { images, threshold } => write!(
                f,
                "on the {images} validation images it holds only for bands that do not contain the threshold {threshold}."
            ),
        }
    }
}
