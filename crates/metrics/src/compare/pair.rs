//! Any figure of two models, compared by a bootstrap that draws the same images for both.

use rand_chacha::ChaCha8Rng;

use crate::bootstrap::{Groups, check_plan, draw, percentiles, replicate};
use crate::{Estimate, MetricsError, check};

/// Two models' scores of the same images.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// Whether each image is fractured.
    pub labels: &'a [bool],
    /// Scores of the first model.
    pub a: &'a [f64],
    /// Scores of the second model; their scale may be another.
    pub b: &'a [f64],
    /// A number for each image, equal for images that belong together (of one patient, copies of one image); `None` where every
    /// image stands alone. Which numbers are used does not matter.
    pub groups: Option<&'a [usize]>,
}

/// The difference `statistic`(a) − `statistic`(b) with its percentile-bootstrap interval, both computed on the same resample.
///
/// Without groups a replicate draws images of each class as [`stratified`](crate::stratified) does. With groups it draws as
/// many whole groups as there are, with replacement and from all of them, so that numbers of images and prevalence vary as they
/// would with other patients; images of one group are no independent evidence, and drawing them one by one gives intervals
/// that are too narrow.
///
/// Replicate `i` draws from stream `i` of a ChaCha8 generator seeded with `seed`: the same inputs give the same bits on any
/// number of threads. The value is `None` where `statistic` says so for either model; replicates where it does are left out,
/// and when more than half are, the ends are `None`.
/// Sources: Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, chapters 8 and 13; Field & Welsh, "Bootstrapping
/// clustered data", J. Royal Statistical Society B 69 (2007) 369.
///
/// ```
/// use osteon_metrics::{Pair, average_precision, paired_bootstrap};
///
/// let labels = [true, true, true, false, false, false];
/// let (a, b) = ([0.9, 0.8, 0.6, 0.5, 0.2, 0.1], [0.9, 0.3, 0.4, 0.5, 0.2, 0.7]);
/// let pair = Pair { labels: &labels, a: &a, b: &b, groups: None };
/// let found = paired_bootstrap(&pair, 1000, 0.95, 0, |labels, scores| {
///     average_precision(labels, scores).ok().flatten()
/// })?;
/// assert!(found.value > Some(0.0) && found.low >= Some(0.0));
/// # Ok::<(), osteon_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// Unequal lengths; a score that is not finite; no replicates; a confidence that does not lie strictly between 0 and 1.
pub fn paired_bootstrap<F>(
    pair: &Pair<'_>,
    replicates: usize,
    confidence: f64,
    seed: u64,
    statistic: F,
) -> Result<Estimate, MetricsError>
where
    F: Fn(&[bool], &[f64]) -> Option<f64> + Sync,
{
    check::scores(pair.labels, pair.a)?;
    check::scores(pair.labels, pair.b)?;
    check_plan(replicates, confidence)?;
    if let Some(groups) = pair.groups {
        check::groups(pair.labels.len(), groups.len())?;
    }
    let units = Units::new(pair);
    let difference =
        |labels: &[bool], a: &[f64], b: &[f64]| Some(statistic(labels, a)? - statistic(labels, b)?);
    let figures = replicate(replicates, seed, |generator, scratch: &mut Scratch| {
        let Scratch {
            times,
            labels,
            a,
            b,
        } = scratch;
        labels.clear();
        a.clear();
        b.clear();
        units.draw(generator, times, |image| {
            labels.push(pair.labels[image]);
            a.push(pair.a[image]);
            b.push(pair.b[image]);
        });
        difference(labels, a, b)
    });
    let value = difference(pair.labels, pair.a, pair.b);
    Ok(percentiles(value, &figures, confidence))
}

/// A thread's buffers.
#[derive(Default)]
struct Scratch {
    times: Vec<u32>,
    labels: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
}

/// What a replicate draws.
enum Units {
    /// The images of each class, class by class.
    Images([Vec<usize>; 2]),
    Groups(Groups),
}

impl Units {
    fn new(pair: &Pair<'_>) -> Self {
        let of = |wanted: bool| {
            (0..pair.labels.len())
                .filter(|image| pair.labels[*image] == wanted)
                .collect()
        };
        match pair.groups {
            Some(groups) => Self::Groups(Groups::new(groups)),
            None => Self::Images([of(true), of(false)]),
        }
    }

    fn draw(&self, generator: &mut ChaCha8Rng, times: &mut Vec<u32>, mut take: impl FnMut(usize)) {
        match self {
            Self::Images(classes) => {
                for class in classes {
                    draw(generator, class.len(), times);
                    for (image, times) in class.iter().zip(times.iter()) {
                        (0..*times).for_each(|_| take(*image));
                    }
                }
            }
            Self::Groups(groups) => {
                draw(generator, groups.count, times);
                for (image, group) in groups.of.iter().enumerate() {
                    (0..times[*group]).for_each(|_| take(image));
                }
            }
        }
    }
}
