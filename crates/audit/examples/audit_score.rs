//! Scores the audit's clusters against manifests that say which files show one image.
//!
//! `cargo run --release -p audit --example audit_score -- ../shared/xrays [kaggle fracatlas]` prints, set by set: of all pairs of files of one
//! cluster, the share found (recall); of all pairs found, the share that is right (precision); and the files that were joined to a file of another cluster. Then
//! the time of matching alone on a tenth of the distinct files and on all, for the growth.
#![allow(clippy::print_stdout, reason = "an example that prints a table")]

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::time::Instant;

use osteon_audit::copies::Thumb;
use osteon_audit::{Matcher, audit};
use osteon_data::{Catalog, Decoder};
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let root = PathBuf::from(args.next().ok_or("usage: audit_score DIR [SET…]")?);
    let mut sets: Vec<String> = args.collect();
    if sets.is_empty() {
        sets = vec!["kaggle".to_owned(), "fracatlas".to_owned()];
    }
    let mut entries = Vec::new();
    for set in &sets {
        entries.extend(Catalog::open(root.join(set))?.entries().to_vec());
    }
    let started = Instant::now();
    let found = audit(&entries, &Decoder::default(), &Matcher::default(), &|_| {});
    println!(
        "{} files audited together in {:.1} s",
        found.images,
        started.elapsed().as_secs_f64()
    );
    for set in &sets {
        let truth = manifest(&root, set)?;
        let pairs: Vec<(String, Option<usize>)> = entries
            .iter()
            .zip(&found.files)
            .filter_map(|(e, f)| Some((truth.get(&e.path)?.clone(), f.cluster)))
            .collect();
        report(set, &pairs);
        // Image 1 is a right wrist, image 2 a left one: two images, which the manifest of this set counts as one.
        if set == "kaggle" {
            let apart: Vec<_> = entries
                .iter()
                .zip(&found.files)
                .filter_map(|(e, f)| {
                    let cluster = truth.get(&e.path)?;
                    let name = e.path.file_name()?.to_string_lossy().into_owned();
                    let wrist = if cluster == "291" {
                        name.split(|c: char| !c.is_ascii_digit()).next()?
                    } else {
                        ""
                    };
                    Some((format!("{cluster}/{wrist}"), f.cluster))
                })
                .collect();
            report(
                "kaggle, its cluster 291 taken as the two images it is",
                &apart,
            );
        }
    }
    let mut seen = HashSet::new();
    let distinct: Vec<&Path> = entries
        .iter()
        .zip(&found.files)
        .filter(|(_, f)| seen.insert(f.sha256.as_deref()))
        .map(|(e, _)| e.path.as_path())
        .collect();
    growth(&distinct)
}

fn manifest(root: &Path, set: &str) -> Result<HashMap<PathBuf, String>, Box<dyn Error>> {
    let mut rows = HashMap::new();
    for row in csv::Reader::from_path(root.join("manifests").join(format!("{set}.csv")))?.records()
    {
        let row = row?;
        // set, split, class, file, cluster
        rows.insert(
            root.join(&row[0]).join(&row[1]).join(&row[2]).join(&row[3]),
            row[4].to_owned(),
        );
    }
    Ok(rows)
}

fn report(set: &str, files: &[(String, Option<usize>)]) {
    let truth = pairs(files.iter().map(|f| &f.0));
    let found = pairs(files.iter().map(|f| f.1));
    let both = pairs(files.iter());
    let sizes = count(files.iter().map(|f| f.1));
    let pure = count(files.iter());
    let wrong = files.iter().filter(|f| pure[f] < sizes[&f.1]).count();
    println!(
        "{set}: recall {:.2} %, precision {:.2} %, {wrong} of {} files joined to another image ({:.2} %)",
        both as f64 / truth as f64 * 100.0,
        both as f64 / found as f64 * 100.0,
        files.len(),
        wrong as f64 / files.len() as f64 * 100.0
    );
}

fn count<T: Hash + Eq>(keys: impl Iterator<Item = T>) -> HashMap<T, u64> {
    let mut counts = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn pairs<T: Hash + Eq>(keys: impl Iterator<Item = T>) -> u64 {
    count(keys).into_values().map(|n| n * (n - 1) / 2).sum()
}

fn growth(paths: &[&Path]) -> Result<(), Box<dyn Error>> {
    let decoder = Decoder::default();
    let thumbs: Vec<Thumb> = paths
        .par_iter()
        .map_init(fast_image_resize::Resizer::new, |resizer, path| {
            decoder
                .decode_path(path)
                .map(|film| Thumb::new(&film, resizer))
        })
        .collect::<Result<_, _>>()?;
    for every in [10, 1] {
        let some: Vec<&Thumb> = thumbs.iter().step_by(every).collect();
        let started = Instant::now();
        let found = Matcher::default().cluster(&some, &|_| {});
        println!(
            "matching {} distinct files: {:.1} s, {} pairs compared",
            some.len(),
            started.elapsed().as_secs_f64(),
            found.compared
        );
    }
    Ok(())
}
