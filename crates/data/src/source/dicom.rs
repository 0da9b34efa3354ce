//! A folder of DICOM files with a table of their labels.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use osteon_files::FileError;

use super::rows::{self, read_rows};
use super::table::Table;
use super::{Layout, Listing, Source};
use crate::{ClassNames, DataError};

/// A folder with DICOM files, at any depth, and one CSV table of any name with the columns of [`super::Manifest`]. A file may be named
/// with or without its `.dcm`.
#[derive(Debug, Clone, Copy)]
pub struct DicomTable;

impl Source for DicomTable {
    fn layout(&self) -> Layout {
        Layout::Dicom
    }

    fn recognises(&self, path: &Path, _: &ClassNames) -> Result<bool, DataError> {
        if !path.is_dir() {
            return Ok(false);
        }
        let tables = tables_in(path)?;
        let [table] = tables.as_slice() else {
            return Ok(false);
        };
        // Whatever is wrong with the rows is said when they are read as what they are meant to be.
        let Ok(table) = Table::open(table, &rows::REQUIRED) else {
            return Ok(false);
        };
        let column = table.require_all(&rows::REQUIRED)?[0];
        Ok(table.rows().next().is_some_and(|row| {
            row.path(column).is_ok_and(|file| {
                let file = path.join(file);
                is_dicom(&file) || with_dcm(&file).is_some()
            })
        }))
    }

    fn read(&self, path: &Path, names: &ClassNames) -> Result<Listing, DataError> {
        if !path.is_dir() {
            return Err(DataError::NoFolder {
                path: path.to_owned(),
            });
        }
        let tables = tables_in(path)?;
        let [table] = tables.as_slice() else {
            return Err(DataError::OneTable {
                path: path.to_owned(),
                found: tables,
            });
        };
        read_rows(&Table::open(table, &rows::REQUIRED)?, path, names, with_dcm)
    }
}

/// The CSV files in a folder that have the columns of a table of images.
fn tables_in(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| FileError::new("read", dir, source);
    let mut tables = Vec::new();
    for item in std::fs::read_dir(dir).map_err(io)? {
        let path = item.map_err(io)?.path();
        let csv = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        if csv && path.is_file() {
            tables.push(path);
        }
    }
    tables.sort();
    if tables.len() > 1 {
        tables.retain(|table| Table::has_columns(table, &rows::REQUIRED));
    }
    Ok(tables)
}

fn is_dicom(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("dcm") || e.eq_ignore_ascii_case("dicom"))
}

/// The file of this name with `.dcm` behind it, if it is there.
fn with_dcm(path: &Path) -> Option<PathBuf> {
    let named = |ending: &str| {
        let mut name = OsString::from(path);
        name.push(ending);
        PathBuf::from(name)
    };
    [".dcm", ".DCM"]
        .into_iter()
        .map(named)
        .find(|p| p.is_file())
}
