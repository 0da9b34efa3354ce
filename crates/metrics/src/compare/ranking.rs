//! Areas under two models' ROC curves, compared by DeLong's test.

use serde::{Deserialize, Serialize};
use statrs::function::gamma::gamma_ur;

use crate::interval::z_value;
use crate::ranked::Ranked;
use crate::roc::area;
use crate::{Estimate, MetricsError};

/// Two areas under the ROC curve on the same images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedAuc {
    /// [`roc_auc`](crate::roc_auc) of a.
    pub a: Option<f64>,
    /// [`roc_auc`](crate::roc_auc) of b.
    pub b: Option<f64>,
    /// a − b, in [−1, 1], with DeLong's interval. The ends are `None` where the variance says nothing.
    pub difference: Estimate,
    /// The difference in standard errors; positive where a is better. `None` where the variance says nothing.
    pub z: Option<f64>,
    /// Two-sided p-value of equal areas, 2 Φ(−|z|). `None` where the variance says nothing.
    pub p: Option<f64>,
}

/// DeLong's test of two correlated areas under the ROC curve.
///
/// With the placement values V of each image (for a fractured one the share of unfractured images below it, for an
/// unfractured one the share of fractured images above it) the variance of the difference is S₁₀/P + S₀₁/N, S₁₀ and S₀₁ being
/// the sample variances of V_a − V_b over the fractured and the unfractured; z is the difference over its root.
/// O(n log n): a placement value is a difference of midranks. Only ranks matter: a rising map of either model's scores changes
/// nothing. The models need not share a scale.
///
/// The areas are `None` when a class is absent. The variance says nothing when it is 0, as for two models that rank all images
/// alike or that both separate the classes perfectly, or with fewer than two images of a class: then interval, z and p are
/// `None`, for the images hold no evidence either way, which is not evidence of equality.
/// Sources: DeLong, DeLong & Clarke-Pearson, Biometrics 44 (1988) 837; Sun & Xu, IEEE Signal Processing Letters 21 (2014) 1389.
///
/// ```
/// use osteon_metrics::delong_paired;
///
/// let labels = [true, true, true, false, false, false];
/// let found = delong_paired(
///     &labels,
///     &[0.9, 0.8, 0.4, 0.5, 0.2, 0.1],
///     &[0.9, 0.3, 0.4, 0.5, 0.2, 0.7],
///     0.95,
/// )?;
/// assert!(found.a > found.b && found.p > Some(0.05));
/// # Ok::<(), osteon_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// Unequal lengths; a score that is not finite; a confidence that does not lie strictly between 0 and 1.
pub fn delong_paired(
    labels: &[bool],
    a: &[f64],
    b: &[f64],
    confidence: f64,
) -> Result<PairedAuc, MetricsError> {
    let (ranked_a, ranked_b) = (Ranked::new(labels, a)?, Ranked::new(labels, b)?);
    let quantile = z_value(confidence)?;
    let (Some(area_a), Some(area_b)) = (area(&ranked_a), area(&ranked_b)) else {
        return Ok(PairedAuc {
            a: None,
            b: None,
            difference: Estimate::UNDEFINED,
            z: None,
            p: None,
        });
    };
    let value = area_a - area_b;
    let mut found = PairedAuc {
        a: Some(area_a),
        b: Some(area_b),
        difference: Estimate {
            value: Some(value),
            ..Estimate::UNDEFINED
        },
        z: None,
        p: None,
    };
    let gaps = placements(labels, a, &ranked_a)
        .into_iter()
        .zip(placements(labels, b, &ranked_b))
        .map(|(a, b)| a - b);
    if let Some(variance) = variance(labels, gaps) {
        let error = variance.sqrt();
        let z = value / error;
        found.difference = Estimate::new(
            value,
            (value - quantile * error).clamp(-1.0, value),
            (value + quantile * error).clamp(value, 1.0),
        );
        found.z = Some(z);
        // 2 Φ(−|z|) is the upper tail of χ² with one degree of freedom at z²; statrs's `erfc` has but ten digits.
        found.p = Some(if z == 0.0 {
            1.0
        } else {
            gamma_ur(0.5, z * z / 2.0)
        });
    }
    Ok(found)
}

/// The placement value of each image: the share of the other class that it is on the right side of, ties counting half.
fn placements(labels: &[bool], scores: &[f64], ranked: &Ranked) -> Vec<f64> {
    let (positives, negatives) = (ranked.positives as f64, ranked.negatives as f64);
    let of_ties: Vec<(f64, f64)> = ranked
        .cumulative()
        .map(|(tie, tp, fp)| {
            let below = (ranked.negatives - fp) as f64 + tie.negatives as f64 / 2.0;
            let above = (tp - tie.positives) as f64 + tie.positives as f64 / 2.0;
            (below / negatives, above / positives)
        })
        .collect();
    labels
        .iter()
        .zip(scores)
        .map(|(fractured, score)| {
            let (below, above) = of_ties[ranked.index_of(*score)];
            if *fractured { below } else { above }
        })
        .collect()
}

/// S₁₀/P + S₀₁/N of the images' values; `None` with fewer than two images of a class, and where it is but rounding around 0.
fn variance(labels: &[bool], values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut classes = [Vec::new(), Vec::new()];
    for (fractured, value) in labels.iter().zip(values) {
        classes[usize::from(*fractured)].push(value);
    }
    let mut sum = 0.0;
    for values in classes {
        let n = values.len() as f64;
        if n < 2.0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        sum += squares / (n - 1.0) / n;
    }
    // A true variance is at least of the order of 1/(P·N)².
    (sum > f64::EPSILON * f64::EPSILON).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_evidence_is_no_p_value() -> Result<(), MetricsError> {
        let labels = [true, true, false, false];
        let scores = [0.9, 0.4, 0.5, 0.1];
        let same = delong_paired(&labels, &scores, &scores, 0.95)?;
        assert_eq!(same.a, same.b);
        assert_eq!(same.difference.value, Some(0.0));
        assert_eq!((same.difference.low, same.z, same.p), (None, None, None));
        let lonely = delong_paired(&labels[1..], &scores[1..], &[0.1, 0.2, 0.3], 0.95)?;
        assert_eq!((lonely.difference.value, lonely.p), (Some(0.5), None));
        let healthy = delong_paired(&[false; 2], &[0.1, 0.2], &[0.1, 0.2], 0.95)?;
        assert_eq!(healthy.difference, Estimate::UNDEFINED);
        Ok(())
    }
}
