//! Dealing out groups so that each part gets its share.

use sha2::{Digest, Sha256};

use crate::Label;

/// A group as the dealer sees it: how many images of each kind.
pub(super) struct Pile {
    /// Breaks ties: drawn from the seed and the group's name.
    lot: [u8; 32],
    /// Images, not fractured, fractured, then those of each stratum.
    counts: Vec<f64>,
}

/// How much it matters that a part has its share of all images, of each class, of each stratum.
const WEIGHTS: [f64; 4] = [8.0, 4.0, 4.0, 1.0];

/// Rounds of moving at most; a few are enough.
const ROUNDS: usize = 100;

impl Pile {
    pub(super) fn new(key: &str, seed: u64, strata: usize) -> Self {
        Self {
            // A hash, not a generator: the division does not change with a library's version.
            lot: Sha256::new()
                .chain_update(seed.to_le_bytes())
                .chain_update(key)
                .finalize()
                .into(),
            counts: vec![0.0; 3 + strata],
        }
    }

    pub(super) fn add(&mut self, label: Label, stratum: usize) {
        self.counts[0] += 1.0;
        self.counts[1 + usize::from(label.is_fractured())] += 1.0;
        self.counts[3 + stratum] += 1.0;
    }
}

/// The part of each pile.
pub(super) fn assign(piles: &[Pile], fractions: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..piles.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&piles[a], &piles[b]);
        b.counts[0].total_cmp(&a.counts[0]).then(a.lot.cmp(&b.lot))
    });
    let mut table = Table::new(piles, fractions);
    let mut parts = vec![0; piles.len()];
    for &pile in &order {
        parts[pile] = table.best(&piles[pile]).0;
        table.shift(parts[pile], &piles[pile], 1.0);
    }
    for _ in 0..ROUNDS {
        let mut moved = false;
        for &pile in &order {
            let old = parts[pile];
            table.shift(old, &piles[pile], -1.0);
            let stay = table.cost(old, &piles[pile]);
            let (best, cost) = table.best(&piles[pile]);
            // A move must gain something, or two piles could change places for ever.
            let new = if cost < stay - 1e-9 { best } else { old };
            table.shift(new, &piles[pile], 1.0);
            parts[pile] = new;
            moved |= new != old;
        }
        if !moved {
            break;
        }
    }
    parts
}

/// What each part has and should have.
struct Table {
    has: Vec<Vec<f64>>,
    wants: Vec<Vec<f64>>,
}

impl Table {
    fn new(piles: &[Pile], fractions: &[f64]) -> Self {
        let kinds = piles.first().map_or(0, |p| p.counts.len());
        let total = |kind: usize| piles.iter().map(|p| p.counts[kind]).sum::<f64>();
        let totals: Vec<f64> = (0..kinds).map(total).collect();
        Self {
            has: vec![vec![0.0; kinds]; fractions.len()],
            wants: fractions
                .iter()
                .map(|f| totals.iter().map(|t| t * f).collect())
                .collect(),
        }
    }

    fn shift(&mut self, part: usize, pile: &Pile, sign: f64) {
        for (has, count) in self.has[part].iter_mut().zip(&pile.counts) {
            *has += sign * count;
        }
    }

    /// How much further from its shares the part gets with the pile: the change of `Σ weight · (has − wants)² / wants`, the χ² distance.
    fn cost(&self, part: usize, pile: &Pile) -> f64 {
        let each = self.has[part]
            .iter()
            .zip(&self.wants[part])
            .zip(&pile.counts)
            .enumerate();
        each.filter(|(_, ((_, wants), _))| **wants > 0.0)
            .map(|(kind, ((has, wants), count))| {
                WEIGHTS[kind.min(3)] * count * (2.0 * (has - wants) + count) / wants
            })
            .sum()
    }

    /// The part that the pile does the most good to, with the cost; the first of equals.
    fn best(&self, pile: &Pile) -> (usize, f64) {
        let costs = (0..self.has.len()).map(|part| (part, self.cost(part, pile)));
        costs.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
    }
}
