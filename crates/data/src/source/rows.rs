//! From the rows of a table, one an image, to entries: what the manifest and the DICOM layout share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use osteon_files::FileError;

use super::Listing;
use super::files::{Root, relative_id};
use super::table::{Row, Table};
use crate::{CellNames, ClassNames, DataError, Entry, RelativeBox, RowError, Split};

const PATH: &[&str] = &["path", "file", "filename", "image"];
const LABEL: &[&str] = &["label", "class"];
const SPLIT: &[&str] = &["split"];
/// A patient is a group even where nobody calls it one: better kept together than leaked.
pub(crate) const GROUP: &[&str] = &[
    "group",
    "patient",
    "patient_id",
    "patientid",
    "patient id",
    "patient-id",
    "subject",
    "subject_id",
    "subjectid",
    "subject id",
];
const BOXES: &[&str] = &["boxes", "boxes_cx_cy_w_h"];

/// The columns that a table of images cannot do without.
pub(super) const REQUIRED: [&[&str]; 2] = [PATH, LABEL];

/// Reads a table of images. Paths are relative to `root` unless absolute; where a file is not there under its name, `or` is tried.
pub(super) fn read_rows(
    table: &Table,
    root: &Path,
    names: &ClassNames,
    or: impl Fn(&Path) -> Option<PathBuf>,
) -> Result<Listing, DataError> {
    let required = table.require_all(&REQUIRED)?;
    let (path, label) = (required[0], required[1]);
    let (split, group, boxes) = (
        table.column(SPLIT),
        table.column(GROUP),
        table.column(BOXES),
    );
    let mut known: Vec<usize> = [Some(path), Some(label), split, boxes]
        .into_iter()
        .flatten()
        .collect();
    // Under another name the group stays a field, too: figures by patient are asked for by that name.
    known.extend(table.column(&GROUP[..1]));

    let split_of = |row: &Row<'_>| -> Result<Option<Split>, DataError> {
        let Some(column) = split else { return Ok(None) };
        match row.text(column)? {
            "" => Ok(None),
            name => Split::from_folder(name).map(Some).ok_or_else(|| {
                let value = name.to_owned();
                row.error(column, RowError::UnknownSplit { value })
            }),
        }
    };
    let mut finder = Finder::new(root)?;
    let mut listing = Listing::default();
    let mut undivided = None;
    for row in table.rows() {
        let file = finder.find(&row, path, &row.path(path)?, &or)?;
        let name = row.text(label)?;
        let Some(class) = names.of_cell(name) else {
            return Err(row.error(label, unknown_label(name, names)));
        };
        listing.names.entry(name.to_owned()).or_insert(class);
        let part = split_of(&row)?;
        match part {
            Some(part) => listing.splits.push(part),
            None => undivided = undivided.or(Some(row)),
        }
        let id = relative_id(root, &file);
        let mut entry = Entry::new(file, id, class, part.unwrap_or(Split::Test));
        entry.fields = row.fields(&known)?;
        if let Some(column) = group {
            let name = row.text(column)?;
            entry.group = (!name.is_empty()).then(|| name.to_owned());
        }
        if let Some(column) = boxes {
            entry.boxes =
                RelativeBox::parse_list(row.text(column)?).map_err(|e| row.error(column, e))?;
        }
        listing.entries.push(entry);
    }
    listing.divided = !listing.splits.is_empty();
    match (undivided, split) {
        (Some(row), Some(column)) if listing.divided => Err(row.error(column, RowError::NoSplit)),
        _ => {
            if !listing.divided {
                listing.splits.push(Split::Test);
            }
            Ok(listing)
        }
    }
}

/// What is wrong with a cell that names no class.
pub(crate) fn unknown_label(value: &str, names: &ClassNames) -> RowError {
    RowError::UnknownLabel {
        value: value.to_owned(),
        known: Box::new(CellNames(names.clone())),
    }
}

/// Finds the files that rows name, each once.
pub(super) struct Finder<'a> {
    root: &'a Path,
    inside: Root,
    lines: HashMap<PathBuf, u64>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(root: &'a Path) -> Result<Self, DataError> {
        Ok(Self {
            root,
            inside: Root::new(root)?,
            lines: HashMap::new(),
        })
    }

    /// The file a cell names. A path below the root must stay there, links and all; one that leads out by its own words may.
    pub(super) fn find(
        &mut self,
        row: &Row<'_>,
        column: usize,
        file: &Path,
        or: impl Fn(&Path) -> Option<PathBuf>,
    ) -> Result<PathBuf, DataError> {
        let mut path = self.root.join(file);
        if !path.is_file() {
            // A loop of links or a folder without permission is not a missing file.
            match std::fs::metadata(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(FileError::new("read", path, source).into());
                }
                _ => {}
            }
            path = or(&path).ok_or_else(|| {
                let file = file.to_owned();
                row.error(column, RowError::MissingFile { file })
            })?;
        }
        let below = path
            .strip_prefix(self.root)
            .is_ok_and(|p| !p.components().any(|c| c == std::path::Component::ParentDir));
        let real = if below {
            self.inside.hold(&path)?
        } else {
            std::fs::canonicalize(&path).map_err(|source| FileError::new("read", &path, source))?
        };
        match self.lines.insert(real, row.line()) {
            Some(first) => Err(row.error(
                column,
                RowError::Duplicate {
                    file: file.to_owned(),
                    first,
                },
            )),
            None => Ok(path),
        }
    }
}
