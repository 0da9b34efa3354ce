//! All figures of a [`Summary`](crate::Summary) on many bootstrap replicates.
//!
//! The data are sorted once: a replicate is only how often each distinct score was drawn, by class, and every figure is read off
//! these counts in passes from the highest score to the lowest.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use crate::bootstrap::{Groups, draw, replicate};
use crate::calibration::{bin_of, surprise};
use crate::ranked::Ranked;
use crate::roc::{self, Limits};
use crate::{Confusion, check, pr};

/// What is asked of the figures that take a parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub threshold: f64,
    /// Bins of both calibration errors.
    pub bins: usize,
    /// The partial area's largest false-positive rate.
    pub max_fpr: f64,
    /// The recall that is held while the other is read.
    pub target: f64,
}

/// The figures of the data or of one replicate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    pub confusion: Confusion,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
    pub partial_auc: Option<f64>,
    pub sensitivity_at: Option<f64>,
    pub specificity_at: Option<f64>,
    pub brier: Option<f64>,
    pub log_loss: Option<f64>,
    pub ece: Option<f64>,
    pub ece_equal_mass: Option<f64>,
}

/// The sorted data and what never changes between replicates.
pub(crate) struct Board {
    terms: Terms,
    /// (fractured, unfractured) images of each distinct score, descending.
    data: Vec<[u32; 2]>,
    cards: Vec<Card>,
    /// The distinct scores at or above the threshold come first: so many.
    flagged: usize,
    /// The distinct scores of each bin of equal width that has any.
    runs: Vec<Range<usize>>,
}

/// What one image with a score costs.
struct Card {
    score: f64,
    /// Log loss, if fractured and if not.
    surprise: [f64; 2],
}

impl Board {
    /// Of probabilities.
    pub fn new(ranked: &Ranked, terms: Terms) -> Self {
        let mut runs: Vec<Range<usize>> = Vec::new();
        let bin = |place: usize| bin_of(ranked.ties[place].score, terms.bins);
        for place in 0..ranked.ties.len() {
            match runs.last_mut() {
                Some(run) if bin(run.start) == bin(place) => run.end = place + 1,
                _ => runs.push(place..place + 1),
            }
        }
        Self {
            terms,
            data: ranked
                .counts()
                .map(|(fractured, unfractured)| [fractured as u32, unfractured as u32])
                .collect(),
            cards: ranked
                .ties
                .iter()
                .map(|tie| Card {
                    score: tie.score,
                    surprise: [true, false].map(|fractured| surprise(fractured, tie.score)),
                })
                .collect(),
            flagged: ranked
                .ties
                .partition_point(|tie| tie.score >= terms.threshold),
            runs,
        }
    }

    /// The figures of the data themselves.
    pub fn point(&self) -> Figures {
        self.figures(&self.data)
    }

    /// The figures of every replicate that draws images within their class, as [`stratified`](crate::stratified) does.
    pub fn stratified(&self, replicates: usize, seed: u64) -> Vec<Figures> {
        let scores_of = |class: usize| -> Vec<u32> {
            let places = self.data.iter().enumerate();
            places
                .flat_map(|(place, counts)| (0..counts[class]).map(move |_| place as u32))
                .collect()
        };
        let classes = [scores_of(0), scores_of(1)];
        self.replicates(replicates, seed, |generator, times, counts| {
            for (class, places) in classes.iter().enumerate() {
                draw(generator, places.len(), times);
                for (place, times) in places.iter().zip(times.iter()) {
                    counts[*place as usize][class] += times;
                }
            }
        })
    }

    /// The figures of every replicate that draws whole groups, as [`grouped`](crate::grouped) does. `images` are each one's distinct
    /// score and class (0 fractured, 1 not).
    pub fn grouped(
        &self,
        images: &[(usize, usize)],
        groups: &Groups,
        replicates: usize,
        seed: u64,
    ) -> Vec<Figures> {
        self.replicates(replicates, seed, |generator, times, counts| {
            draw(generator, groups.count, times);
            for ((place, class), group) in images.iter().zip(&groups.of) {
                counts[*place][*class] += times[*group];
            }
        })
    }

