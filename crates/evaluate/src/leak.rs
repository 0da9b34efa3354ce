//! What the model has seen before of the images it is judged on.

use std::collections::BTreeSet;

use osteon_audit::{ImageHash, SeenImages};
use osteon_data::{Catalog, Dataset, Split};
use osteon_metrics::{MetricsError, Summary, SummaryOptions};
use osteon_model::ModelInfo;
use osteon_report::judgement::{Leak, Seen, SharedGroup};

use super::figures::has_groups;

/// What the model has seen of each image.
///
/// On the very val set that it was chosen on, every image is known as such; there, what it learned from is told apart.
pub fn seen(info: &ModelInfo, split: Split, films: &Dataset) -> Vec<Seen> {
    let data = &info.training_data;
    let mut exact: BTreeSet<&str> = data.train_films.iter().map(String::as_str).collect();
    let mut hashes: Vec<ImageHash> = data.train_hashes.iter().copied().collect();
    let own_val = is_own_val(info, split, films);
    if !own_val {
        exact.extend(data.val_films.iter().map(String::as_str));
        hashes.extend(&data.val_hashes);
    }
    let near = SeenImages::new(&hashes).have_seen(films);
    films
        .short_digests()
        .zip(near)
        .map(|(digest, near)| {
            if exact.contains(digest.as_str()) {
                Seen::Exact
            } else if near {
                Seen::Near
            } else if own_val {
                Seen::Chosen
            } else {
                Seen::No
            }
        })
        .collect()
}

fn is_own_val(info: &ModelInfo, split: Split, films: &Dataset) -> bool {
    // A val that chose nothing is as clean as any other set.
    let chose = !info.training_data.val_apart;
    chose && split == Split::Val && films.fingerprint() == info.training_data.val_fingerprint
}

/// Counts, and the figures on the images that the model has not seen.
pub fn figures(
    info: &ModelInfo,
    (split, films): (Split, &Dataset),
    seen: &[Seen],
    labels: &[bool],
    scores: &[f64],
    threshold: f64,
) -> Result<Leak, MetricsError> {
    let count = |which| seen.iter().filter(|s| **s == which).count() as u64;
    let groups = films.groups();
    let clean = count(Seen::No);
    let some = clean > 0 && clean < seen.len() as u64;
    let kept: Vec<usize> = (0..seen.len()).filter(|&i| seen[i] == Seen::No).collect();
    let clean_summary = some
        .then(|| {
            let labels: Vec<bool> = kept.iter().map(|&i| labels[i]).collect();
            let scores: Vec<f64> = kept.iter().map(|&i| scores[i]).collect();
            let groups = renumbered(kept.iter().map(|&i| groups[i]));
            let groups = has_groups(&groups).then_some(groups.as_slice());
            let options = SummaryOptions::default();
            Summary::new(&labels, &scores, groups, threshold, 0.95, options)
        })
        .transpose()?;
    Ok(Leak {
        own_val: is_own_val(info, split, films),
        known: !info.training_data.train_films.is_empty(),
        exact: count(Seen::Exact),
        near: count(Seen::Near),
        clean,
        clean_summary,
    })
}

/// Patients and other groups that the data set itself names, with images in this split and in another.
pub fn shared(catalog: &Catalog, split: Split) -> Vec<SharedGroup> {
    let groups = catalog.shared_groups().into_iter();
    groups
        .filter(|group| group.images.contains_key(&split))
        .map(|group| SharedGroup {
            column: group.column,
            value: group.value,
            images: group
                .images
                .into_iter()
                .map(|(split, n)| (split.name().to_owned(), n as u64))
                .collect(),
        })
        .collect()
}

/// Groups counted from 0 as they are first met.
fn renumbered(groups: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut numbers = std::collections::BTreeMap::new();
    groups
        .map(|group| {
            let next = numbers.len();
            *numbers.entry(group).or_insert(next)
        })
        .collect()
}
