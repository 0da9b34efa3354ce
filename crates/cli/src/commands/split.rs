//! `osteon data split`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use osteon_data::{
    Catalog, DataError, Entry, Groups, Split, SplitOptions, SplitRecord, clean_images, fold_images,
    fold_splits, split_images, write_manifest,
};
use serde::Serialize;

use super::{audit, open_set};
use crate::args::SplitArgs;
use crate::exit::Ending;
use crate::output;

/// What `data split --json` prints.
#[derive(Serialize)]
struct Report {
    data: String,
    seed: u64,
    groups: usize,
    /// Images that `--clean` left out.
    dropped: usize,
    manifests: Vec<Written>,
}

/// One manifest.
#[derive(Serialize)]
struct Written {
    path: PathBuf,
    fingerprint: String,
    splits: BTreeMap<Split, Counts>,
    /// Images of each split by the values of the balanced field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    balance: BTreeMap<String, BTreeMap<Split, usize>>,
}

#[derive(Serialize, Default)]
struct Counts {
    images: usize,
    fractured: usize,
    groups: usize,
}

/// One division of the images: where to write it, what to call it, and the images with their splits and groups.
struct Division {
    path: PathBuf,
    how: String,
    films: Vec<(Entry, usize)>,
}

pub fn run(args: &SplitArgs) -> anyhow::Result<Ending> {
    let catalog = open_set(&args.dir, &args.names)?;
    if let Some(caveat) = catalog.layout().caveat() {
        eprintln!("note: {caveat}");
    }
    let (groups, from) = groups(args, catalog.entries())?;
    let mut entries = catalog.entries().to_vec();
    groups.name(&mut entries);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| default_out(catalog.root()));
    let divisions = divide(args, &out, &entries, &groups.numbers())?;
    // Nothing is written where anything is in the way.
    if let Some(taken) = divisions.iter().find(|d| d.path.exists()) {
        let path = taken.path.clone();
        return Err(DataError::Exists { path }.into());
    }
    let record = SplitRecord {
        data: catalog.name(),
        data_fingerprint: catalog.fingerprint().to_owned(),
        groups: from,
        balance: args.balance.clone(),
        seed: args.seed,
        val: if args.is_plain() { args.val } else { 0.0 },
        test: if args.is_plain() { args.test } else { 0.0 },
        ..SplitRecord::default()
    };
    let mut report = Report {
        data: catalog.root().display().to_string(),
        seed: args.seed,
        groups: groups.count(),
        dropped: catalog.entries().len() - divisions.first().map_or(0, |d| d.films.len()),
        manifests: Vec::new(),
    };
    for Division { path, how, films } in divisions {
        let record = SplitRecord {
            how,
            ..record.clone()
        };
        let entries: Vec<Entry> = films.iter().map(|(entry, _)| entry.clone()).collect();
        report.manifests.push(Written {
            fingerprint: write_manifest(&path, &entries, &record)?,
            path,
            splits: count(&films),
            balance: balance(&entries, args.balance.as_deref()),
        });
    }
    if args.clean {
        warn_of_missing(&catalog, &report);
    }
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&text(args, &report))?;
    }
    Ok(Ending::Done)
}

/// The groups that images are kept in, and where they came from.
fn groups(args: &SplitArgs, entries: &[Entry]) -> anyhow::Result<(Groups, String)> {
    let mut groups = Groups::known(entries);
    let mut from = Vec::new();
    if entries.iter().any(|e| e.group.is_some()) || groups.count() < entries.len() {
        from.push("the data set".to_owned());
    }
    for name in &args.groups {
        if Path::new(name)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"))
        {
            groups.join_clusters(entries, Path::new(name))?;
        } else if name != "group" || from.is_empty() {
            groups.join_field(entries, name)?;
        }
        // A record travels with its manifest: the place of a file on this machine is nobody's business.
        let name = Path::new(name)
            .file_name()
            .map(|n| n.to_string_lossy().into_owned());
        from.extend(name);
    }
    if from.is_empty() && (args.by_group || args.clean) {
        eprintln!("note: the data set knows of no groups; copies of one image are looked for");
        let found = audit::watched(entries);
        let clusters: HashMap<&str, String> = found
            .files
            .iter()
            .filter_map(|file| Some((file.path.as_str(), file.cluster?.to_string())))
            .collect();
        groups.join(
            entries
                .iter()
                .map(|entry| clusters.get(entry.id.as_str()).map(String::as_str)),
        );
        from.push("copies found by an audit".to_owned());
    }
    if from.is_empty() {
        eprintln!(
            "note: no groups are known: images of one patient and copies of one image may come to lie in different splits. \
             See --groups"
        );
        from.push("none".to_owned());
    }
    Ok((groups, from.join(", ")))
}

