//! The doubt band: which images to leave to a person, so that what is said of the others can be promised, side by side.

mod outcome;
mod sides;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use outcome::{DoubtBand, Side, SideRefusal};

use crate::bootstrap::Groups;
use crate::{MetricsError, check};

/// A largest share of errors, and how surely it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The largest share, strictly between 0 and 1.
    pub error: f64,
    /// How surely it is kept, strictly between 0 and 1: the probability over the draw of the images it is made on.
    pub confidence: f64,
}

impl Default for Promise {
    /// At most 10 %, with 90 % confidence.
    fn default() -> Self {
        Self {
            error: 0.1,
            confidence: 0.9,
        }
    }
}

/// What a doubt band promises, a promise for each side.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BandOptions {
    /// Of the images called *fractured* at most this share is not.
    pub fractured: Promise,
    /// Of all fractures at most this share is called *not fractured*.
    pub missed: Promise,
}

/// Chooses a doubt band on validation images: scores below it are called "not fractured", scores above it "fractured", and those
/// between are left to a person.
///
/// **Two promises**, each kept with its own confidence over the draw of the validation images:
/// - `fractured`: of the images of the same population that score above the band at most `error` are not fractured;
/// - `missed`: of all its fractures at most `error` score below the band.
///
/// A side that cannot promise is refused with the reason, the band reaches to that end of the scale, and the other side holds all the
/// same. The promises fail silently if their assumption does: that the validation images are independent draws from the population the
/// band is used on, and took no part in training. Images of another hospital or machine are another population; for `fractured`, so is
/// another share of fractures (`missed` looks at fractures alone, and does not depend on it). Pass one image a patient (see
/// [`one_per_group`]); the promises then are about one image a patient. A strictly rising calibration may have been fitted to the same
/// images, since only the order of the scores matters; one with flat pieces, as an isotonic one, is better left out here (pass logits,
/// and map the ends).
///
/// **The method** is fixed-sequence testing, as in Learn-then-Test: cuts are gone through in an order laid down beforehand, each tested by
/// an exact binomial p-value, and those up to the first failure hold together, so that choosing among them costs nothing.
///
/// - `missed` goes upwards from the lowest score. With n fractures, a cut below which k of them lie has the p-value P(B(n, error) ≤ k). The
///   share of fractures below a cut only rises, so the walk is exact for every population: it ends at the order statistic of Wilks's
///   tolerance limit. Ties make it stricter.
/// - `fractured` goes downwards from the top, cut by cut. With m images above the cut, the p-value is P(B(m, error) ≤ wrong). It starts at
///   the fewest images that could pass, none of them wrong. With many images (a twentieth of them at least twice that) half the
///   risk is kept for a second start at a twentieth, so that one wrong image at the very top does not end it; a walk that comes
///   by a start takes its share of the risk along (a *fallback* procedure).
///
/// **How exact `fractured` is.** Where a higher score means a fracture at least as likely, the chance of a broken promise is at most
/// 1 − `confidence`: let s be the highest cut at which the promise is broken. Given how many images lie above s, they are independent
/// draws from there, wrong with a probability of `error` or more; those between s and the first cut below it are wrong
/// with more; so the first bad cut that the walk meets is passed with at most the risk it has by then, and a later start with
/// its own. Where the share wrong crosses `error` c times as the cut falls, c times the risk bounds it. `tests/it/band.rs`
/// simulates both kinds: normal scores, ties, a population that breaks the promise by a hair wherever one cuts, and one that crosses twice.
///
/// Sources: Angelopoulos, Bates, Candès, Jordan & Lei, "Learn then test: calibrating predictive algorithms to achieve risk control", arXiv
/// 2110.01052 (2021); Wilks, "Determination of sample sizes for setting tolerance limits", Annals of Mathematical Statistics 12
/// (1941) 91; Wiens, "A fixed sequence Bonferroni procedure for testing multiple endpoints", Pharmaceutical Statistics 2 (2003) 211;
/// Geifman & El-Yaniv, "Selective classification for deep neural networks", `NeurIPS` 2017.
///
/// ```
/// use osteon_metrics::{BandOptions, Promise, doubt_band};
///
/// // 400 images; fractures score above 0.6 and the others below 0.4, but for those in between.
/// let scores: Vec<f64> = (0..400).map(|index| f64::from(index) / 400.0).collect();
/// let labels: Vec<bool> = (0..400)
///     .map(|index| if (160..240).contains(&index) { index % 2 == 0 } else { index >= 240 })
///     .collect();
/// let band = doubt_band(&labels, &scores, BandOptions::default())?;
/// let (low, high) = (band.missed.cut().unwrap(), band.fractured.cut().unwrap());
/// assert!(low > 0.4 && low < 0.5 && high > 0.5 && high < 0.6);
/// assert_eq!((band.decide(0.1, 0.5), band.decide(0.5, 0.5), band.decide(0.9, 0.5)), (Some(false), None, Some(true)));
///
/// // Of 21 fractures none can tell that no more than a tenth is missed.
/// let few = doubt_band(&labels[..200], &scores[..200], BandOptions::default())?;
/// assert!(few.missed.to_string().ends_with("there are 20 fractures, and it takes at least 22, however good the model."), "{}", few.missed);
/// # Ok::<(), osteon_metrics::MetricsError>(())
/// ```
///
/// # Errors
/// Unequal lengths; a score that is not finite; an error or confidence that does not lie strictly between 0 and 1.
pub fn doubt_band(
    labels: &[bool],
    scores: &[f64],
    options: BandOptions,
) -> Result<DoubtBand, MetricsError> {
    check::scores(labels, scores)?;
    for Promise { error, confidence } in [options.fractured, options.missed] {
        check::confidence(confidence)?;
        // Written so that NaN fails.
        if !(error > 0.0 && error < 1.0) {
            return Err(MetricsError::BadAllowedError { error });
        }
    }
    Ok(DoubtBand {
        fractured: sides::fractured(labels, scores, options.fractured),
        missed: sides::missed(labels, scores, options.missed),
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
