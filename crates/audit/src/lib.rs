//! What is wrong with a data set, before a network learns from it or is judged on it.
//!
//! [`audit`] reads every file once and says: what does not read, what is not what its name says, which files are copies ([`copies`]), where
//! copies carry different labels or lie in different splits, how the classes are spread, which figures that have nothing to do
//! with bone tell the classes apart, and how far a nearest neighbour on 32×32 pixels gets, with copies and without.
#![doc = include_str!("../README.md")]

pub mod copies;
mod features;
mod fingerprint;
mod neighbour;
mod overlap;
#[cfg(feature = "page")]
mod page;
mod read;
mod words;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

pub use copies::{Link, Matcher, Thresholds};
pub use features::TrivialFeature;
pub use fingerprint::{ImageHash, ImageHashError, SeenImages, hashes};
pub use neighbour::{NearestNeighbour, Score};
pub use overlap::{Balance, Conflict, Leak};
#[cfg(feature = "page")]
pub use page::page;
pub use words::percent;

use osteon_data::{Decoder, Entry, Label, SharedGroup, Split, shared_groups};
use osteon_files::hex;
use read::Facts;

/// How far an audit is: for a progress bar. Called from any thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditStep {
    /// One more file was read.
    Read,
    /// A round of matching begins, with so many pairs to look at.
    Round {
        /// 1, 2, …
        round: usize,
        /// Pairs to look at.
        pairs: usize,
    },
    /// So many more pairs were looked at.
    Looked {
        /// Pairs since the last call.
        pairs: usize,
    },
}

/// All that an audit found. Files are named by their id within the data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// Files catalogued.
    pub images: usize,
    /// Different images among the readable files: clusters of copies count once.
    pub distinct: usize,
    /// Files whose bytes another file has, too, beyond the first of each.
    pub exact_copies: usize,
    /// Every file, in the catalogue's order.
    pub files: Vec<FileReport>,
    /// Files that do not read.
    pub unreadable: Vec<BadFile>,
    /// Files whose content is another format than their name says.
    pub mislabeled: Vec<Misnamed>,
    /// Clusters of two files and more, largest first.
    pub clusters: Vec<Cluster>,
    /// Copies of one image with different labels.
    pub conflicts: Vec<Conflict>,
    /// For each split, how much of it is in each other split.
    pub leaks: Vec<Leak>,
    /// Patients and other groups, as the data set itself names them, whose files lie in several splits.
    pub shared_groups: Vec<SharedGroup>,
    /// Classes by split.
    pub balance: Vec<Balance>,
    /// What tells the classes apart without looking at bone, most telling first.
    pub trivial_features: Vec<TrivialFeature>,
    /// How far remembering gets: a nearest neighbour in train, for each split that is judged.
    pub nearest_neighbour: Vec<NearestNeighbour>,
    /// The evidence: pairs of files found to be one image, each the first of its exact copies.
    pub links: Vec<FileLink>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    /// Its id: the path below the data set's root.
    pub path: String,
    /// Number of the image that it shows: equal for copies. `None` where the file does not read.
    pub cluster: Option<usize>,
    /// SHA-256 of its bytes, `None` where they could not be had.
    pub sha256: Option<String>,
    /// Its class.
    pub label: Label,
    /// Its split.
    pub split: Split,
    /// Format by its content: `jpeg`, `png`, …; `None` where unknown.
    pub format: Option<&'static str>,
    /// Pixels across, as displayed.
    pub width: Option<u32>,
    /// Pixels down, as displayed.
    pub height: Option<u32>,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether it stores colour (whatever the colours are).
    pub color: Option<bool>,
    /// Whether it has an EXIF block.
    pub exif: bool,
    /// Which image of which seed it is, where its file says that it was drawn (`data synth`).
    pub drawn: Option<String>,
}

/// A file that does not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadFile {
    /// Its id.
    pub path: String,
    /// Why it does not read.
    pub reason: String,
    /// Whether it ends before its picture does.
    pub truncated: bool,
}

/// A file whose name says another format than its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Misnamed {
    /// Its id.
    pub path: String,
    /// What the name says, lower case.
    pub extension: String,
    /// What it is.
    pub format: &'static str,
}

/// Files that show one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its number, as in [`FileReport::cluster`].
    pub cluster: usize,
    /// Different files among its members: 1 where all are copies byte for byte.
    pub distinct: usize,
    /// Its members, in the catalogue's order.
    pub files: Vec<String>,
}

