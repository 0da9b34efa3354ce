//! Bootstrap intervals, for figures that have no formula for theirs.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Estimate, MetricsError, check};

/// A figure with its stratified percentile-bootstrap interval.
///
/// Each replicate draws, with replacement, as many fractured images as there are from the fractured ones and as many
/// unfractured from the unfractured ones, so the prevalence stays that of the data; the interval's ends are the
/// (1 ± confidence)/2 quantiles of the replicates' figures, linearly interpolated. `statistic` sees the replicate's labels
/// and scores, the fractured ones first, each class by descending score. `low <= high` always; the value itself can lie outside
/// for a biased statistic. Where every resample gives the same figure (perfect separation) the interval has no width, which says
/// that the bootstrap has nothing to vary and not that the figure is certain.
///
/// The images must be independent of each other. Where several are of one patient, or copies of one image, it is [`grouped`] that
/// gives an honest width.
///
/// Replicates run in parallel, but replicate `i` draws from stream `i` of a ChaCha8 generator seeded with `seed`: the same
/// inputs give the same bits on any number of threads, and in whatever order the images come.
///
/// The value is `None` where `statistic` says so. Replicates whose figure is `None` or not finite are left out; when more than
/// half are, the ends are `None`. Both ends are `None` when the value is.
/// Sources: Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13; stratified as in Carpenter & Bithell,
/// Statistics in Medicine 19 (2000) 1141, section 3.
///
/// # Errors
/// Unequal lengths; a score that is not finite; no replicates; a confidence that does not lie strictly between 0 and 1.
pub fn stratified<F>(
    labels: &[bool],
    scores: &[f64],
    replicates: usize,
    confidence: f64,
    seed: u64,
    statistic: F,
) -> Result<Estimate, MetricsError>
where
    F: Fn(&[bool], &[f64]) -> Option<f64> + Sync,
{
    check::scores(labels, scores)?;
    check_plan(replicates, confidence)?;
    let of = |wanted: bool| {
        let pairs = labels.iter().zip(scores);
        let mut scores: Vec<f64> = pairs
            .filter_map(|(label, score)| (*label == wanted).then_some(*score))
            .collect();
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        scores
    };
    let classes = [of(true), of(false)];
    let drawn_labels: Vec<bool> = (0..labels.len())
        .map(|index| index < classes[0].len())
        .collect();
    let figures = replicate(replicates, seed, |generator, scratch: &mut Scratch| {
        scratch.scores.clear();
        for class in &classes {
            draw(generator, class.len(), &mut scratch.times);
            for (score, times) in class.iter().zip(&scratch.times) {
                scratch.scores.extend((0..*times).map(|_| *score));
            }
        }
        statistic(&drawn_labels, &scratch.scores)
    });
    Ok(percentiles(statistic(labels, scores), &figures, confidence))
}

