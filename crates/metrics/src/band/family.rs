//! The candidate bands and the multiple test that hands the risk of a false promise through them.

use statrs::function::beta::beta_reg;

/// A start decides this share of the images at its upper end, the rest at its lower: none, or two fifths. Fractures are
/// seldom the majority, so the other way round is not started from.
const UPPER_SHARES: [(usize, usize); 2] = [(0, 1), (2, 5)];
/// The starts decide a quarter and a half of the images: fewer leave the test no power, more no band where the model is weak.
/// They do not depend on the promise, which is what makes a laxer one never leave more images undecided.
const SIZES: [usize; 2] = [4, 2];
/// Starts, each with an equal share of the risk.
const STARTS: f64 = 4.0;

/// The fewest images with which a start can pass: half of them, none wrong, have a p-value of (1 − error)^(n/2).
pub(super) fn needed(error: f64, confidence: f64) -> u64 {
    let decided = (((1.0 - confidence) / STARTS).ln() / (-error).ln_1p()).ceil();
    (decided as u64).max(1).saturating_mul(2)
}

/// The images by rising score.
pub(super) struct Ordered {
    scores: Vec<f64>,
    /// Fractured images among the first k, for k from 0.
    fractured: Vec<u64>,
}

/// A band and what it does to the validation images.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// −∞ where nothing is decided "not fractured".
    pub low: f64,
    /// ∞ where nothing is decided "fractured".
    pub high: f64,
    pub decided: u64,
    pub wrong: u64,
}

impl Candidate {
    fn p_value(&self, error: f64) -> f64 {
        lower_tail(self.wrong, self.decided, error)
    }
}

