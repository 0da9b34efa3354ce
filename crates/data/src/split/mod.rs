//! Dividing images: into train, val and test, or into folds, groups kept whole, classes and subgroups spread evenly.

mod assign;
mod groups;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{DataError, Entry, Label, Split};

use assign::{Pile, assign};
pub use groups::Groups;

/// How to divide.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitOptions {
    /// The fraction of images in val, 0 for none.
    pub val: f64,
    /// The fraction of images in test, 0 for none.
    pub test: f64,
    /// The same seed divides the same images the same way, whatever their order and whatever the groups are numbered.
    pub seed: u64,
    /// A field (a body part, a view, a hospital) whose values each part gets its share of, class by class. Classes are balanced anyway.
    pub balance: Option<String>,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            val: 0.15,
            test: 0.15,
            seed: 1,
            balance: None,
        }
    }
}

/// Divides images into train, val and test, in the order of the images. Images with one group number stay together.
///
/// Groups are dealt out largest first, each to the part that is then nearest to its share of images, of each class, and of each
/// class within each value of `balance`; then groups are moved as long as that brings all parts nearer. Sizes come out as near to what was
/// asked for as the groups allow: within the size of the largest group, and for groups of a few images within one or two.
///
/// Each part that is asked for must get images of both classes, or this fails.
pub fn split_images(
    entries: &[Entry],
    groups: &[usize],
    options: &SplitOptions,
) -> Result<Vec<Split>, DataError> {
    for (what, value) in [("val", options.val), ("test", options.test)] {
        if !(0.0..1.0).contains(&value) {
            let must = "a fraction from 0 to 1";
            return Err(DataError::SplitOption { what, must });
        }
    }
    let train = 1.0 - options.val - options.test;
    if train <= 1e-9 {
        let (what, must) = (
            "val and test together",
            "less than 1, to leave images to train on",
        );
        return Err(DataError::SplitOption { what, must });
    }
    let wanted = [
        (Split::Train, train),
        (Split::Val, options.val),
        (Split::Test, options.test),
    ];
    let parts: Vec<(Split, f64)> = wanted.into_iter().filter(|(_, f)| *f > 0.0).collect();
    let fractions: Vec<f64> = parts.iter().map(|(_, fraction)| *fraction).collect();
    let assigned = divide(entries, groups, &fractions, options)?;
    let splits: Vec<Split> = assigned.into_iter().map(|part| parts[part].0).collect();
    for (part, _) in parts {
        let held = entries
            .iter()
            .zip(&splits)
            .filter(|(_, s)| **s == part)
            .map(|(e, _)| e.label);
        check_classes(part.name(), held, entries, groups)?;
    }
    Ok(splits)
}

/// Divides images into `folds` equal folds, numbered from 0, as [`split_images`] divides; `val` and `test` are not looked at.
///
/// For a run on fold k, take fold k as test and the next as val, around in a circle: [`fold_splits`] does.
pub fn fold_images(
    entries: &[Entry],
    groups: &[usize],
    folds: usize,
    options: &SplitOptions,
) -> Result<Vec<usize>, DataError> {
    if folds < 3 {
        let (what, must) = (
            "the number of folds",
            "3 or more: one is test, one is val, the rest is train",
        );
        return Err(DataError::SplitOption { what, must });
    }
    let fractions = vec![1.0 / folds as f64; folds];
    let assigned = divide(entries, groups, &fractions, options)?;
    for fold in 0..folds {
        let held = entries
            .iter()
            .zip(&assigned)
            .filter(|(_, f)| **f == fold)
            .map(|(e, _)| e.label);
        check_classes(&format!("fold {}", fold + 1), held, entries, groups)?;
    }
    Ok(assigned)
}

/// What each image is for in the run whose test is fold `test`, of as many folds as there are.
#[must_use]
pub fn fold_splits(folds: &[usize], count: usize, test: usize) -> Vec<Split> {
    let use_of = |&fold: &usize| match fold {
        f if f == test => Split::Test,
        f if f == (test + 1) % count => Split::Val,
        _ => Split::Train,
    };
    folds.iter().map(use_of).collect()
}

