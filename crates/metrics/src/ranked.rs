//! The one sort that the rank-based figures share: how many of each class carry each distinct score.

use crate::{MetricsError, check};

/// All images that share one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tie {
    pub score: f64,
    /// Fractured images with this score.
    pub positives: u64,
    /// Unfractured images with this score.
    pub negatives: u64,
}

/// Distinct scores in descending order, with the class counts.
///
/// Invariant: ties are exact (`==` on the score, so −0 and 0 are one score); nothing is rounded.
#[derive(Debug, Clone)]
pub(crate) struct Ranked {
    pub ties: Vec<Tie>,
    pub positives: u64,
    pub negatives: u64,
}

impl Ranked {
    pub fn new(labels: &[bool], scores: &[f64]) -> Result<Self, MetricsError> {
        check::scores(labels, scores)?;
        let mut pairs: Vec<(f64, bool)> =
            scores.iter().copied().zip(labels.iter().copied()).collect();
        pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        #[allow(clippy::float_cmp, reason = "a tie is an equal score")]
        let ties: Vec<Tie> = pairs
            .chunk_by(|a, b| a.0 == b.0)
            .map(|tied| {
                let positives = tied.iter().filter(|(_, fractured)| *fractured).count() as u64;
                Tie {
                    score: tied[0].0,
                    positives,
                    negatives: tied.len() as u64 - positives,
                }
            })
            .collect();
        Ok(Self {
            positives: ties.iter().map(|tie| tie.positives).sum(),
            negatives: ties.iter().map(|tie| tie.negatives).sum(),
            ties,
        })
    }

    /// Whether only one class (or none) is present, which leaves comparisons of the two undefined.
    pub fn lacks_a_class(&self) -> bool {
        self.positives == 0 || self.negatives == 0
    }

    /// Which tie a score of the data belongs to.
    pub fn index_of(&self, score: f64) -> usize {
        self.ties.partition_point(|tie| tie.score > score)
    }

    /// (fractured, unfractured) images by descending score.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ties.iter().map(|tie| (tie.positives, tie.negatives))
    }

    /// (true positives, false positives) when the images of the first `k` ties are called fractured, for `k` from 1 to the
    /// number of ties.
    pub fn cumulative(&self) -> impl Iterator<Item = (&Tie, u64, u64)> {
        self.ties.iter().scan((0, 0), |(tp, fp), tie| {
            *tp += tie.positives;
            *fp += tie.negatives;
            Some((tie, *tp, *fp))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_counted_and_signed_zeros_are_one_score() -> Result<(), MetricsError> {
        let ranked = Ranked::new(&[true, false, true, false], &[0.0, -0.0, 0.5, -1.0])?;
        let counts: Vec<_> = ranked
            .ties
            .iter()
            .map(|tie| (tie.score, tie.positives, tie.negatives))
            .collect();
        assert_eq!(counts, [(0.5, 1, 0), (0.0, 1, 1), (-1.0, 0, 1)]);
        assert_eq!(ranked.index_of(-0.0), 1);
        assert_eq!(ranked.index_of(-1.0), 2);
        Ok(())
    }
}
