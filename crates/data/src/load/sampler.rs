//! Which images an epoch visits, and in which order.

use rand::RngExt;
use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augment::rng_for;

/// How an epoch goes through the images. What it draws depends on (seed, epoch) and the set alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Every image once, as they come: for judging.
    InOrder,
    /// Every image once, in random order.
    #[default]
    Shuffled,
    /// As many draws as there are images, with replacement: each draw takes one class or the other with the same probability, then any image of it.
    /// With `train.balance` a value of that field first, by its number of images, and then one of the classes within it.
    Weighted,
    /// One image of each group, in random order: copies of one image, or images of one patient, count once an epoch. An image without a
    /// group is a group of its own.
    Grouped,
}

/// An image drawn in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Its place in the set.
    pub film: usize,
    /// How often it was drawn in this epoch before; above 0 only with [`Sampler::Weighted`].
    pub repeat: u32,
}

impl Sample {
    /// What its random changes are drawn by, besides seed and epoch: the image, so that its changes do not depend on the order; and, of
    /// an image that comes again, which time it is, so that no two samples of an epoch are alike.
    #[must_use]
    pub fn sample(self) -> u64 {
        self.film as u64 | u64::from(self.repeat) << 40
    }
}

/// A set of images as a sampler sees it: of each image whether it is fractured, and the number of its group.
#[derive(Debug)]
pub(crate) struct Indices {
    fractured: Vec<bool>,
    groups: Vec<usize>,
    /// The number of each image's stratum, counted from 0; empty: there is one.
    strata: Vec<usize>,
}

impl Indices {
    /// From the images' classes and the names of their groups.
    pub fn new<'a>(films: impl Iterator<Item = (bool, Option<&'a str>)>) -> Self {
        let mut names = std::collections::HashMap::new();
        let mut count = 0;
        let mut next = || {
            count += 1;
            count - 1
        };
        let (fractured, groups) = films
            .map(|(fractured, group)| {
                let number = match group {
                    Some(name) => *names.entry(name.to_owned()).or_insert_with(&mut next),
                    None => next(),
                };
                (fractured, number)
            })
            .unzip();
        Self {
            fractured,
            groups,
            strata: Vec::new(),
        }
    }

    /// The same images in strata, named in their order.
    pub fn stratified<'a>(&self, names: impl Iterator<Item = &'a str>) -> Self {
        let mut known = std::collections::HashMap::new();
        let mut number = |name| {
            let next = known.len();
            *known.entry(name).or_insert(next)
        };
        Self {
            fractured: self.fractured.clone(),
            groups: self.groups.clone(),
            strata: names.map(&mut number).collect(),
        }
    }

    pub fn len(&self) -> usize {
        self.fractured.len()
    }

    /// The number of each image's group, counted from 0 as they are first met.
    pub fn groups(&self) -> &[usize] {
        &self.groups
    }

    /// Samples in an epoch.
    pub fn epoch_len(&self, sampler: Sampler) -> usize {
        match sampler {
            Sampler::Grouped => self.groups.iter().max().map_or(0, |last| last + 1),
            _ => self.len(),
        }
    }

    /// An epoch's samples.
    pub fn samples(&self, sampler: Sampler, seed: u64, epoch: u64) -> Vec<Sample> {
        let films = match sampler {
            Sampler::InOrder => (0..self.len()).collect(),
            Sampler::Shuffled => epoch_order(self.len(), seed, epoch),
            Sampler::Weighted => return self.weighted(seed, epoch),
            Sampler::Grouped => self.one_a_group(seed, epoch),
        };
        films
            .into_iter()
            .map(|film| Sample { film, repeat: 0 })
            .collect()
    }

    fn weighted(&self, seed: u64, epoch: u64) -> Vec<Sample> {
        let mut rng = rng_for(seed, epoch);
        rng.set_stream(u64::MAX);
        let stratum = |film: usize| self.strata.get(film).copied().unwrap_or(0);
        let count = self.strata.iter().max().map_or(1, |last| last + 1);
        let mut classes = vec![(Vec::new(), Vec::new()); count];
        for film in 0..self.len() {
            let (fractured, whole) = &mut classes[stratum(film)];
            if self.fractured[film] {
                fractured.push(film);
            } else {
                whole.push(film);
            }
        }
        let mut visits = vec![0; self.len()];
        (0..self.len())
            .map(|_| {
                // An image drawn from all has its stratum with the probability of the stratum's size.
                let among = match count {
                    1 => 0,
                    _ => stratum(rng.random_range(0..self.len() as u64) as usize),
                };
                let (fractured, whole) = &classes[among];
                let wanted = rng.random::<bool>();
                let class = if whole.is_empty() || (wanted && !fractured.is_empty()) {
                    fractured
                } else {
                    whole
                };
                let film = class[rng.random_range(0..class.len() as u64) as usize];
                let repeat = visits[film];
                visits[film] += 1;
                Sample { film, repeat }
            })
            .collect()
    }

    fn one_a_group(&self, seed: u64, epoch: u64) -> Vec<usize> {
        let mut rng = rng_for(seed, epoch);
        rng.set_stream(u64::MAX);
        let mut indices = vec![Vec::new(); self.epoch_len(Sampler::Grouped)];
        for (film, &group) in self.groups.iter().enumerate() {
            indices[group].push(film);
        }
        let mut films: Vec<usize> = indices
            .iter()
            .map(|group| group[rng.random_range(0..group.len() as u64) as usize])
            .collect();
        films.shuffle(&mut rng);
        films
    }
}

