//! The doubt band: which images to leave to a person, so that few of the others are decided wrongly, with a guarantee.

mod family;
mod outcome;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use outcome::{BandOutcome, BandRefusal, DoubtBand};

use crate::bootstrap::Groups;
use crate::{MetricsError, check};
use family::{Candidate, Ordered};

/// What a doubt band promises.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BandOptions {
    /// The largest share of wrong decisions among the decided images, strictly between 0 and 1.
    pub error: f64,
    /// How surely the promise is kept, strictly between 0 and 1: the probability over the draw of the validation images.
    pub confidence: f64,
    /// The decision threshold in use, which the band must then contain, so that it takes decisions back and never turns one
    /// round. It may have been chosen on the same images. `None` where there is none yet.
    pub threshold: Option<f64>,
}

impl Default for BandOptions {
    /// At most 5 % wrong with 95 % confidence, no threshold.
    fn default() -> Self {
        Self {
            error: 0.05,
            confidence: 0.95,
            threshold: None,
        }
    }
}

/// Chooses a doubt band [low, high] on validation images: scores below it are decided "not fractured", above it "fractured",
/// and those inside are left to a person.
///
/// **The promise.** With probability at least `confidence` over the draw of the validation images, the share of wrong decisions
/// among the decided images of the same population is at most `error`. It fails silently if its assumption does: that the
/// validation images are independent draws from the population the band is used on, and took no part in training. Images of
/// another hospital, another prevalence or another machine are another population. Pass one image a patient (see
/// [`one_per_group`]); the promise then is about one image a patient. It is about all decided images together: the
/// share wrong among those decided "fractured" alone may be larger. A strictly rising calibration may have been fitted to the
/// same images, since only the order of the scores matters; one with flat pieces, as an isotonic one, is better left out here
/// (pass logits, and map the ends).
///
/// **The method** is Learn-then-Test. A family of candidate bands is laid down without a look at the labels: the lowest i/K
/// and the highest j/K of the scores are decided, K being from 20 to 100 by the number of images. The hypothesis "more than
/// `error` of the images that this band decides are wrong" has the binomial p-value P(B(m, error) ≤ wrong) with m images
/// decided. The chance 1 − `confidence` of one false rejection in the whole family is handed through it as in a graphical
/// multiple test: four bands that decide a quarter and a half of the images start with a fourth each; a band that passes hands
/// its share on to the two that decide 1/K more at either end, in proportion to what it decides there. So all bands found to
/// hold do so together, and choosing among them afterwards, by labels or by a threshold that was, costs nothing. Of those, the
/// band returned is the one that decides the most of these images. A band of nearly no width is also tested with all images
/// inside it counted as wrong: if that holds no band is needed.
///
/// Images of one score stay together. A greater `error` or a smaller `confidence` never leaves more images undecided.
///
/// **How exact it is.** The p-value is exact for a band with one end. With two it is exact as long as the shares wrong below
/// and above the band are steady within the play of the ends, which are themselves images drawn. Shares that jump with the
/// very draw could make it too small: a numerical bound over all populations, at the 26 sizes and levels tried with 100 to 660
/// decided images, was 1.3 to 3.2 times the p-value. Against that stands that the multiple test is stricter than
/// promised: in the simulations of `tests/it/band.rs` (normal scores, ties, one useless side, and a
/// population in which every band breaks the promise by a hair) a promised 5 % was broken in at most 2 % of the draws.
///
/// Sources: Angelopoulos, Bates, Candès, Jordan & Lei, "Learn then test: calibrating predictive algorithms to achieve risk
/// control", arXiv 2110.01052 (2021); Bretz, Maurer, Brannath & Posch, "A graphical approach to sequentially
/// rejective multiple test procedures", Statistics in Medicine 28 (2009) 586; Geifman & El-Yaniv, "Selective classification for deep
/// neural networks", NeurIPS 2017.
///
/// ```
/// use osteon_metrics::{BandOptions, BandOutcome, doubt_band};
///
/// // 400 images; fractures score above 0.6 and the others below 0.4, but for those in between.
/// let scores: Vec<f64> = (0..400).map(|index| f64::from(index) / 400.0).collect();
/// let labels: Vec<bool> = (0..400)
///     .map(|index| if (160..240).contains(&index) { index % 2 == 0 } else { index >= 240 })
///     .collect();
/// let found = doubt_band(&labels, &scores, BandOptions { threshold: Some(0.5), ..BandOptions::default() })?;
/// let BandOutcome::Band(band) = &found else { panic!("{found}") };
/// assert!(band.low > 0.35 && band.low < 0.5 && band.high > 0.5 && band.high < 0.65);
/// assert_eq!((band.decide(0.1), band.decide(0.5), band.decide(0.9)), (Some(false), None, Some(true)));
///
/// // 100 images are too few to promise 5 % to everyone who asks, whatever they show.
/// let few = doubt_band(&labels[..100], &scores[..100], BandOptions::default())?;
/// assert!(few.to_string().contains("at least 172"), "{few}");
/// # Ok::<(), osteon_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// Unequal lengths; a score or threshold that is not finite; an error or confidence that does not lie strictly between 0 and 1.
pub fn doubt_band(
    labels: &[bool],
    scores: &[f64],
    options: BandOptions,
) -> Result<BandOutcome, MetricsError> {
    check::scores(labels, scores)?;
    check::confidence(options.confidence)?;
    options.threshold.map_or(Ok(()), check::threshold)?;
    let BandOptions {
        error, confidence, ..
    } = options;
    // Written so that NaN fails.
    if !(error > 0.0 && error < 1.0) {
        return Err(MetricsError::BadAllowedError { error });
    }
    let refused = |reason| BandOutcome::Refused {
        reason,
        error,
        confidence,
    };
    let images = labels.len() as u64;
    let needed = family::needed(error, confidence);
    if images < needed {
        return Ok(refused(BandRefusal::TooFewImages { images, needed }));
    }
    let ordered = Ordered::new(labels, scores);
    let held = family::walk(&ordered, error, 1.0 - confidence);
    let contains = |candidate: &&Candidate| {
        options
            .threshold
            .is_none_or(|threshold| candidate.low <= threshold && threshold <= candidate.high)
    };

    let points: Vec<(f64, u64)> = held
        .points
        .iter()
        .filter(contains)
        .flat_map(|cell| match options.threshold {
            Some(threshold) => vec![(threshold, ordered.wrong_at(threshold))],
            None => ordered.thresholds(cell),
        })
        .collect();
    // Among equals the lowest: a missed fracture costs more than a second look.
    if let Some((threshold, wrong)) = points
        .into_iter()
        .min_by(|a, b| a.1.cmp(&b.1).then(a.0.total_cmp(&b.0)))
    {
        return Ok(BandOutcome::NotNeeded {
            threshold,
            images,
            wrong,
            error,
            confidence,
        });
    }
    let best = held
        .bands
        .iter()
        .filter(contains)
        .max_by_key(|band| (band.decided, std::cmp::Reverse(band.wrong)));
    Ok(match (best, options.threshold) {
        (Some(band), threshold) => {
            let (floor, ceiling) = ordered.open_ends();
            let end = |end: f64, open: f64, pick: fn(f64, f64) -> f64| {
                if end.is_finite() {
                    end
                } else {
                    threshold.map_or(open, |threshold| pick(open, threshold))
                }
            };
            BandOutcome::Band(DoubtBand {
                low: end(band.low, floor, f64::min),
                high: end(band.high, ceiling, f64::max),
                images,
                decided: band.decided,
                wrong: band.wrong,
                error,
                confidence,
            })
        }
        (None, Some(threshold)) if !held.bands.is_empty() => {
            refused(BandRefusal::ThresholdOutside { images, threshold })
        }
        (None, _) => refused(BandRefusal::NoBandHolds {
            images,
            decided: held.nearest.decided,
            wrong: held.nearest.wrong,
        }),
    })
}

/// One image of each group, drawn by `seed`, as ascending indices: what [`doubt_band`] and every other figure that takes images
/// as independent may be given where several images show one patient.
///
/// Which numbers the groups carry does not matter.
///
/// ```
/// let chosen = osteon_metrics::one_per_group(&[7, 7, 3, 7, 3], 0);
/// assert_eq!(chosen.len(), 2);
/// ```
#[must_use]
pub fn one_per_group(groups: &[usize], seed: u64) -> Vec<usize> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let numbered = Groups::new(groups);
    let mut members = vec![Vec::new(); numbered.count];
    for (image, group) in numbered.of.iter().enumerate() {
        members[*group].push(image);
    }
    let mut chosen: Vec<usize> = members
        .iter()
        .map(|images| images[generator.random_range(0..images.len())])
        .collect();
    chosen.sort_unstable();
    chosen
}