/// Whether each image may stay for the parts to share nothing: an image of val goes if its group is in train, one of test if its group is
/// in train or val. Train stays as it is.
#[must_use]
pub fn clean_images(entries: &[Entry], groups: &[usize]) -> Vec<bool> {
    let mut first: HashMap<usize, Split> = HashMap::new();
    for (entry, &group) in entries.iter().zip(groups) {
        let split = first.entry(group).or_insert(entry.split);
        *split = (*split).min(entry.split);
    }
    let stays = |(entry, group): (&Entry, &usize)| first.get(group) == Some(&entry.split);
    entries.iter().zip(groups).map(stays).collect()
}

/// The part of each image.
fn divide(
    entries: &[Entry],
    groups: &[usize],
    fractions: &[f64],
    options: &SplitOptions,
) -> Result<Vec<usize>, DataError> {
    if entries.len() != groups.len() {
        return Err(DataError::GroupCount {
            films: entries.len(),
            groups: groups.len(),
        });
    }
    let strata = strata(entries, fractions, options.balance.as_deref())?;
    let count = strata.iter().max().map_or(0, |s| s + 1);
    // A group is known by its first image's name, so that neither order nor numbering matters.
    let mut piles: BTreeMap<&str, Pile> = BTreeMap::new();
    let mut key_of: HashMap<usize, &str> = HashMap::new();
    for (entry, group) in entries.iter().zip(groups) {
        let key = key_of.entry(*group).or_insert(&entry.id);
        *key = (*key).min(&entry.id);
    }
    for ((entry, group), stratum) in entries.iter().zip(groups).zip(&strata) {
        let key = key_of.get(group).copied().unwrap_or_default();
        let pile = piles
            .entry(key)
            .or_insert_with(|| Pile::new(key, options.seed, count));
        pile.add(entry.label, *stratum);
    }
    let keys: Vec<&str> = piles.keys().copied().collect();
    let parts = assign(&piles.into_values().collect::<Vec<_>>(), fractions);
    let part_of: HashMap<&str, usize> = keys.into_iter().zip(parts).collect();
    let part = |group| key_of.get(group).and_then(|key| part_of.get(key));
    Ok(groups
        .iter()
        .map(|group| part(group).copied().unwrap_or_default())
        .collect())
}

/// Numbers the combinations of class and balanced value. Values of too few images to be shared out are one combination a class.
fn strata(
    entries: &[Entry],
    fractions: &[f64],
    balance: Option<&str>,
) -> Result<Vec<usize>, DataError> {
    let value = |e: &Entry| {
        balance
            .and_then(|name| e.fields.get(name))
            .cloned()
            .unwrap_or_default()
    };
    if let Some(name) = balance.filter(|n| !entries.iter().any(|e| e.fields.contains_key(*n))) {
        return Err(unknown_field(entries, name));
    }
    let mut sizes: BTreeMap<(Label, String), usize> = BTreeMap::new();
    for entry in entries {
        *sizes.entry((entry.label, value(entry))).or_default() += 1;
    }
    let smallest = fractions.iter().copied().fold(1.0, f64::min);
    sizes.retain(|_, size| *size as f64 * smallest >= 2.0);
    let numbers: HashMap<&(Label, String), usize> = sizes.keys().zip(2..).collect();
    let number = |e: &Entry| {
        let own = numbers.get(&(e.label, value(e))).copied();
        own.unwrap_or(usize::from(e.label.is_fractured()))
    };
    Ok(entries.iter().map(number).collect())
}

pub(crate) fn unknown_field(entries: &[Entry], name: &str) -> DataError {
    let known: BTreeSet<&String> = entries.iter().flat_map(|e| e.fields.keys()).collect();
    DataError::UnknownField {
        name: name.to_owned(),
        known: known.into_iter().cloned().collect(),
    }
}

fn check_classes(
    part: &str,
    held: impl Iterator<Item = Label>,
    entries: &[Entry],
    groups: &[usize],
) -> Result<(), DataError> {
    let held: BTreeSet<Label> = held.collect();
    let missing = [Label::Fractured, Label::NotFractured]
        .into_iter()
        .find(|l| !held.contains(l));
    let Some(label) = missing else { return Ok(()) };
    let with_label = entries.iter().zip(groups).filter(|(e, _)| e.label == label);
    Err(DataError::TooFewGroups {
        part: part.to_owned(),
        label,
        groups: with_label.map(|(_, g)| g).collect::<BTreeSet<_>>().len(),
    })
}
