//! How far the scores can be believed as probabilities, and how to make them believable.

mod isotonic;
mod platt;

pub use isotonic::Isotonic;
pub use platt::{Platt, sigmoid};

use serde::{Deserialize, Serialize};

use crate::ranked::Ranked;
use crate::{MetricsError, check};

/// Brier score, mean (score − label)², in [0, 1], 0 being best. `None` without images.
///
/// Source: Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78 (1950) 1.
///
/// # Errors
/// Unequal lengths; a score that is not a probability.
pub fn brier(labels: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricsError> {
    check::probabilities(labels, scores)?;
    Ok(mean(labels, scores, |label, score| (score - label).powi(2)))
}

/// Log loss (cross-entropy) in nats, mean of −ln(score) over the fractured and −ln(1 − score) over the unfractured; 0 is best.
///
/// Scores are first clipped to [ε, 1 − ε], ε = 2⁻⁵² as in scikit-learn, so a certain and wrong score costs about 36 and not
/// infinity. `None` without images. Source: Good, "Rational decisions", JRSS B 14 (1952) 107.
///
/// # Errors
/// Unequal lengths; a score that is not a probability.
pub fn log_loss(labels: &[bool], scores: &[f64]) -> Result<Option<f64>, MetricsError> {
    check::probabilities(labels, scores)?;
    Ok(mean(labels, scores, |label, score| {
        surprise(label > 0.5, score)
    }))
}

/// What one image costs in log loss.
pub(crate) fn surprise(fractured: bool, score: f64) -> f64 {
    let clipped = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    -(if fractured { clipped } else { 1.0 - clipped }).ln()
}

fn mean(labels: &[bool], scores: &[f64], cost: impl Fn(f64, f64) -> f64) -> Option<f64> {
    let total: f64 = labels
        .iter()
        .zip(scores)
        .map(|(label, score)| cost(f64::from(u8::from(*label)), *score))
        .sum();
    check::ratio(total, labels.len() as f64)
}

/// One bar of a reliability diagram. (For the ends in [`reliability_equal_mass`], see there.)
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower end of the bin, part of it.
    pub low: f64,
    /// Upper end, part of the next bin (and of this one in the last bin, where it is 1).
    pub high: f64,
    /// Images whose score lies in the bin.
    pub count: u64,
    /// Their mean score; `None` in an empty bin.
    pub mean_score: Option<f64>,
    /// Their share of fractures; `None` in an empty bin.
    pub fractured: Option<f64>,
}

