//! What comes of the search for a doubt band, and how it is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Promise;

/// What lies between two promises, each of which holds or is refused.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DoubtBand {
    /// Of the images called fractured: [`Side::Fractured`], or refused.
    pub fractured: Side,
    /// Of all fractures: [`Side::Missed`], or refused.
    pub missed: Side,
}

/// A promise, and the score to which it reaches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Side {
    /// Images with a score above `cut` may be called fractured.
    Fractured {
        /// Of those at most so many are not.
        promise: Promise,
        /// A validation image's score, finite.
        cut: f64,
        /// Validation images above it.
        called: u64,
        /// Those of them that are not fractured.
        wrong: u64,
    },
    /// Images with a score below `cut` may be called not fractured.
    Missed {
        /// Of all fractures at most so many are among them.
        promise: Promise,
        /// A fractured validation image's score, finite.
        cut: f64,
        /// Fractured validation images.
        fractures: u64,
        /// Those of them below the cut.
        missed: u64,
    },
    /// No promise can be made, and nothing is called so.
    Refused {
        /// What was to be promised.
        promise: Promise,
        /// Why it is not.
        reason: SideRefusal,
    },
}

/// Why a side cannot promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SideRefusal {
    /// So few fractures could not support the promise even if every one scored highest.
    TooFewFractures {
        /// Fractured validation images.
        have: u64,
        /// The fewest that could.
        needed: u64,
    },
    /// So few images could not support the promise even if all that are called fractured were.
    TooFewImages {
        /// Validation images.
        images: u64,
        /// The fewest that must be called fractured.
        needed: u64,
    },
    /// So many images share the lowest score that too few are above it.
    OneScore {
        /// Images above it.
        above: u64,
        /// The fewest that must be called fractured.
        needed: u64,
    },
    /// Too many of even the highest scores belong to images that are not fractured.
    TooManyWrong {
        /// The highest-scored images that came nearest to passing.
        called: u64,
        /// Those of them that are not fractured.
        wrong: u64,
        /// How many may be; `None` where so few images prove nothing.
        allowed: Option<u64>,
    },
}

impl Side {
    /// The score to which it reaches; `None` where it is refused.
    #[must_use]
    pub fn cut(&self) -> Option<f64> {
        match self {
            Self::Fractured { cut, .. } | Self::Missed { cut, .. } => Some(*cut),
            Self::Refused { .. } => None,
        }
    }

    /// What is promised, or was to be.
    #[must_use]
    pub fn promise(&self) -> Promise {
        match self {
            Self::Fractured { promise, .. }
            | Self::Missed { promise, .. }
            | Self::Refused { promise, .. } => *promise,
        }
    }
}

impl DoubtBand {
    /// `Some(true)` for "fractured", `Some(false)` for "not fractured", `None` for doubt (and for NaN).
    ///
    /// The band contains the decision threshold in use, so that it takes decisions back and never turns one round: both promises hold
    /// for the smaller sides, too. Where the sides overlap, all images can be decided, and the threshold says which way.
    #[must_use]
    pub fn decide(&self, score: f64, threshold: f64) -> Option<bool> {
        let low = self.missed.cut().unwrap_or(f64::NEG_INFINITY);
        let high = self.fractured.cut().unwrap_or(f64::INFINITY);
        if score < low.min(threshold) {
            Some(false)
        } else if score > high.max(threshold) {
            Some(true)
        } else {
            None
        }
    }
}

/// A share as a percentage without the dust of binary fractions.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 1e8).round() / 1e6)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Promise { error, confidence } = self.promise();
        let (error, sure) = (Percent(error), Percent(confidence));
        match self {
            Self::Fractured {
                cut, called, wrong, ..
            } => write!(
                f,
                "Images with a score above {cut} are called fractured. At most {error} of those are not, with {sure} confidence, among \
                 images like these; here it is {wrong} of {called}."
            ),
            Self::Missed {
                cut,
                fractures,
                missed,
                ..
            } => write!(
                f,
                "Images with a score below {cut} are called not fractured. At most {error} of all fractures are among them, with {sure} \
                 confidence, among images like these; here it is {missed} of {fractures}."
            ),
            Self::Refused { reason, .. } => {
                let what = match reason {
                    SideRefusal::TooFewFractures { .. } => {
                        "of all fractures are called not fractured"
                    }
                    _ => "of the images called fractured are not",
                };
                write!(
                    f,
                    "No promise that at most {error} {what} can be made with {sure} confidence: {reason}"
                )
            }
        }
    }
}

impl fmt::Display for DoubtBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.fractured, self.missed)
    }
}

impl fmt::Display for SideRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewFractures { have, needed } => write!(
                f,
                "there are {have} fractures, and it takes at least {needed}, however good the model."
            ),
            Self::TooFewImages { images, needed } => write!(
                f,
                "there are {images} images, and it takes more than {needed}, with the {needed} highest scores all fractured."
            ),
            Self::OneScore { above, needed } => write!(
                f,
                "only {above} images score above the lowest score, which the others share, and it takes at least {needed}."
            ),
            Self::TooManyWrong {
                called,
                wrong,
                allowed,
            } => {
                write!(
                    f,
                    "of the {called} highest-scored images {wrong} are not fractured"
                )?;
                match allowed {
                    Some(0) => f.write_str(", where none may be."),
                    Some(allowed) => write!(f, ", where {allowed} may be."),
                    None => f.write_str(", and so few prove nothing."),
                }
            }
        }
    }
}
