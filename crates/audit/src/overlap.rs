//! Where copies are a problem: across labels and across splits.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use osteon_data::{Entry, Label, Split};

/// Copies of one image, some labelled fractured, some not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Which cluster.
    pub cluster: usize,
    /// Whether two files with the very same bytes disagree.
    pub exact: bool,
    /// Members labelled fractured.
    pub fractured: Vec<String>,
    /// Members labelled not fractured.
    pub not_fractured: Vec<String>,
}

/// How much of one split is in another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leak {
    /// The split whose score it spoils.
    pub judged: Split,
    /// The split that knows its images.
    pub known_to: Split,
    /// Readable files of the judged split.
    pub images: usize,
    /// Those among them with the very same bytes in the other split.
    pub exact: usize,
    /// Those with a turned, mirrored, resized or re-encoded copy there, but no exact one.
    pub near: usize,
    /// `(exact + near) / images`; `None` for an empty split.
    pub share: Option<f64>,
    /// Clusters that both splits show.
    pub clusters: Vec<usize>,
}

/// Classes of one split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Balance {
    /// Which split.
    pub split: Split,
    /// Its files.
    pub images: usize,
    /// Those labelled fractured.
    pub fractured: usize,
    /// `fractured / images`.
    pub share: Option<f64>,
    /// Different images among its readable files.
    pub distinct: usize,
}

/// Files with what they are copies of.
pub(super) struct View<'a> {
    entries: &'a [Entry],
    cluster_of: &'a [Option<usize>],
    content_of: &'a [Option<usize>],
    splits: Vec<Split>,
}

impl<'a> View<'a> {
    pub fn new(
        entries: &'a [Entry],
        cluster_of: &'a [Option<usize>],
        content_of: &'a [Option<usize>],
    ) -> Self {
        let splits: BTreeSet<Split> = entries.iter().map(|e| e.split).collect();
        Self {
            entries,
            cluster_of,
            content_of,
            splits: splits.into_iter().collect(),
        }
    }

    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, cluster) in self.cluster_of.iter().enumerate() {
            if let Some(cluster) = cluster {
                members.entry(*cluster).or_default().push(i);
            }
        }
        let mut found = Vec::new();
        for (cluster, members) in members {
            let of = |label: Label| {
                members
                    .iter()
                    .copied()
                    .filter(move |&i| self.entries[i].label == label)
            };
            let names = |label| {
                of(label)
                    .map(|i| self.entries[i].id.clone())
                    .collect::<Vec<_>>()
            };
            let (fractured, not_fractured) = (names(Label::Fractured), names(Label::NotFractured));
            if fractured.is_empty() || not_fractured.is_empty() {
                continue;
            }
            let contents: HashSet<_> = of(Label::Fractured).map(|i| self.content_of[i]).collect();
            let exact = of(Label::NotFractured).any(|i| contents.contains(&self.content_of[i]));
            found.push(Conflict {
                cluster,
                exact,
                fractured,
                not_fractured,
            });
        }
        found
    }

    pub fn leaks(&self) -> Vec<Leak> {
        let pairs = self
            .splits
            .iter()
            .flat_map(|&a| self.splits.iter().map(move |&b| (a, b)));
        pairs
            .filter(|(a, b)| a != b)
            .map(|(judged, known_to)| self.leak(judged, known_to))
            .collect()
    }

    fn leak(&self, judged: Split, known_to: Split) -> Leak {
        let there = |of: &[Option<usize>]| -> HashSet<usize> {
            self.of_split(known_to).filter_map(|i| of[i]).collect()
        };
        let (contents, clusters) = (there(self.content_of), there(self.cluster_of));
        let (mut images, mut exact, mut near) = (0, 0, 0);
        let mut shared = BTreeSet::new();
        for i in self.of_split(judged) {
            let (Some(content), Some(cluster)) = (self.content_of[i], self.cluster_of[i]) else {
                continue;
            };
            images += 1;
            if clusters.contains(&cluster) {
                shared.insert(cluster);
                if contents.contains(&content) {
                    exact += 1;
                } else {
                    near += 1;
                }
            }
        }
        let share = (images > 0).then(|| f64::from(exact + near) / f64::from(images));
        Leak {
            judged,
            known_to,
            images: images as usize,
            exact: exact as usize,
            near: near as usize,
            share,
            clusters: shared.into_iter().collect(),
        }
    }

    pub fn balance(&self) -> Vec<Balance> {
        self.splits
            .iter()
            .map(|&split| {
                let images = self.of_split(split).count();
                let fractured = self
                    .of_split(split)
                    .filter(|&i| self.entries[i].label.is_fractured())
                    .count();
                let films: HashSet<_> = self
                    .of_split(split)
                    .filter_map(|i| self.cluster_of[i])
                    .collect();
                Balance {
                    split,
                    images,
                    fractured,
                    share: (images > 0).then(|| fractured as f64 / images as f64),
                    distinct: films.len(),
                }
            })
            .collect()
    }

    fn of_split(&self, split: Split) -> impl Iterator<Item = usize> + '_ {
        (0..self.entries.len()).filter(move |&i| self.entries[i].split == split)
    }
}
