//! What can be wrong with the numbers handed in.

/// Why a figure could not be computed. An *undefined* figure is no error: it is `None`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// Labels and scores (or decisions, or logits) must pair up.
    #[error("{labels} labels but {scores} scores: every image needs one of each")]
    LengthMismatch {
        /// How many labels there were.
        labels: usize,
        /// How many scores, decisions or logits there were.
        scores: usize,
    },
    /// Every image needs a group where groups are given.
    #[error("{images} images but {groups} groups: every image needs one")]
    GroupsMismatch {
        /// How many images there were.
        images: usize,
        /// How many groups were given.
        groups: usize,
    },
    /// A score or logit is NaN or infinite.
    #[error("the score at index {index} is {value}: scores must be finite")]
    NonFiniteScore {
        /// Position in the slice, from 0.
        index: usize,
        /// The offending score.
        value: f64,
    },
    /// A score is no probability, where a probability is needed (Brier score, log loss, calibration error).
    #[error("the score at index {index} is {value}: a probability lies in [0, 1]")]
    NotAProbability {
        /// Position in the slice, from 0.
        index: usize,
        /// The offending score.
        value: f64,
    },
    /// A decision threshold is NaN or infinite.
    #[error("the threshold {threshold} is not finite")]
    BadThreshold {
        /// The offending threshold.
        threshold: f64,
    },
    /// A confidence level is outside the open interval (0, 1).
    #[error("the confidence {confidence} does not lie strictly between 0 and 1 (0.95 means 95 %)")]
    BadConfidence {
        /// The offending level.
        confidence: f64,
    },
    /// A wanted sensitivity or specificity is outside [0, 1].
    #[error("the target {target} does not lie in [0, 1]")]
    BadTarget {
        /// The offending target.
        target: f64,
    },
    /// A limit of the false-positive rate lies outside (0, 1].
    #[error("the largest false-positive rate {limit} does not lie in (0, 1]")]
    BadRate {
        /// The offending limit.
        limit: f64,
    },
    /// More successes than trials.
    #[error("{successes} successes in {trials} trials")]
    TooManySuccesses {
        /// Successes counted.
        successes: u64,
        /// Trials counted.
        trials: u64,
    },
    /// A histogram of scores needs at least one bin.
    #[error("a calibration error needs at least one bin")]
    NoBins,
    /// A bootstrap needs at least one replicate.
    #[error("a bootstrap needs at least one replicate")]
    NoReplicates,
    /// A calibration cannot be fitted to one class.
    #[error(
        "a calibration needs both classes, but there are {positives} fractured and {negatives} unfractured images"
    )]
    OneClass {
        /// Fractured images.
        positives: usize,
        /// Unfractured images.
        negatives: usize,
    },
    /// The fit of a calibration did not settle; seen only with logits near the end of the range of `f64`.
    #[error("the calibration did not settle in {iterations} Newton steps")]
    NotConverged {
        /// Steps taken.
        iterations: usize,
    },
    /// The share of wrong decisions that a doubt band may allow is outside the open interval (0, 1).
    #[error("the allowed error {error} does not lie strictly between 0 and 1 (0.05 means 5 %)")]
    BadAllowedError {
        /// The offending share.
        error: f64,
    },
    /// An isotonic calibration without knots.
    #[error("an isotonic calibration needs at least one knot")]
    NoKnots,
    /// A knot of an isotonic calibration breaks the rules.
    #[error(
        "the knot at index {index} is ({logit}, {probability}): logits must be finite and rise, probabilities must lie in [0, 1] and never fall"
    )]
    BadKnot {
        /// Position among the knots, from 0.
        index: usize,
        /// Its logit.
        logit: f64,
        /// Its probability.
        probability: f64,
    },
}