fn divide(
    args: &SplitArgs,
    out: &Path,
    entries: &[Entry],
    groups: &[usize],
) -> Result<Vec<Division>, DataError> {
    let options = SplitOptions {
        val: args.val,
        test: args.test,
        seed: args.seed,
        balance: args.balance.clone(),
    };
    let with_splits = |splits: &[Split]| -> Vec<(Entry, usize)> {
        let divided = entries.iter().zip(splits).map(|(entry, &split)| Entry {
            split,
            ..entry.clone()
        });
        divided.zip(groups.iter().copied()).collect()
    };
    if args.clean {
        let stays = clean_images(entries, groups);
        let films = entries
            .iter()
            .cloned()
            .zip(groups.iter().copied())
            .zip(stays);
        return Ok(vec![Division {
            path: out.to_owned(),
            how: "clean".to_owned(),
            films: films
                .filter_map(|(film, stays)| stays.then_some(film))
                .collect(),
        }]);
    }
    let Some(count) = args.folds else {
        return Ok(vec![Division {
            path: out.to_owned(),
            how: "split".to_owned(),
            films: with_splits(&split_images(entries, groups, &options)?),
        }]);
    };
    let folds = fold_images(entries, groups, count, &options)?;
    let division = |test: usize| {
        let mut films = with_splits(&fold_splits(&folds, count, test));
        for ((film, _), fold) in films.iter_mut().zip(&folds) {
            film.fields
                .insert("fold".to_owned(), (fold + 1).to_string());
        }
        Division {
            path: out.with_extension(format!("fold{}.csv", test + 1)),
            how: format!("fold {} of {count}", test + 1),
            films,
        }
    };
    Ok((0..count).map(division).collect())
}

/// Where the set is found by its folder from then on; beside a manifest that has a name of its own.
fn default_out(root: &Path) -> PathBuf {
    if root.is_dir() {
        root.join("manifest.csv")
    } else {
        root.with_extension("split.csv")
    }
}

/// Says which splits cleaning has left without a class: with so little a set cannot be judged on.
fn warn_of_missing(catalog: &Catalog, report: &Report) {
    for written in &report.manifests {
        for split in catalog.splits() {
            let left = written.splits.get(split);
            let (images, fractured) = left.map_or((0, 0), |c| (c.images, c.fractured));
            if fractured == 0 || fractured == images {
                eprintln!(
                    "note: {split} has {images} images left, {fractured} of them fractured: too little to judge a model on. \
                     Divide the set anew instead"
                );
            }
        }
    }
}

fn count(films: &[(Entry, usize)]) -> BTreeMap<Split, Counts> {
    let mut counts: BTreeMap<Split, Counts> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (film, group) in films {
        let part = counts.entry(film.split).or_default();
        part.images += 1;
        part.fractured += usize::from(film.label.is_fractured());
        part.groups += usize::from(seen.insert((film.split, group)));
    }
    counts
}

fn balance(entries: &[Entry], field: Option<&str>) -> BTreeMap<String, BTreeMap<Split, usize>> {
    let mut table: BTreeMap<String, BTreeMap<Split, usize>> = BTreeMap::new();
    let Some(field) = field else { return table };
    for entry in entries {
        let value = entry.fields.get(field).cloned().unwrap_or_default();
        *table
            .entry(value)
            .or_default()
            .entry(entry.split)
            .or_default() += 1;
    }
    table
}

fn text(args: &SplitArgs, report: &Report) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for written in &report.manifests {
        for (split, c) in &written.splits {
            let _ = writeln!(
                text,
                "{:>5}: {} images in {} groups, {} fractured",
                split.name(),
                c.images,
                c.groups,
                c.fractured
            );
        }
        for (value, splits) in &written.balance {
            let counts: Vec<String> = splits
                .iter()
                .map(|(split, n)| format!("{split} {n}"))
                .collect();
            let field = args.balance.as_deref().unwrap_or_default();
            let _ = writeln!(text, "       {field} {value:?}: {}", counts.join(", "));
        }
        let _ = writeln!(
            text,
            "in {}, fingerprint {:.12}…",
            written.path.display(),
            written.fingerprint
        );
    }
    if args.clean {
        let _ = writeln!(
            text,
            "{} images of val and test left out: they have a copy or a patient in common with an earlier split",
            report.dropped
        );
    }
    text.truncate(text.trim_end().len());
    text
}