impl Ordered {
    pub fn new(labels: &[bool], scores: &[f64]) -> Self {
        let mut pairs: Vec<(f64, bool)> =
            scores.iter().copied().zip(labels.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut fractured = vec![0];
        let mut count = 0;
        for (_, label) in &pairs {
            count += u64::from(*label);
            fractured.push(count);
        }
        Self {
            scores: pairs.into_iter().map(|(score, _)| score).collect(),
            fractured,
        }
    }

    /// Wrong decisions when the first `below` images are called unfractured and those from `above` on fractured.
    fn wrong(&self, below: usize, above: usize) -> u64 {
        let beyond = (self.scores.len() - above) as u64;
        let found = self.fractured[self.scores.len()] - self.fractured[above];
        self.fractured[below] + beyond - found
    }

    /// Wrong decisions of the rule "fractured when `score >= threshold`".
    pub fn wrong_at(&self, threshold: f64) -> u64 {
        let cut = self.scores.partition_point(|score| *score < threshold);
        self.wrong(cut, cut)
    }

    /// Every score inside the candidate as a threshold, with its wrong decisions.
    pub fn thresholds(&self, cell: &Candidate) -> Vec<(f64, u64)> {
        let first = self.scores.partition_point(|score| *score < cell.low);
        let end = self.scores.partition_point(|score| *score <= cell.high);
        let mut inside = self.scores[first..end].to_vec();
        inside.dedup();
        inside
            .into_iter()
            .map(|threshold| (threshold, self.wrong_at(threshold)))
            .collect()
    }

    /// What stands for an end that is open.
    pub fn open_ends(&self) -> (f64, f64) {
        if self.scores.iter().all(|score| (0.0..=1.0).contains(score)) {
            (0.0, 1.0)
        } else {
            (f64::MIN, f64::MAX)
        }
    }

    /// The band that decides at most the lowest `low` and the highest `high` images, fewer where ties would be torn.
    ///
    /// Invariant: `low + high` is less than the number of images, so the ends are in order; and the images at the ends are
    /// inside. That is what makes those beyond an end independent draws from the population beyond it.
    fn candidate(&self, low: usize, high: usize) -> Candidate {
        let images = self.scores.len();
        let ends = (
            if low == 0 {
                f64::NEG_INFINITY
            } else {
                self.scores[low]
            },
            if high == 0 {
                f64::INFINITY
            } else {
                self.scores[images - 1 - high]
            },
        );
        let below = self.scores.partition_point(|score| *score < ends.0);
        let above = self.scores.partition_point(|score| *score <= ends.1);
        Candidate {
            low: ends.0,
            high: ends.1,
            decided: (below + images - above) as u64,
            wrong: self.wrong(below, above),
        }
    }
}

/// What the test found.
pub(super) struct Held {
    /// Bands that keep the promise.
    pub bands: Vec<Candidate>,
    /// Narrow bands any of whose scores is a threshold that keeps the promise for all images.
    pub points: Vec<Candidate>,
    /// The start that came nearest to passing.
    pub nearest: Candidate,
}

/// Tests the family at the total level `risk`.
///
/// Node (i, j) decides i cells at the lower and j at the upper end. A node's level is what the nodes that passed before it
/// handed on; each node is tested once, at all it will ever get, since risk flows only to larger i + j.
pub(super) fn walk(ordered: &Ordered, error: f64, risk: f64) -> Held {
    let images = ordered.scores.len();
    // A multiple of 4, so that a quarter and a half are exact.
    let cells = (images / 5).clamp(20, 100) / 4 * 4;
    let candidate = |i: usize, j: usize| ordered.candidate(i * images / cells, j * images / cells);
    let mut levels = vec![vec![0.0_f64; cells + 1]; cells + 1];
    let mut starts = Vec::new();
    for size in SIZES {
        for (part, whole) in UPPER_SHARES {
            let (total, upper) = (cells / size, cells / size * part / whole);
            levels[total - upper][upper] += risk / STARTS;
            starts.push(candidate(total - upper, upper));
        }
    }
    let mut held = Held {
        bands: Vec::new(),
        points: Vec::new(),
        nearest: starts
            .into_iter()
            .min_by(|a, b| a.p_value(error).total_cmp(&b.p_value(error)))
            // Invariant: there are four starts.
            .unwrap_or_else(|| candidate(0, 0)),
    };
    for total in 1..cells {
        for j in 0..=total {
            let i = total - j;
            let level = levels[i][j];
            if level <= 0.0 {
                continue;
            }
            let band = candidate(i, j);
            if band.p_value(error) > level {
                continue;
            }
            held.bands.push(band);
            let upwards = (j as f64 + 1.0) / (total as f64 + 2.0);
            levels[i + 1][j] += level * (1.0 - upwards);
            levels[i][j + 1] += level * upwards;
            if total + 1 == cells {
                // Nothing larger to hand the risk to: whether all may be decided, wherever inside the threshold lies.
                let all = images as u64;
                let worst = band.wrong + all - band.decided;
                if lower_tail(worst, all, error) <= level {
                    held.points.push(band);
                }
            }
        }
    }
    held
}

/// P(X ≤ successes) for X binomial with the given trials; 1 without trials.
fn lower_tail(successes: u64, trials: u64, probability: f64) -> f64 {
    if successes >= trials {
        return 1.0;
    }
    beta_reg(
        (trials - successes) as f64,
        successes as f64 + 1.0,
        1.0 - probability,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_sum() {
        // (0.9)^4 (0.9 + 5 · 0.1)
        assert!((lower_tail(1, 5, 0.1) - 0.918_54).abs() < 1e-12);
        assert!((lower_tail(0, 86, 0.05) - 0.95_f64.powi(86)).abs() < 1e-12);
        assert_eq!(lower_tail(0, 0, 0.1), 1.0);
        assert_eq!(lower_tail(3, 3, 0.1), 1.0);
    }

    #[test]
    fn the_fewest_images_just_suffice() {
        for (error, confidence) in [(0.05, 0.95), (0.1, 0.95), (0.02, 0.9), (0.5, 0.5)] {
            let half = needed(error, confidence) / 2;
            let level = (1.0 - confidence) / STARTS;
            assert!(lower_tail(0, half, error) <= level);
            assert!(half == 1 || lower_tail(0, half - 1, error) > level);
        }
    }

    #[test]
    fn ties_are_not_torn() {
        let ordered = Ordered::new(&[false, true, false, true], &[0.1, 0.5, 0.5, 0.9]);
        let band = ordered.candidate(2, 1);
        assert_eq!((band.low, band.high, band.decided), (0.5, 0.5, 2));
        let open = ordered.candidate(1, 0);
        assert_eq!((open.low, open.high), (0.5, f64::INFINITY));
        assert_eq!((open.decided, open.wrong), (1, 0));
        assert_eq!(ordered.wrong_at(0.5), 1);
    }
}
