//! Bootstrap intervals, for figures that have no formula for theirs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{Estimate, MetricsError, check};

/// A figure with its stratified percentile-bootstrap interval.
///
/// Each replicate draws, with replacement, as many fractured images as there are from the fractured ones and as many
/// unfractured from the unfractured ones, so the prevalence stays that of the data; the interval's ends are the
/// (1 ± confidence)/2 quantiles of the replicates' figures, linearly interpolated. `statistic` sees the replicate's labels
/// and scores, the fractured ones first. `low <= high` always; the value itself can lie outside for a biased statistic.
/// Where every resample gives the same figure (perfect separation) the interval has no width, which says that the bootstrap
/// has nothing to vary and not that the figure is certain.
///
/// Replicates run in parallel, but replicate `i` draws from stream `i` of a ChaCha8 generator seeded with `seed`: the same
/// inputs give the same bits on any number of threads.
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
    let strata = Strata::new(labels, scores.iter().copied());
    let drawn_labels: Vec<bool> = (0..labels.len())
        .map(|index| index < strata.positives.len())
        .collect();
    let figures: Vec<Option<f64>> = (0..replicates as u64)
        .into_par_iter()
        .map_init(
            || Vec::with_capacity(scores.len()),
            |drawn: &mut Vec<f64>, replicate| {
                drawn.clear();
                strata.draw(seed, replicate, |_, score| drawn.push(score));
                statistic(&drawn_labels, drawn)
            },
        )
        .collect();
    Ok(percentiles(statistic(labels, scores), &figures, confidence))
}

pub(crate) fn check_plan(replicates: usize, confidence: f64) -> Result<(), MetricsError> {
    check::confidence(confidence)?;
    if replicates == 0 {
        return Err(MetricsError::NoReplicates);
    }
    Ok(())
}

/// What is known of each image, by class.
pub(crate) struct Strata<T> {
    positives: Vec<T>,
    negatives: Vec<T>,
}

impl<T: Copy> Strata<T> {
    pub fn new(labels: &[bool], items: impl Iterator<Item = T>) -> Self {
        let mut strata = Self {
            positives: Vec::new(),
            negatives: Vec::new(),
        };
        for (fractured, item) in labels.iter().zip(items) {
            if *fractured {
                strata.positives.push(item);
            } else {
                strata.negatives.push(item);
            }
        }
        strata
    }

    /// Hands every image of one replicate to `take`, the fractured ones first.
    ///
    /// Invariant: the draws depend on the seed, the replicate's number and the class sizes alone.
    pub fn draw(&self, seed: u64, replicate: u64, mut take: impl FnMut(bool, T)) {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(replicate);
        for (fractured, items) in [(true, &self.positives), (false, &self.negatives)] {
            for _ in 0..items.len() {
                take(fractured, items[generator.random_range(0..items.len())]);
            }
        }
    }
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
    fn each_replicate_keeps_the_class_sizes() {
        let strata = Strata::new(&[true, false, true, false, false], 0..5);
        let mut drawn = Vec::new();
        strata.draw(3, 8, |fractured, item| drawn.push((fractured, item)));
        assert_eq!(drawn.len(), 5);
        assert_eq!(drawn.iter().filter(|(fractured, _)| *fractured).count(), 2);
        assert!(
            drawn
                .iter()
                .all(|(fractured, item)| *fractured == [0, 2].contains(item))
        );
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