/// The reliability diagram of the scores over `bins` bins of equal width; empty bins are there too.
///
/// Source: Niculescu-Mizil & Caruana, "Predicting good probabilities with supervised learning", ICML 2005.
///
/// # Errors
/// Unequal lengths; a score that is not a probability; no bins.
pub fn reliability(
    labels: &[bool],
    scores: &[f64],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, MetricsError> {
    check::probabilities(labels, scores)?;
    if bins == 0 {
        return Err(MetricsError::NoBins);
    }
    let mut sums = vec![(0_u64, 0_u64, 0.0); bins];
    for (label, score) in labels.iter().zip(scores) {
        let (count, fractured, total) = &mut sums[bin_of(*score, bins)];
        *count += 1;
        *fractured += u64::from(*label);
        *total += score;
    }
    Ok(sums
        .iter()
        .enumerate()
        .map(|(index, (count, fractured, total))| ReliabilityBin {
            low: edge(index, bins),
            high: edge(index + 1, bins),
            count: *count,
            mean_score: check::ratio(*total, *count as f64),
            fractured: check::ratio(*fractured as f64, *count as f64),
        })
        .collect())
}

fn edge(index: usize, bins: usize) -> f64 {
    index as f64 / bins as f64
}

/// The bin with `edge(i) <= score < edge(i + 1)`; the last one takes 1.
pub(crate) fn bin_of(score: f64, bins: usize) -> usize {
    // The product can round across an edge (0.29 × 100 = 28.999…), so it is only a first guess.
    let guess = ((score * bins as f64) as usize).min(bins - 1);
    if guess > 0 && score < edge(guess, bins) {
        guess - 1
    } else if guess + 1 < bins && score >= edge(guess + 1, bins) {
        guess + 1
    } else {
        guess
    }
}

/// Expected calibration error over `bins` bins of equal width, Σ (n_b / n) |mean score − share of fractures|, in [0, 1], 0 being best.
///
/// This is the binary form, binned by the probability of a fracture and not by the confidence in the likelier class. It depends
/// on the number of bins (10 and 15 are customary) and is biased upwards with few images a bin. `None` without images.
/// Source: Naeini, Cooper & Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015.
///
/// # Errors
/// Unequal lengths; a score that is not a probability; no bins.
pub fn ece(labels: &[bool], scores: &[f64], bins: usize) -> Result<Option<f64>, MetricsError> {
    let gaps = gaps(&reliability(labels, scores, bins)?);
    Ok(check::ratio(gaps, labels.len() as f64))
}

/// The reliability diagram of the scores over bins of equal mass, by rising score: each holds about n / `bins` images.
///
/// Images of one score stay together. A score's place is its mid-rank, (images below it + half of the images that have it) / n, and
/// its bin is ⌊place · `bins`⌋, counted in whole numbers. With distinct scores and n a multiple of `bins` that is n / `bins`
/// images each. A score that many images share can fill several bins' worth: the bins are then uneven, and fewer. Only bins with
/// images are told; `low` and `high` are the least and the greatest score in them, both part of the bin.
/// Source: Nguyen & O'Connor, "Posterior calibration and exploratory analysis for natural language processing models", EMNLP 2015
/// (bins of equal counts; the rule for ties is ours).
///
/// # Errors
/// Unequal lengths; a score that is not a probability; no bins.
pub fn reliability_equal_mass(
    labels: &[bool],
    scores: &[f64],
    bins: usize,
) -> Result<Vec<ReliabilityBin>, MetricsError> {
    check::probabilities(labels, scores)?;
    if bins == 0 {
        return Err(MetricsError::NoBins);
    }
    let ranked = Ranked::new(labels, scores)?;
    let mut below = 0;
    // (bin, least and greatest score, images, fractured images, sum of scores)
    let mut found: Vec<(u128, f64, f64, u64, u64, f64)> = Vec::new();
    for tie in ranked.ties.iter().rev() {
        let images = tie.positives + tie.negatives;
        let bin = mass_place(below, images) * bins as u128 / (2 * scores.len() as u128);
        below += images;
        let total = tie.score * images as f64;
        match found.last_mut() {
            Some((last, _, high, count, fractured, sum)) if *last == bin => {
                *high = tie.score;
                *count += images;
                *fractured += tie.positives;
                *sum += total;
            }
            _ => found.push((bin, tie.score, tie.score, images, tie.positives, total)),
        }
    }
    Ok(found
        .into_iter()
        .map(|(_, low, high, count, fractured, sum)| ReliabilityBin {
            low,
            high,
            count,
            mean_score: check::ratio(sum, count as f64),
            fractured: check::ratio(fractured as f64, count as f64),
        })
        .collect())
}

/// Twice the mid-rank of `images` equal scores with `below` images below them.
fn mass_place(below: u64, images: u64) -> u128 {
    u128::from(below) * 2 + u128::from(images)
}

/// Expected calibration error over `bins` bins of equal mass (see [`reliability_equal_mass`]), Σ (n_b / n) |mean score − share of
/// fractures|, in [0, 1], 0 being best.
///
/// Where most scores crowd near 0 and 1, [`ece`] sees them in two bins and the rest in nearly empty ones; this one resolves the
/// crowd, and each bin's share of fractures is as sure as the next one's. Biased upwards with few images a bin as well.
/// `None` without images. Source: Nixon et al., "Measuring calibration in deep learning", CVPR Workshops 2019 (there "adaptive").
///
/// # Errors
/// Unequal lengths; a score that is not a probability; no bins.
pub fn ece_equal_mass(
    labels: &[bool],
    scores: &[f64],
    bins: usize,
) -> Result<Option<f64>, MetricsError> {
    let gaps = gaps(&reliability_equal_mass(labels, scores, bins)?);
    Ok(check::ratio(gaps, labels.len() as f64))
}

/// Σ n_b |mean score − share of fractures|.
fn gaps(bins: &[ReliabilityBin]) -> f64 {
    bins.iter()
        .filter_map(|bin| Some(bin.count as f64 * (bin.mean_score? - bin.fractured?).abs()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_closed_below() {
        assert_eq!(bin_of(0.29, 100), 29);
        assert_eq!(bin_of(0.57, 100), 57);
        assert_eq!(bin_of(0.0, 10), 0);
        assert_eq!(bin_of(0.1, 10), 1);
        assert_eq!(bin_of(1.0, 10), 9);
    }

    #[test]
    fn certain_and_wrong_is_dear_but_finite() -> Result<(), MetricsError> {
        let loss = log_loss(&[true], &[0.0])?;
        assert!(loss.is_some_and(|loss| (loss - 52.0 * std::f64::consts::LN_2).abs() < 1e-12));
        assert_eq!(brier(&[true], &[0.0])?, Some(1.0));
        assert_eq!(ece(&[true, false], &[1.0, 0.0], 10)?, Some(0.0));
        assert_eq!(ece(&[], &[], 10)?, None);
        Ok(())
    }

    #[test]
    fn equal_mass_keeps_ties_together() -> Result<(), MetricsError> {
        let counts = |scores: &[f64], bins| -> Result<Vec<u64>, MetricsError> {
            let labels = vec![true; scores.len()];
            let found = reliability_equal_mass(&labels, scores, bins)?;
            Ok(found.iter().map(|bin| bin.count).collect())
        };
        assert_eq!(counts(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3)?, [2, 2, 2]);
        // Five of one score: mid-rank 2.5 of 8, in the first of two bins.
        let tied = [0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.4];
        assert_eq!(counts(&tied, 2)?, [5, 3]);
        // Three bins' worth in one, whose neighbours stay empty.
        assert_eq!(counts(&tied, 8)?, [5, 1, 1, 1]);
        assert_eq!(counts(&[0.5; 4], 4)?, [4]);
        assert!(counts(&[], 4)?.is_empty());
        let bins = reliability_equal_mass(&[false; 8], &tied, 2)?;
        assert_eq!((bins[1].low, bins[1].high), (0.2, 0.4));
        assert_eq!(ece_equal_mass(&[true, false], &[1.0, 0.0], 2)?, Some(0.0));
        Ok(())
    }

    #[test]
    fn what_is_no_probability_is_named() {
        assert_eq!(
            brier(&[true, true], &[0.5, 1.5]),
            Err(MetricsError::NotAProbability {
                index: 1,
                value: 1.5
            })
        );
        assert_eq!(ece(&[true], &[0.5], 0), Err(MetricsError::NoBins));
    }
}