/// A figure with its percentile interval from a bootstrap of whole groups (a cluster bootstrap), for images that are not
/// independent: several of one patient, or rotated copies of one image. `groups[i]` is any number that image `i` shares with those of
/// its group and no other.
///
/// Each replicate draws, with replacement, as many groups as there are, and takes all images of a group as often as it was drawn;
/// within a group nothing is drawn again. So the number of images, and of each class, varies from replicate to replicate.
/// `statistic` sees the drawn images in the order of the data, a group drawn twice with each of its images twice in a row.
/// Percentiles, seed, streams and undefined replicates are as in [`stratified`]; groups count in the order in which they first appear.
///
/// That nothing is drawn within the groups is what Davison & Hinkley recommend (*Bootstrap Methods and their Application*, 1997,
/// section 3.8: of two-stage schemes, the one that resamples only at the top best reproduces the variance), and what Field & Welsh
/// find consistent as the number of groups grows ("Bootstrapping clustered data", JRSS B 69 (2007) 369). Rutter ("Bootstrap
/// estimation of diagnostic accuracy with patient-clustered data", Academic Radiology 7 (2000) 413) draws so for sensitivity,
/// specificity and the ROC curve, with the patient as the unit.
///
/// Groups are *not* drawn by stratum of their label. A group can hold both classes, and even for pure groups the data were
/// collected by group: how many fractured images there are is as much an accident of the groups that came as everything else, and an
/// interval that holds it fixed is too narrow for figures that lean on the prevalence (precision, accuracy, average precision, Brier
/// score). The price: with few groups a replicate can lack a class. With one image in every group it is the ordinary bootstrap,
/// not [`stratified`]. With few groups, say fewer than 20, its intervals are too narrow: it cannot vary more than what it has.
///
/// # Errors
/// As [`stratified`]; another number of groups than of images.
pub fn grouped<F>(
    labels: &[bool],
    scores: &[f64],
    groups: &[usize],
    replicates: usize,
    confidence: f64,
    seed: u64,
    statistic: F,
) -> Result<Estimate, MetricsError>
where
    F: Fn(&[bool], &[f64]) -> Option<f64> + Sync,
{
    check::scores(labels, scores)?;
    check::groups(labels.len(), groups.len())?;
    check_plan(replicates, confidence)?;
    let groups = Groups::new(groups);
    let figures = replicate(replicates, seed, |generator, scratch: &mut Scratch| {
        scratch.labels.clear();
        scratch.scores.clear();
        draw(generator, groups.count, &mut scratch.times);
        for ((label, score), group) in labels.iter().zip(scores).zip(&groups.of) {
            for _ in 0..scratch.times[*group] {
                scratch.labels.push(*label);
                scratch.scores.push(*score);
            }
        }
        statistic(&scratch.labels, &scratch.scores)
    });
    Ok(percentiles(statistic(labels, scores), &figures, confidence))
}

/// A thread's buffers.
#[derive(Default)]
struct Scratch {
    times: Vec<u32>,
    labels: Vec<bool>,
    scores: Vec<f64>,
}

/// Runs `work` once for every replicate, each with its own stream of random numbers and its thread's scratch.
pub(crate) fn replicate<S: Default, T: Send>(
    replicates: usize,
    seed: u64,
    work: impl Fn(&mut ChaCha8Rng, &mut S) -> T + Sync,
) -> Vec<T> {
    (0..replicates as u64)
        .into_par_iter()
        .map_init(S::default, |scratch, replicate| {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            generator.set_stream(replicate);
            work(&mut generator, scratch)
        })
        .collect()
}

/// Draws one of `units` as many times as there are, and counts in `times` how often each came.
///
/// Uniform by Lemire's method ("Fast random integer generation in an interval", ACM TOMACS 29 (2019)) on 32-bit numbers, hence
/// without bias. Invariant: what is drawn depends on the generator's state and `units` alone.
pub(crate) fn draw(generator: &mut ChaCha8Rng, units: usize, times: &mut Vec<u32>) {
    times.clear();
    times.resize(units, 0);
    // No units: no distribution, and nothing to draw.
    if let Ok(uniform) = Uniform::new(0, units) {
        for _ in 0..units {
            times[uniform.sample(generator)] += 1;
        }
    }
}

/// Groups, numbered from 0 in the order in which they first appear.
pub(crate) struct Groups {
    /// Of each image.
    pub of: Vec<usize>,
    pub count: usize,
}

impl Groups {
    pub fn new(groups: &[usize]) -> Self {
        let mut numbers = HashMap::new();
        let of = groups
            .iter()
            .map(|group| {
                let next = numbers.len();
                *numbers.entry(*group).or_insert(next)
            })
            .collect();
        Self {
            of,
            count: numbers.len(),
        }
    }
}

pub(crate) fn check_plan(replicates: usize, confidence: f64) -> Result<(), MetricsError> {
    check::confidence(confidence)?;
    if replicates == 0 {
        return Err(MetricsError::NoReplicates);
    }
    Ok(())
}

