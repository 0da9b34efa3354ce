//! The two walks, and the exact test that each step of theirs is.

use statrs::function::beta::beta_reg;

use super::{Promise, Side, SideRefusal};

/// A second start of the walk from the top calls this share of the images fractured.
const SECOND_START: usize = 20;

/// Walks upwards: how high the images called "not fractured" may reach.
pub(super) fn missed(labels: &[bool], scores: &[f64], promise: Promise) -> Side {
    let Promise { error, confidence } = promise;
    let mut fractures: Vec<f64> = of_class(labels, scores, true).collect();
    fractures.sort_unstable_by(f64::total_cmp);
    let have = fractures.len() as u64;
    let needed = needed(error, 1.0 - confidence);
    // One more may lie below the cut as long as the test passes: the cut is the lowest that may not.
    let allowed = allowed(have, error, 1.0 - confidence);
    let Some(&cut) = allowed.and_then(|k| fractures.get(k as usize)) else {
        return Side::Refused {
            promise,
            reason: SideRefusal::TooFewFractures { have, needed },
        };
    };
    Side::Missed {
        promise,
        cut,
        fractures: have,
        missed: fractures.partition_point(|score| *score < cut) as u64,
    }
}

/// Walks downwards: how low the images called "fractured" may reach.
pub(super) fn fractured(labels: &[bool], scores: &[f64], promise: Promise) -> Side {
    let Promise { error, confidence } = promise;
    let risk = 1.0 - confidence;
    let images = labels.len() as u64;
    let needed = needed(error, risk);
    let refused = |reason| Side::Refused { promise, reason };
    // The image at the cut is left out, so there must be one more.
    if images <= needed {
        return refused(SideRefusal::TooFewImages { images, needed });
    }
    let mut pairs: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut starts = starts(images, error, risk).into_iter().peekable();
    let (mut level, mut wrong) = (0.0, 0);
    let mut held: Option<(f64, u64, u64)> = None;
    let mut nearest: Option<(f64, SideRefusal)> = None;
    for (place, (cut, fractured)) in pairs.iter().enumerate() {
        // Images of one score stay together, and those at the cut are not above it: that is what makes the ones above it
        // independent draws from there.
        let above = place as u64;
        let torn = place == 0 || pairs[place - 1].0 <= *cut;
        if !torn {
            let mut starting = false;
            while let Some((_, share)) = starts.next_if(|(start, _)| *start <= above) {
                level += share;
                starting = true;
            }
            if level > 0.0 {
                // More images with no more wrong: what passed passes again.
                let again = held.is_some_and(|(_, _, before)| before == wrong && !starting);
                let p = if again {
                    0.0
                } else {
                    lower_tail(wrong, above, error)
                };
                if p <= level {
                    held = Some((*cut, above, wrong));
                } else {
                    if starting && nearest.is_none_or(|(best, _)| p < best) {
                        let reason = SideRefusal::TooManyWrong {
                            called: above,
                            wrong,
                            allowed: allowed(above, error, level),
                        };
                        nearest = Some((p, reason));
                    }
                    level = 0.0;
                }
            }
        }
        wrong += u64::from(!fractured);
    }
    match (held, nearest) {
        (Some((cut, called, wrong)), _) => Side::Fractured {
            promise,
            cut,
            called,
            wrong,
        },
        (None, Some((_, reason))) => refused(reason),
        // So many images have one score that no cut leaves enough above it.
        (None, None) => refused(SideRefusal::OneScore {
            above: pairs.partition_point(|pair| pair.0 > pairs[pairs.len() - 1].0) as u64,
            needed,
        }),
    }
}

/// From how many images on the walk from the top may begin, each with its share of the risk, ascending.
fn starts(images: u64, error: f64, risk: f64) -> Vec<(u64, f64)> {
    let second = images / SECOND_START as u64;
    let half = needed(error, risk / 2.0);
    if second < 2 * half {
        return vec![(needed(error, risk), risk)];
    }
    vec![(half, risk / 2.0), (second, risk / 2.0)]
}

/// The fewest images with which the test can pass, none of them wrong: (1 − error)^n is at most the level.
pub(super) fn needed(error: f64, level: f64) -> u64 {
    let images = (level.ln() / (-error).ln_1p()).ceil();
    (images as u64).max(1)
}

/// How many of so many images may be wrong for the test to pass; `None` where not even none may.
fn allowed(images: u64, error: f64, level: f64) -> Option<u64> {
    let passes = |wrong: u64| lower_tail(wrong, images, error) <= level;
    if images == 0 || !passes(0) {
        return None;
    }
    // It passes for none and fails for all: halve what lies between.
    let (mut least, mut most) = (0, images);
    while most - least > 1 {
        let middle = least.midpoint(most);
        if passes(middle) {
            least = middle;
        } else {
            most = middle;
        }
    }
    Some(least)
}

fn of_class<'a>(
    labels: &'a [bool],
    scores: &'a [f64],
    class: bool,
) -> impl Iterator<Item = f64> + 'a {
    let pairs = labels.iter().zip(scores);
    pairs
        .filter(move |(label, _)| **label == class)
        .map(|(_, score)| *score)
}

/// P(X ≤ successes) for X binomial with the given trials; 1 without trials.
pub(super) fn lower_tail(successes: u64, trials: u64, probability: f64) -> f64 {
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
        for (error, level) in [(0.05, 0.05), (0.1, 0.1), (0.02, 0.1), (0.5, 0.5)] {
            let fewest = needed(error, level);
            assert_eq!(allowed(fewest, error, level), Some(0));
            assert!(fewest == 1 || allowed(fewest - 1, error, level).is_none());
        }
        assert_eq!(allowed(0, 0.1, 0.1), None);
    }

    /// Against `scipy.stats.binom.cdf`: P(B(57, 0.1) ≤ 2) = 0.0666, ≤ 3: 0.1536; P(B(482, 0.1) ≤ 39) = 0.0956, ≤ 40: 0.1265.
    #[test]
    fn so_many_may_be_missed() {
        assert_eq!(allowed(57, 0.1, 0.1), Some(2));
        assert_eq!(allowed(482, 0.1, 0.1), Some(39));
    }

    #[test]
    fn few_images_start_once_and_many_twice() {
        assert_eq!(starts(436, 0.1, 0.1).len(), 1);
        let many = starts(2800, 0.1, 0.1);
        assert_eq!((many.len(), many[1].0), (2, 140));
        assert!((many.iter().map(|start| start.1).sum::<f64>() - 0.1).abs() < 1e-12);
    }
}
