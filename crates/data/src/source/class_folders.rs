//! train|val|test / fractured|not fractured, or the two classes alone: how the Kaggle set lies on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::files::{Root, name_of, relative_id};
use super::table::Table;
use super::{Layout, Listing, Source};
use crate::{DataError, Entry, Label, RelativeBox, Split};

/// The class-folder layout, also one folder deeper, as archives unzip.
///
/// Two class folders without splits are taken as `test`: films to judge. A folder beside the classes that is no class and holds
/// files is an error, for its films would be lost without a word. Hidden files are passed over, all others are listed: whether they
/// are images shows when they are read. A `boxes.csv` beside the splits (columns `file`, `cx`, `cy`, `w`, `h`, any others kept as
/// fields) adds boxes; [`crate::write_synth`] writes one.
#[derive(Debug, Clone, Copy)]
pub struct ClassFolders;

impl Source for ClassFolders {
    fn layout(&self) -> Layout {
        Layout::ClassFolders
    }

    fn recognises(&self, path: &Path) -> Result<bool, DataError> {
        if !path.is_dir() {
            return Ok(false);
        }
        match find_base(&Root::new(path)?, path) {
            Ok(_) => Ok(true),
            Err(DataError::NoClasses { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&self, path: &Path) -> Result<Listing, DataError> {
        if !path.is_dir() {
            return Err(DataError::NoFolder {
                path: path.to_owned(),
            });
        }
        let root = Root::new(path)?;
        let base = find_base(&root, path)?;
        let mut listing = Listing::default();
        for folder in root.folders(&base)? {
            if let Some(split) = Split::from_folder(&name_of(&folder)) {
                read_classes(&root, path, &folder, split, &mut listing.entries)?;
                listing.splits.push(split);
            }
        }
        listing.divided = !listing.splits.is_empty();
        if !listing.divided {
            read_classes(&root, path, &base, Split::Test, &mut listing.entries)?;
            listing.splits.push(Split::Test);
        }
        let boxes = base.join("boxes.csv");
        if boxes.is_file() {
            add_boxes(&boxes, &base, &mut listing.entries)?;
        }
        Ok(listing)
    }
}

/// The folder that holds the splits or the classes: the root, or, as zips unpack, the one folder in it that does.
fn find_base(root: &Root, path: &Path) -> Result<PathBuf, DataError> {
    let is_base = |dir: &Path| -> Result<bool, DataError> {
        Ok(root.folders(dir)?.iter().any(|f| {
            let name = name_of(f);
            Split::from_folder(&name).is_some() || Label::from_folder(&name).is_some()
        }))
    };
    if is_base(path)? {
        return Ok(path.to_owned());
    }
    let inner = root.folders(path)?;
    let mut bases = Vec::new();
    for folder in &inner {
        if is_base(folder)? {
            bases.push(folder.clone());
        }
    }
    match bases.len() {
        1 => Ok(bases.remove(0)),
        _ => Err(DataError::NoClasses {
            path: path.to_owned(),
            found: inner.iter().take(8).map(|f| name_of(f)).collect(),
        }),
    }
}

/// Lists the class folders of one split.
pub(super) fn read_classes(
    root: &Root,
    top: &Path,
    dir: &Path,
    split: Split,
    entries: &mut Vec<Entry>,
) -> Result<(), DataError> {
    let mut classes = 0;
    for folder in root.folders(dir)? {
        let Some(label) = Label::from_folder(&name_of(&folder)) else {
            if root.files(&folder)?.is_empty() {
                continue;
            }
            return Err(DataError::UnknownClass { path: folder });
        };
        classes += 1;
        for path in root.files(&folder)? {
            let id = relative_id(top, &path);
            entries.push(Entry::new(path, id, label, split));
        }
    }
    if classes == 0 {
        let found = root.folders(dir)?.iter().map(|f| name_of(f)).collect();
        return Err(DataError::NoClasses {
            path: dir.to_owned(),
            found,
        });
    }
    Ok(())
}

/// Adds the boxes of `boxes.csv`, one a row, to the films they name. Films may have been taken out since it was written: their boxes
/// have nothing to be added to, and no film is lost.
fn add_boxes(path: &Path, base: &Path, entries: &mut [Entry]) -> Result<(), DataError> {
    let required: [&[&str]; 5] = [&["file", "path"], &["cx"], &["cy"], &["w"], &["h"]];
    let table = Table::open(path, &required)?;
    let columns = table.require_all(&required)?;
    let by_path: HashMap<PathBuf, usize> = entries
        .iter()
        .enumerate()
        .map(|(i, e)| (e.path.clone(), i))
        .collect();
    for row in table.rows() {
        let file = row.path(columns[0])?;
        let Some(&index) = by_path.get(&base.join(file)) else {
            continue;
        };
        let numbers: Vec<&str> = columns[1..]
            .iter()
            .map(|&c| row.text(c))
            .collect::<Result<_, _>>()?;
        let text = numbers.join(" ");
        let found: RelativeBox = text.parse().map_err(|e| row.error(columns[1], e))?;
        entries[index].boxes.push(found);
        entries[index].fields.extend(row.fields(&columns)?);
    }
    Ok(())
}