    fn replicates(
        &self,
        replicates: usize,
        seed: u64,
        fill: impl Fn(&mut ChaCha8Rng, &mut Vec<u32>, &mut [[u32; 2]]) + Sync,
    ) -> Vec<Figures> {
        replicate(replicates, seed, |generator, scratch: &mut Scratch| {
            scratch.counts.clear();
            scratch.counts.resize(self.data.len(), [0; 2]);
            fill(generator, &mut scratch.times, &mut scratch.counts);
            self.figures(&scratch.counts)
        })
    }

    fn figures(&self, counts: &[[u32; 2]]) -> Figures {
        let sum = |counts: &[[u32; 2]]| {
            let add = |(tp, fp), [fractured, not]: &[u32; 2]| {
                (tp + u64::from(*fractured), fp + u64::from(*not))
            };
            counts.iter().fold((0, 0), add)
        };
        let (tp, fp) = sum(&counts[..self.flagged]);
        let (fn_, tn) = sum(&counts[self.flagged..]);
        let confusion = Confusion { tp, fn_, fp, tn };
        let (positives, negatives) = (tp + fn_, fp + tn);
        let pairs = || {
            let pair = |[fractured, not]: &[u32; 2]| (u64::from(*fractured), u64::from(*not));
            counts.iter().map(pair)
        };
        let limits = Limits::new(positives, negatives, self.terms.target);
        let [brier, log_loss, ece, ece_equal_mass] = self.costs(counts, positives + negatives);
        Figures {
            confusion,
            roc_auc: roc::area_of(positives, negatives, pairs()),
            average_precision: pr::area(positives, pairs()),
            partial_auc: roc::partial(positives, negatives, self.terms.max_fpr, pairs()),
            sensitivity_at: roc::sensitivity_where(&limits, pairs()),
            specificity_at: roc::specificity_where(&limits, pairs()),
            brier,
            log_loss,
            ece,
            ece_equal_mass,
        }
    }

    /// Brier score, log loss, and the calibration errors over bins of equal width and of equal mass.
    fn costs(&self, counts: &[[u32; 2]], images: u64) -> [Option<f64>; 4] {
        let (mut brier, mut loss, mut wide) = (0.0, 0.0, 0.0);
        let mut mass = Mass::new(self.terms.bins as u64, images);
        for run in &self.runs {
            // Σ score − Σ label in the bin: n_b (mean score − share of fractures).
            let mut gap = 0.0;
            for (card, [fractured, not]) in self.cards[run.clone()].iter().zip(&counts[run.clone()])
            {
                mass.enter(u64::from(fractured + not));
                let (fractured, not) = (f64::from(*fractured), f64::from(*not));
                let (score, rest) = (card.score, 1.0 - card.score);
                brier += fractured * (rest * rest) + not * (score * score);
                loss += fractured * card.surprise[0] + not * card.surprise[1];
                let excess = not * score - fractured * rest;
                gap += excess;
                mass.gap += excess;
            }
            wide += gap.abs();
        }
        [brier, loss, wide, mass.total()].map(|sum| check::ratio(sum, images as f64))
    }
}

/// A thread's buffers.
#[derive(Default)]
struct Scratch {
    times: Vec<u32>,
    counts: Vec<[u32; 2]>,
}

/// The calibration error over bins of equal mass, as scores come by descending: the bins of
/// [`reliability_equal_mass`](crate::reliability_equal_mass).
struct Mass {
    bins: u64,
    /// Twice the images from here on downwards.
    left: u64,
    /// A score whose mid-rank, doubled, times the bins is less than this begins a lower bin.
    edge: u64,
    /// Width of a bin in that unit.
    step: u64,
    gap: f64,
    sum: f64,
}

impl Mass {
    fn new(bins: u64, images: u64) -> Self {
        Self {
            bins,
            left: 2 * images,
            edge: 2 * images * bins.saturating_sub(1),
            step: 2 * images,
            gap: 0.0,
            sum: 0.0,
        }
    }

    /// Before the excess of `images` of one score is added. A score that was not drawn changes nothing: the bin it would close has no
    /// more images below it.
    #[inline]
    fn enter(&mut self, images: u64) {
        let place = (self.left - images) * self.bins;
        self.left -= 2 * images;
        if place < self.edge {
            self.close(place);
        }
    }

    #[cold]
    fn close(&mut self, place: u64) {
        self.sum += self.gap.abs();
        self.gap = 0.0;
        while place < self.edge {
            self.edge -= self.step;
        }
    }

    fn total(&self) -> f64 {
        self.sum + self.gap.abs()
    }
}
