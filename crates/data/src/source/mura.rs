//! MURA as published (Rajpurkar et al., arXiv 1712.06957).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::files::{here_or_below, relative_id};
use super::rows::Finder;
use super::table::{Row, Table};
use super::{Layout, Listing, Source};
use crate::{ClassNames, DataError, Entry, Label, RowError, Split};

/// `train_image_paths.csv`, `train_labeled_studies.csv`, the same for `valid`, and
/// `train/XR_WRIST/patient00001/study1_positive/image1.png`; also one folder deeper.
///
/// **MURA's label is *abnormal*, not *fractured***, and it is a study's, not an image's: a fracture, but also hardware, arthritis, a
/// lesion. Here label 1 stands for abnormal. Fields: `body_part` (`wrist`) and `study`; the group is the patient. `valid` is `val`; the
/// authors keep their test set to themselves.
#[derive(Debug, Clone, Copy)]
pub struct Mura;

const PARTS: [(&str, Split); 2] = [("train", Split::Train), ("valid", Split::Val)];

impl Source for Mura {
    fn layout(&self) -> Layout {
        Layout::Mura
    }

    fn recognises(&self, path: &Path, _: &ClassNames) -> Result<bool, DataError> {
        Ok(find_base(path)?.is_some())
    }

    fn read(&self, path: &Path, _: &ClassNames) -> Result<Listing, DataError> {
        let Some(base) = find_base(path)? else {
            return Err(DataError::NotThisLayout {
                path: path.to_owned(),
                layout: Layout::Mura,
                expected: "train_image_paths.csv and train_labeled_studies.csv, or the same for valid",
            });
        };
        let mut listing = Listing {
            divided: true,
            ..Listing::default()
        };
        let mut finder = Finder::new(path)?;
        for (name, split) in PARTS {
            let images = base.join(format!("{name}_image_paths.csv"));
            if images.is_file() {
                let studies = base.join(format!("{name}_labeled_studies.csv"));
                let studies = read_studies(&studies)?;
                for row in Table::open_headless(&images)?.rows() {
                    let entry = read_row(&row, path, &base, split, &studies, &mut finder)?;
                    listing.entries.push(entry);
                }
                listing.splits.push(split);
            }
        }
        Ok(listing)
    }
}

/// The labels of studies by their folder below the set's own.
fn read_studies(path: &Path) -> Result<HashMap<PathBuf, Label>, DataError> {
    let mut studies = HashMap::new();
    for row in Table::open_headless(path)?.rows() {
        let label = match row.text(1)? {
            "1" => Label::Fractured,
            "0" => Label::NotFractured,
            other => {
                let value = other.to_owned();
                return Err(row.error(1, RowError::NotOneOrZero { value }));
            }
        };
        studies.insert(below_set(&row.path(0)?), label);
    }
    Ok(studies)
}

fn read_row(
    row: &Row<'_>,
    root: &Path,
    base: &Path,
    split: Split,
    studies: &HashMap<PathBuf, Label>,
    finder: &mut Finder<'_>,
) -> Result<Entry, DataError> {
    let named = row.path(0)?;
    let below = below_set(&named);
    let study = below.parent().unwrap_or(Path::new(""));
    let Some(&label) = studies.get(study) else {
        let study = study.to_owned();
        return Err(row.error(0, RowError::UnknownStudy { study }));
    };
    let inside = base.strip_prefix(root).unwrap_or(Path::new(""));
    let path = finder.find(row, 0, &inside.join(&below), |_| None)?;
    let id = relative_id(root, &path);
    let mut entry = Entry::new(path, id, label, split);
    for part in study.components() {
        let part = part.as_os_str().to_string_lossy();
        if let Some(body_part) = part.strip_prefix("XR_") {
            entry
                .fields
                .insert("body_part".to_owned(), body_part.to_lowercase());
        } else if part.starts_with("patient") {
            entry.group = Some(part.into_owned());
        } else if let Some((study, _)) = part.split_once('_').filter(|_| part.starts_with("study"))
        {
            entry.fields.insert("study".to_owned(), study.to_owned());
        }
    }
    Ok(entry)
}

/// The tables name everything below `MURA-v1.1`, whatever the folder is called by now.
fn below_set(path: &Path) -> PathBuf {
    path.components().skip(1).collect()
}

fn find_base(path: &Path) -> Result<Option<PathBuf>, DataError> {
    here_or_below(path, |dir| {
        PARTS.iter().any(|(name, _)| {
            dir.join(format!("{name}_image_paths.csv")).is_file()
                && dir.join(format!("{name}_labeled_studies.csv")).is_file()
        })
    })
}
