//! How far the fingerprints of images reach: which share of copies they know again, and how often they take one image for another.
//!
//! `cargo run --release -p audit --example image_hash -- ../shared/xrays` prints a table for a stretched and for a letterboxed image. Copies are the
//! files of one `cluster` in manifests/kaggle.csv; each half of the clusters is reported by itself, so that a limit can be chosen on one and judged on the other.
#![allow(clippy::print_stdout, reason = "an example that prints a table")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use osteon_audit::{ImageHash, SeenImages};
use osteon_data::{Catalog, Dataset, Decoder, Entry, Fit, Preprocess, Split};
use rayon::prelude::*;

/// Distances below which an image may count as seen.
const LIMITS: [f32; 8] = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.17, 0.2];

/// Images of one set, with the cluster of each and its file's digest.
struct Set {
    films: Dataset,
    splits: Vec<Split>,
    clusters: Vec<String>,
    digests: Vec<String>,
    hashes: Vec<ImageHash>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::args().nth(1).ok_or("usage: image_hash DIR")?);
    for (size, fit) in [(150, Fit::Stretch), (256, Fit::Letterbox)] {
        let preprocess = Preprocess {
            size,
            fit,
            ..Preprocess::default()
        };
        println!("\n{fit:?} at {size} px");
        let kaggle = Set::read(&root, "kaggle", &preprocess)?;
        let fracatlas = Set::read(&root, "fracatlas", &preprocess)?;
        published(&kaggle);
        halves(&kaggle);
        apart(
            "FracAtlas val in FracAtlas train",
            &fracatlas,
            |i| fracatlas.splits[i] == Split::Val,
            &fracatlas,
            |i| fracatlas.splits[i] == Split::Train,
        );
        apart(
            "FracAtlas in Kaggle train",
            &fracatlas,
            |_| true,
            &kaggle,
            |i| kaggle.splits[i] == Split::Train,
        );
    }
    Ok(())
}

impl Set {
    fn read(root: &Path, name: &str, preprocess: &Preprocess) -> Result<Self, Box<dyn Error>> {
        let catalog = Catalog::open(root.join(name))?;
        let catalog = catalog.annotated(&root.join("manifests").join(format!("{name}.csv")))?;
        let films = Dataset::load(catalog.entries(), &Decoder::default(), preprocess, &|| {})?;
        let by_id: BTreeMap<&str, &Entry> = catalog
            .entries()
            .iter()
            .map(|e| (e.id.as_str(), e))
            .collect();
        let entries: Vec<&Entry> = films.ids().iter().map(|id| by_id[id.as_str()]).collect();
        let started = Instant::now();
        let hashes = osteon_audit::hashes(&films);
        println!(
            "{name}: {} images hashed in {:.1} s",
            films.len(),
            started.elapsed().as_secs_f64()
        );
        Ok(Self {
            splits: entries.iter().map(|e| e.split).collect(),
            clusters: entries
                .iter()
                .map(|e| e.group.clone().unwrap_or_default())
                .collect(),
            digests: films.short_digests().collect(),
            films,
            hashes,
        })
    }

    fn pick(&self, which: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.films.len()).filter(|&i| which(i)).collect()
    }

    /// The distance of each of these images to the nearest of those.
    fn distances(&self, asked: &[usize], of: &Self, stored: &[usize]) -> Vec<f32> {
        let seen = SeenImages::new(&stored.iter().map(|&i| of.hashes[i]).collect::<Vec<_>>());
        asked
            .par_iter()
            .map(|&i| seen.nearest(self.films.gray(i)).map_or(1.0, |(_, d)| d))
            .collect()
    }
}

fn known(distances: &[f32], limit: f32) -> String {
    let known = distances.iter().filter(|&&d| d <= limit).count();
    let share = known as f64 / distances.len().max(1) as f64 * 100.0;
    format!("{known} of {} ({share:.2} %)", distances.len())
}

/// Kaggle as published: val and test against train.
fn published(set: &Set) {
    let train = set.pick(|i| set.splits[i] == Split::Train);
    let digests: HashSet<&String> = train.iter().map(|&i| &set.digests[i]).collect();
    let clusters: HashSet<&String> = train.iter().map(|&i| &set.clusters[i]).collect();
    for split in [Split::Val, Split::Test] {
        let asked = set.pick(|i| set.splits[i] == split);
        let started = Instant::now();
        let distances = set.distances(&asked, set, &train);
        let seconds = started.elapsed().as_secs_f64();
        let (mut exact, mut near, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for (&i, d) in asked.iter().zip(distances) {
            if digests.contains(&set.digests[i]) {
                exact.push(d);
            } else if clusters.contains(&set.clusters[i]) {
                near.push(d);
            } else {
                new.push(d);
            }
        }
        let of = |distances: &[f32]| known(distances, SeenImages::LIMIT);
        println!(
            "Kaggle {split} in train ({} stored): exact copies {}, other copies {}, new images flagged {}; {seconds:.2} s",
            train.len(),
            of(&exact),
            of(&near),
            of(&new)
        );
    }
}

/// Kaggle by clusters: copies within a half, different images from half to half.
fn halves(set: &Set) {
    let names: BTreeSet<&String> = set.clusters.iter().collect();
    let first: HashSet<&String> = names.into_iter().step_by(2).collect();
    let halves = [true, false].map(|which| set.pick(|i| first.contains(&set.clusters[i]) == which));
    for (name, half, other) in [
        ("first half", &halves[0], &halves[1]),
        ("second half", &halves[1], &halves[0]),
    ] {
        // One file of each content; every other one of a cluster is remembered, the others are asked for.
        let mut contents = HashSet::new();
        let mut members: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
        for &i in half.iter().filter(|&&i| contents.insert(&set.digests[i])) {
            members.entry(&set.clusters[i]).or_default().push(i);
        }
        let pick = |from: usize| -> Vec<usize> {
            let some = |m: &Vec<usize>| m.iter().skip(from).step_by(2).copied().collect::<Vec<_>>();
            members.values().flat_map(some).collect()
        };
        let (stored, asked) = (pick(0), pick(1));
        let copies = set.distances(&asked, set, &stored);
        let distinct: Vec<usize> = members.into_values().flatten().collect();
        let different = set.distances(&distinct, set, other);
        println!(
            "Kaggle, {name} of the clusters ({} stored for copies, {} for others):",
            stored.len(),
            other.len()
        );
        for limit in LIMITS {
            println!(
                "  limit {limit}: copies known {}, other images flagged {}",
                known(&copies, limit),
                known(&different, limit)
            );
        }
    }
}

/// Sets that share no image.
fn apart(
    name: &str,
    set: &Set,
    asked: impl Fn(usize) -> bool,
    of: &Set,
    stored: impl Fn(usize) -> bool,
) {
    let (asked, stored) = (set.pick(asked), of.pick(stored));
    let distances = set.distances(&asked, of, &stored);
    println!("{name} ({} stored):", stored.len());
    for limit in LIMITS {
        println!("  limit {limit}: flagged {}", known(&distances, limit));
    }
}
