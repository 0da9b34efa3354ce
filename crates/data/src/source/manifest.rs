//! A CSV table that names every image: the layout for images that lie anywhere.

use std::path::{Path, PathBuf};

use super::rows::read_rows;
use super::table::Table;
use super::{Layout, Listing, Source, rows};
use crate::manifest::check_record;
use crate::{ClassNames, DataError};

/// `manifest.csv` in the folder, or a path that ends in `.csv`.
///
/// Columns: `path` (or `file`, `filename`, `image`), relative to the table's folder or absolute; `label` (or `class`): a class by any name
/// a class folder may have, or 1 and 0; optional `split`, `group` (or a patient column), `boxes` (`cx cy w h;…`). All others are kept
/// as fields. Without a split every image is `test`.
#[derive(Debug, Clone, Copy)]
pub struct Manifest;

impl Source for Manifest {
    fn layout(&self) -> Layout {
        Layout::Manifest
    }

    fn recognises(&self, path: &Path, _: &ClassNames) -> Result<bool, DataError> {
        Ok(is_csv(path) && !path.is_dir() || path.is_dir() && table_of(path).is_file())
    }

    fn read(&self, path: &Path, names: &ClassNames) -> Result<Listing, DataError> {
        let table = table_of(path);
        if !table.is_file() {
            return Err(DataError::NoManifest { path: table });
        }
        let root = match table.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let listing = read_rows(&Table::open(&table, &rows::REQUIRED)?, root, names, |_| {
            None
        })?;
        check_record(&table, &listing.entries)?;
        Ok(listing)
    }
}

fn is_csv(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

fn table_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.join("manifest.csv")
    } else {
        path.to_owned()
    }
}