/// Two files found to be one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileLink {
    /// The one.
    pub a: String,
    /// The other.
    pub b: String,
    /// Correlation of their detail, −1 to 1.
    pub correlation: f32,
    /// What a quarter of the patches fall short of.
    pub patches: f32,
}

/// Reads and judges a data set. Deterministic, and the same for any number of threads.
///
/// About 1 GB of memory for 50,000 files: what is kept of an image is 21 KB of pixels.
#[must_use]
pub fn audit(
    entries: &[Entry],
    decoder: &Decoder,
    matcher: &Matcher,
    tick: &(dyn Fn(AuditStep) + Sync),
) -> Audit {
    let facts: Vec<Facts> = entries
        .par_iter()
        .map_init(fast_image_resize::Resizer::new, |resizer, entry| {
            let facts = Facts::read(entry, decoder, resizer);
            tick(AuditStep::Read);
            facts
        })
        .collect();
    let (first, twins) = first_of_bytes(&facts);
    let thumbs: Vec<&copies::Thumb> = first
        .iter()
        .filter_map(|&i| facts[i].film.as_ref().map(|f| &f.thumb))
        .collect();
    // What was drawn as another image is another image, however alike two bones in one pose may look.
    let drawn: Vec<Option<&String>> = first.iter().map(|&i| facts[i].drawn.as_ref()).collect();
    let apart = |a: usize, b: usize| drawn[a].zip(drawn[b]).is_some_and(|(a, b)| a != b);
    let found = matcher.cluster_apart(&thumbs, &apart, tick);
    // A cluster is named after its first file.
    let cluster_of: Vec<Option<usize>> = twins
        .iter()
        .map(|t| t.map(|t| first[found.of[t]]))
        .collect();
    let view = overlap::View::new(entries, &cluster_of, &twins);
    let links = found.links.iter().map(|l| FileLink {
        a: entries[first[l.a]].id.clone(),
        b: entries[first[l.b]].id.clone(),
        correlation: l.whole,
        patches: l.patches,
    });
    Audit {
        images: entries.len(),
        distinct: found
            .of
            .iter()
            .enumerate()
            .filter(|&(i, &c)| i == c)
            .count(),
        exact_copies: twins.iter().flatten().count() - first.len(),
        files: entries
            .iter()
            .zip(&facts)
            .zip(&cluster_of)
            .map(|((e, f), &c)| f.report(e, c))
            .collect(),
        unreadable: entries
            .iter()
            .zip(&facts)
            .filter_map(|(e, f)| f.bad(e))
            .collect(),
        mislabeled: entries
            .iter()
            .zip(&facts)
            .filter_map(|(e, f)| f.misnamed(e))
            .collect(),
        clusters: clusters(entries, &cluster_of, &twins),
        conflicts: view.conflicts(),
        leaks: view.leaks(),
        shared_groups: shared_groups(entries),
        balance: view.balance(),
        trivial_features: features::table(entries, &facts),
        nearest_neighbour: neighbour::judge(entries, &facts, &cluster_of),
        links: links.collect(),
    }
}

/// The first readable file of each content, and for each file the number of its content among those.
fn first_of_bytes(facts: &[Facts]) -> (Vec<usize>, Vec<Option<usize>>) {
    let mut number: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut first = Vec::new();
    let twins = facts
        .iter()
        .enumerate()
        .map(|(i, f)| {
            let digest = f.film.as_ref().and(f.digest)?;
            Some(*number.entry(digest).or_insert_with(|| {
                first.push(i);
                first.len() - 1
            }))
        })
        .collect();
    (first, twins)
}

fn clusters(
    entries: &[Entry],
    cluster_of: &[Option<usize>],
    twins: &[Option<usize>],
) -> Vec<Cluster> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, cluster) in cluster_of.iter().enumerate() {
        if let Some(cluster) = cluster {
            members.entry(*cluster).or_default().push(i);
        }
    }
    let mut found: Vec<Cluster> = members
        .into_iter()
        .filter(|(_, m)| m.len() > 1)
        .map(|(cluster, m)| {
            let mut contents: Vec<_> = m.iter().filter_map(|&i| twins[i]).collect();
            contents.sort_unstable();
            contents.dedup();
            Cluster {
                cluster,
                distinct: contents.len(),
                files: m.into_iter().map(|i| entries[i].id.clone()).collect(),
            }
        })
        .collect();
    found.sort_by_key(|c| (std::cmp::Reverse(c.files.len()), c.cluster));
    found
}

fn sha_text(digest: Option<[u8; 32]>) -> Option<String> {
    digest.map(|d| hex(&d))
}
