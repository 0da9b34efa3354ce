//! How far remembering gets: the class of the most similar training image, seen at 32×32 pixels.

use osteon_data::{Entry, Split};
use rayon::prelude::*;
use serde::Serialize;

use super::read::Facts;

/// Images judged and images remembered at most; above, every so-many-th is taken.
const JUDGED: usize = 2_000;
const REMEMBERED: usize = 20_000;

/// A nearest neighbour's score on one split, with train as its memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NearestNeighbour {
    /// The split judged.
    pub judged: Split,
    /// Images judged (at most 2,000, evenly spaced).
    pub images: usize,
    /// Images remembered (at most 20,000, evenly spaced).
    pub remembered: usize,
    /// With the splits as they are.
    pub as_published: Score,
    /// Not allowed to see a copy of the image that it judges.
    pub copies_apart: Score,
}

/// Shares, 0–1; `None` where there is nothing to count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// Right answers over all.
    pub accuracy: Option<f64>,
    /// The mean of sensitivity and specificity.
    pub balanced_accuracy: Option<f64>,
}

/// Judges every split but train; nothing where there is no train.
pub(super) fn judge(
    entries: &[Entry],
    facts: &[Facts],
    cluster_of: &[Option<usize>],
) -> Vec<NearestNeighbour> {
    let of_split = |split, most: usize| {
        let all: Vec<usize> = (0..entries.len())
            .filter(|&i| entries[i].split == split && facts[i].film.is_some())
            .collect();
        let step = all.len().div_ceil(most).max(1);
        all.into_iter().step_by(step).collect::<Vec<usize>>()
    };
    let train = of_split(Split::Train, REMEMBERED);
    if train.is_empty() {
        return Vec::new();
    }
    [Split::Val, Split::Test]
        .into_iter()
        .map(|split| (split, of_split(split, JUDGED)))
        .filter(|(_, judged)| !judged.is_empty())
        .map(|(split, judged)| {
            let answers: Vec<(bool, Option<bool>, Option<bool>)> = judged
                .par_iter()
                .map(|&i| {
                    let (any, apart) = nearest(i, &train, facts, cluster_of);
                    let class = |n: Option<usize>| n.map(|n| entries[n].label.is_fractured());
                    (entries[i].label.is_fractured(), class(any), class(apart))
                })
                .collect();
            NearestNeighbour {
                judged: split,
                images: judged.len(),
                remembered: train.len(),
                as_published: Score::of(answers.iter().map(|a| (a.0, a.1))),
                copies_apart: Score::of(answers.iter().map(|a| (a.0, a.2))),
            }
        })
        .collect()
}

/// The nearest training image, and the nearest that shows another image; the first of equals.
fn nearest(
    i: usize,
    train: &[usize],
    facts: &[Facts],
    cluster_of: &[Option<usize>],
) -> (Option<usize>, Option<usize>) {
    let tiny = |i: usize| facts[i].film.as_ref().map_or(&[][..], |f| &f.tiny);
    let (mut any, mut apart) = ((u32::MAX, None), (u32::MAX, None));
    for &t in train {
        let distance = tiny(i)
            .iter()
            .zip(tiny(t))
            .map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2))
            .sum();
        if distance < any.0 {
            any = (distance, Some(t));
        }
        if distance < apart.0 && cluster_of[t] != cluster_of[i] {
            apart = (distance, Some(t));
        }
    }
    (any.1, apart.1)
}

impl Score {
    fn of(answers: impl Iterator<Item = (bool, Option<bool>)>) -> Self {
        let mut right = [0_u32; 2];
        let mut all = [0_u32; 2];
        for (truth, answer) in answers {
            let Some(answer) = answer else { continue };
            all[usize::from(truth)] += 1;
            right[usize::from(truth)] += u32::from(truth == answer);
        }
        let share = |a: u32, b: u32| (b > 0).then(|| f64::from(a) / f64::from(b));
        let balanced = share(right[0], all[0])
            .zip(share(right[1], all[1]))
            .map(|(a, b)| f64::midpoint(a, b));
        Self {
            accuracy: share(right[0] + right[1], all[0] + all[1]),
            balanced_accuracy: balanced,
        }
    }
}
