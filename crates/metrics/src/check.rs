//! The checks every figure begins with.

use crate::MetricsError;

/// Labels and scores pair up and every score is finite.
pub(crate) fn scores(labels: &[bool], scores: &[f64]) -> Result<(), MetricsError> {
    lengths(labels.len(), scores.len())?;
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(MetricsError::NonFiniteScore {
            index,
            value: scores[index],
        }),
        None => Ok(()),
    }
}

/// As [`scores`], and every score lies in [0, 1].
pub(crate) fn probabilities(labels: &[bool], scores: &[f64]) -> Result<(), MetricsError> {
    self::scores(labels, scores)?;
    match scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
        Some(index) => Err(MetricsError::NotAProbability {
            index,
            value: scores[index],
        }),
        None => Ok(()),
    }
}

pub(crate) fn lengths(labels: usize, scores: usize) -> Result<(), MetricsError> {
    if labels == scores {
        Ok(())
    } else {
        Err(MetricsError::LengthMismatch { labels, scores })
    }
}

pub(crate) fn confidence(confidence: f64) -> Result<(), MetricsError> {
    // Written so that NaN fails.
    if confidence > 0.0 && confidence < 1.0 {
        Ok(())
    } else {
        Err(MetricsError::BadConfidence { confidence })
    }
}

pub(crate) fn threshold(threshold: f64) -> Result<(), MetricsError> {
    if threshold.is_finite() {
        Ok(())
    } else {
        Err(MetricsError::BadThreshold { threshold })
    }
}

pub(crate) fn target(target: f64) -> Result<(), MetricsError> {
    if (0.0..=1.0).contains(&target) {
        Ok(())
    } else {
        Err(MetricsError::BadTarget { target })
    }
}

pub(crate) fn groups(images: usize, groups: usize) -> Result<(), MetricsError> {
    if images == groups {
        Ok(())
    } else {
        Err(MetricsError::GroupsMismatch { images, groups })
    }
}

/// `numerator / denominator`, or `None` for 0/0. (Every ratio here has a numerator of 0 when its denominator is 0.)
pub(crate) fn ratio(numerator: f64, denominator: f64) -> Option<f64> {
    (denominator > 0.0).then(|| numerator / denominator)
}