/// The order in which a shuffled epoch visits `count` images: a permutation that depends on (seed, epoch) alone.
#[must_use]
pub fn epoch_order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut rng = rng_for(seed, epoch);
    rng.set_stream(u64::MAX);
    order.shuffle(&mut rng);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 images, the first 6 fractured; 0…9 share a group, 10 and 20 another.
    fn indices() -> Indices {
        Indices::new((0..30).map(|film| {
            let group = match film {
                0..10 => Some("a patient"),
                10 | 20 => Some("a pair"),
                _ => None,
            };
            (film < 6, group)
        }))
    }

    /// 900 images of one source, 100 of them fractured, and 100 of another, 90 of them fractured: class and source hang together, and in
    /// what is drawn they do not.
    #[test]
    fn strata_keep_their_share_and_their_classes_are_even() {
        let fractured = |film: usize| if film < 900 { film < 100 } else { film < 990 };
        let films = Indices::new((0..1000).map(|film| (fractured(film), None)));
        let films = films.stratified((0..1000).map(|film| if film < 900 { "a" } else { "b" }));
        let mut drawn = [[0_u32; 2]; 2];
        for epoch in 1..=20 {
            for turn in films.samples(Sampler::Weighted, 3, epoch) {
                drawn[usize::from(turn.film >= 900)][usize::from(fractured(turn.film))] += 1;
            }
        }
        // Of 20,000 draws: 9,000 of each class of the first (σ = 70), 1,000 of each of the second (σ = 31).
        for count in drawn[0] {
            assert!(count.abs_diff(9000) < 350, "{drawn:?}");
        }
        for count in drawn[1] {
            assert!(count.abs_diff(1000) < 155, "{drawn:?}");
        }
    }

    #[test]
    fn weighted_draws_both_classes_alike_and_counts_repeats() {
        let indices = indices();
        let (mut fractured, mut repeats) = (0, 0);
        for epoch in 0..200 {
            let samples = indices.samples(Sampler::Weighted, 5, epoch);
            assert_eq!(samples.len(), 30);
            let mut keys: Vec<u64> = samples.iter().map(|sample| sample.sample()).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), 30, "no two samples draw the same changes");
            fractured += samples.iter().filter(|sample| sample.film < 6).count();
            repeats += samples.iter().filter(|sample| sample.repeat > 0).count();
        }
        // Half of 6,000, within four standard errors.
        assert!((2845..3155).contains(&fractured), "{fractured}");
        assert!(repeats > 0);
        let one_class = Indices::new((0..4).map(|_| (true, None)));
        assert_eq!(one_class.samples(Sampler::Weighted, 1, 1).len(), 4);
        assert_eq!(
            Indices::new([].into_iter()).samples(Sampler::Weighted, 1, 1),
            []
        );
    }

    #[test]
    fn grouped_takes_one_of_each_group_and_in_time_all() {
        let indices = indices();
        assert_eq!(indices.epoch_len(Sampler::Grouped), 20);
        let mut seen = vec![0; 30];
        for epoch in 0..200 {
            let samples = indices.samples(Sampler::Grouped, 5, epoch);
            let mut groups: Vec<usize> = samples.iter().map(|t| indices.groups()[t.film]).collect();
            groups.sort_unstable();
            assert_eq!(groups, (0..20).collect::<Vec<_>>());
            for sample in &samples {
                seen[sample.film] += 1;
            }
        }
        // 200 epochs: 20 each of the patient's ten, 100 each of the pair, 200 of the others.
        assert!(seen[..10].iter().all(|n| (5..40).contains(n)), "{seen:?}");
        assert!((60..140).contains(&seen[10]), "{seen:?}");
        assert_eq!(seen[11], 200);
    }

    #[test]
    fn orders_depend_on_seed_and_epoch_alone() {
        let indices = indices();
        for order in [Sampler::Shuffled, Sampler::Weighted, Sampler::Grouped] {
            let samples = indices.samples(order, 7, 3);
            assert_eq!(samples, indices.samples(order, 7, 3));
            assert_ne!(samples, indices.samples(order, 7, 4));
            assert_ne!(samples, indices.samples(order, 8, 3));
            assert_eq!(samples.len(), indices.epoch_len(order));
        }
    }
}
