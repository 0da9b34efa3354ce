//! Which images a report shows, and their pictures.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use osteon_data::{Decoder, Entry, thumbnail_jpeg};
use rayon::prelude::*;

use crate::{Audit, FileReport};

/// Height of a picture, in pixels.
const HEIGHT: u32 = 132;
/// Rows of a sheet and pictures of a row.
const ROWS: usize = 10;
const COLUMNS: usize = 12;

/// One image's row on a contact sheet.
pub struct Row {
    /// Its cluster.
    pub cluster: usize,
    /// What to say of it.
    pub title: String,
    /// Files shown, by their id.
    pub files: Vec<String>,
}

/// The sheets of a report, with each picture once.
pub struct Pictures {
    /// The most copied images.
    pub clusters: Vec<Row>,
    /// Images in two splits or more.
    pub leaks: Vec<Row>,
    /// Images with two labels.
    pub conflicts: Vec<Row>,
    data: HashMap<String, String>,
}

impl Pictures {
    /// Chooses what to show and makes the pictures.
    pub fn of(a: &Audit, entries: &[Entry]) -> Self {
        let mut members: BTreeMap<usize, Vec<&FileReport>> = BTreeMap::new();
        for file in &a.files {
            if let Some(cluster) = file.cluster {
                members.entry(cluster).or_default().push(file);
            }
        }
        let clusters: Vec<Row> = a
            .clusters
            .iter()
            .filter(|c| c.distinct > 1)
            .take(ROWS)
            .filter_map(|c| {
                let title = format!("{} files, {} of them different", c.files.len(), c.distinct);
                members
                    .get(&c.cluster)
                    .map(|m| row(c.cluster, title, m, |_| 0))
            })
            .collect();
        // Copies that were changed say more than exact ones: the images with most different files first.
        let leaking: HashSet<usize> = a
            .leaks
            .iter()
            .flat_map(|l| l.clusters.iter().copied())
            .collect();
        let leaks = a
            .clusters
            .iter()
            .filter(|c| leaking.contains(&c.cluster))
            .skip(if leaking.len() > 2 * ROWS { ROWS } else { 0 })
            .take(ROWS)
            .filter_map(|c| {
                let m = members.get(&c.cluster)?;
                let mut counts: BTreeMap<_, usize> = BTreeMap::new();
                for f in m {
                    *counts.entry(f.split).or_default() += 1;
                }
                let title: Vec<String> =
                    counts.iter().map(|(s, n)| format!("{n} in {s}")).collect();
                Some(row(c.cluster, title.join(", "), m, |f| f.split as usize))
            })
            .collect();
        let conflicts = a
            .conflicts
            .iter()
            .take(ROWS)
            .filter_map(|c| {
                let title = format!(
                    "{} fractured, {} not",
                    c.fractured.len(),
                    c.not_fractured.len()
                );
                members
                    .get(&c.cluster)
                    .map(|m| row(c.cluster, title, m, |f| usize::from(f.label.is_fractured())))
            })
            .collect();
        let mut pictures = Self {
            clusters,
            leaks,
            conflicts,
            data: HashMap::new(),
        };
        pictures.make(entries);
        pictures
    }

    fn make(&mut self, entries: &[Entry]) {
        let rows = self
            .clusters
            .iter()
            .chain(&self.leaks)
            .chain(&self.conflicts);
        let wanted: HashSet<&str> = rows
            .flat_map(|r| r.files.iter().map(String::as_str))
            .collect();
        let decoder = Decoder::default();
        self.data = entries
            .par_iter()
            .filter(|e| wanted.contains(e.id.as_str()))
            .filter_map(|e| {
                // It was read a moment ago; if it is gone by now, its place stays empty.
                let jpeg = thumbnail_jpeg(&e.path, &decoder, HEIGHT).ok()?;
                Some((
                    e.id.clone(),
                    format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg)),
                ))
            })
            .collect();
    }

    /// The picture of a file, as a data URI.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.data.get(id).map(String::as_str)
    }
}

/// An image's row: different files first, and of each part (split, label) as many as of the others where there are enough.
fn row(
    cluster: usize,
    title: String,
    members: &[&FileReport],
    part: impl Fn(&FileReport) -> usize,
) -> Row {
    let mut parts: BTreeMap<usize, Vec<&FileReport>> = BTreeMap::new();
    for file in members {
        let part = parts.entry(part(file)).or_default();
        if !part.iter().any(|f| f.sha256 == file.sha256) {
            part.push(file);
        }
    }
    let each = (COLUMNS / parts.len().max(1)).max(1);
    let files = parts
        .values()
        .flat_map(|part| {
            let step = part.len().div_ceil(each).max(1);
            part.iter().step_by(step).take(each).map(|f| f.path.clone())
        })
        .collect();
    Row {
        cluster,
        title,
        files,
    }
}