/// The percentile interval of the replicates' figures around `value`.
pub(crate) fn percentiles(
    value: Option<f64>,
    figures: &[Option<f64>],
    confidence: f64,
) -> Estimate {
    let mut defined: Vec<f64> = figures
        .iter()
        .flatten()
        .copied()
        .filter(|figure| figure.is_finite())
        .collect();
    if value.is_none() || defined.is_empty() || defined.len() * 2 < figures.len() {
        return Estimate {
            value,
            ..Estimate::UNDEFINED
        };
    }
    defined.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    Estimate {
        value,
        low: Some(quantile(&defined, tail)),
        high: Some(quantile(&defined, 1.0 - tail)),
    }
}

/// Linearly interpolated quantile of sorted, non-empty data (Hyndman & Fan's type 7, the default of R and NumPy).
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let last = sorted.len() - 1;
    let position = probability * last as f64;
    let below = (position as usize).min(last);
    let above = (below + 1).min(last);
    // Written so that equal neighbours give exactly their value, and the result never passes the upper one.
    let step = (position - below as f64) * (sorted[above] - sorted[below]);
    (sorted[below] + step).min(sorted[above])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let sorted = [1.0, 2.0, 4.0];
        let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&sorted, p));
        assert_eq!(found, [1.0, 1.5, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn each_replicate_keeps_the_class_sizes() -> Result<(), MetricsError> {
        let (labels, scores) = ([true, false, true, false, false], [0.9, 0.2, 0.8, 0.3, 0.1]);
        let kept = |labels: &[bool], scores: &[f64]| {
            assert_eq!(labels.len(), 5);
            for (fractured, score) in labels.iter().zip(scores) {
                assert_eq!(*fractured, *score > 0.5);
            }
            Some(labels.iter().filter(|fractured| **fractured).count() as f64)
        };
        let found = stratified(&labels, &scores, 50, 0.95, 3, kept)?;
        assert_eq!(found, Estimate::new(2.0, 2.0, 2.0));
        Ok(())
    }

    #[test]
    fn groups_stay_whole() -> Result<(), MetricsError> {
        // Scores name the group; group 7 has three images.
        let (labels, scores) = ([true, false, true, false], [7.0, 7.0, 1.0, 7.0]);
        let whole = |labels: &[bool], scores: &[f64]| {
            let of = |group: f64, fractured: bool| {
                let pairs = labels.iter().zip(scores);
                pairs
                    .filter(|(label, score)| **score == group && **label == fractured)
                    .count()
            };
            assert_eq!(of(7.0, false), 2 * of(7.0, true));
            assert_eq!(of(7.0, true) + of(1.0, true), 2);
            Some(labels.len() as f64)
        };
        let found = grouped(&labels, &scores, &[7, 7, 1, 7], 200, 0.99, 3, whole)?;
        assert_eq!(found, Estimate::new(4.0, 2.0, 6.0));
        assert_eq!(
            grouped(&labels, &scores, &[1], 5, 0.9, 0, whole),
            Err(MetricsError::GroupsMismatch {
                images: 4,
                groups: 1
            })
        );
        Ok(())
    }

    #[test]
    fn undefined_replicates_do_not_become_numbers() -> Result<(), MetricsError> {
        let (labels, scores) = ([true, false], [0.7, 0.2]);
        let never = stratified(&labels, &scores, 20, 0.95, 1, |_, _| None)?;
        assert_eq!(never, Estimate::UNDEFINED);
        let seldom = percentiles(Some(0.5), &[Some(0.4), None, Some(f64::NAN)], 0.95);
        assert_eq!((seldom.value, seldom.low), (Some(0.5), None));
        assert_eq!(
            stratified(&labels, &scores, 0, 0.95, 1, |_, _| None),
            Err(MetricsError::NoReplicates)
        );
        Ok(())
    }
}
