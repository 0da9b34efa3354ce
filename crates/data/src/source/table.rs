//! CSV as people have it: with a byte-order mark or without, commas, semicolons or tabs, any line ends, quotes where needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use osteon_files::FileError;

use crate::manifest::RESERVED;
use crate::{DataError, RowError};

/// A table in memory, its delimiter found out by the columns it must have.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    headers: Vec<String>,
    records: Vec<(u64, ByteRecord)>,
}

/// One row, with its place for messages.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    table: &'a Table,
    line: u64,
    record: &'a ByteRecord,
}

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

impl Table {
    /// Reads a table that must have these columns, each under one of its names, in any order and case.
    pub(crate) fn open(path: &Path, required: &[&[&str]]) -> Result<Self, DataError> {
        let mut widest: Option<Self> = None;
        let bytes = read(path)?;
        for delimiter in [b',', b';', b'\t'] {
            // Only the header tells the delimiter: a semicolon in a row is nothing to stumble over yet.
            let headers = headers(path, &bytes, delimiter)?;
            let table = Self {
                path: path.to_owned(),
                headers,
                records: Vec::new(),
            };
            if table.require_all(required).is_ok() {
                table.check_headers()?;
                let mut records = records(path, &bytes, delimiter)?;
                if !records.is_empty() {
                    records.remove(0);
                }
                return Ok(Self { records, ..table });
            }
            if widest
                .as_ref()
                .is_none_or(|w| w.headers.len() < table.headers.len())
            {
                widest = Some(table);
            }
        }
        // One of three is the widest, and lacks a column.
        let widest = widest.map(|w| w.require_all(required));
        Err(widest.and_then(Result::err).unwrap_or(DataError::NoFilms {
            path: path.to_owned(),
        }))
    }

    /// Reads a table without a header; columns are counted from 1.
    pub(crate) fn open_headless(path: &Path) -> Result<Self, DataError> {
        let records = records(path, &read(path)?, b',')?;
        let columns = records.first().map_or(0, |(_, record)| record.len());
        Ok(Self {
            path: path.to_owned(),
            headers: (1..=columns).map(|n| n.to_string()).collect(),
            records,
        })
    }

    /// Whether a table has these columns; `false` for what does not read as a table.
    pub(crate) fn has_columns(path: &Path, required: &[&[&str]]) -> bool {
        match Self::open(path, required) {
            Ok(_) => true,
            // The columns are there: what is wrong with the rows is for whoever reads them to say.
            Err(DataError::Table { line, .. }) => line > 1,
            Err(_) => false,
        }
    }

    /// The column of the first of these names that is there.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        let position = |name: &&str| {
            self.headers
                .iter()
                .position(|h| h.eq_ignore_ascii_case(name))
        };
        names.iter().find_map(position)
    }

    /// The columns under these names, or which one is missing.
    pub(crate) fn require_all(&self, required: &[&[&str]]) -> Result<Vec<usize>, DataError> {
        let one = |names: &&[&str]| {
            self.column(names).ok_or_else(|| DataError::MissingColumn {
                path: self.path.clone(),
                column: names.iter().map(|&n| n.to_owned()).collect(),
                found: self.headers.clone(),
            })
        };
        required.iter().map(one).collect()
    }

    fn check_headers(&self) -> Result<(), DataError> {
        for (index, name) in self.headers.iter().enumerate() {
            let same = |other: &String| !name.is_empty() && other.eq_ignore_ascii_case(name);
            if self.headers[..index].iter().any(same) {
                return Err(DataError::SameColumn {
                    path: self.path.clone(),
                    column: name.clone(),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|(line, record)| Row {
            table: self,
            line: *line,
            record,
        })
    }
}

impl Row<'_> {
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// A cell as text, spaces around it left out.
    pub(crate) fn text(&self, column: usize) -> Result<&str, DataError> {
        match std::str::from_utf8(self.record.get(column).unwrap_or_default()) {
            Ok(text) => Ok(text.trim()),
            Err(_) => Err(self.error(column, RowError::NotUtf8)),
        }
    }

    /// A cell as a path, byte for byte where the system allows any.
    pub(crate) fn path(&self, column: usize) -> Result<PathBuf, DataError> {
        let bytes = self.record.get(column).unwrap_or_default();
        if bytes.is_empty() {
            return Err(self.error(column, RowError::Empty));
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            Ok(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
        }
        #[cfg(not(unix))]
        {
            let text = std::str::from_utf8(bytes);
            text.map(PathBuf::from)
                .map_err(|_| self.error(column, RowError::NotUtf8))
        }
    }

    /// Every cell with something in it that is in none of these columns, by its column's name.
    pub(crate) fn fields(&self, known: &[usize]) -> Result<BTreeMap<String, String>, DataError> {
        let mut fields = BTreeMap::new();
        for (column, name) in self.table.headers.iter().enumerate() {
            // A column without a name is what spreadsheets and data frames number their rows with.
            let reserved = RESERVED.iter().any(|r| r.eq_ignore_ascii_case(name));
            if name.is_empty() || reserved || known.contains(&column) {
                continue;
            }
            let text = self.text(column)?;
            if !text.is_empty() {
                fields.insert(name.clone(), text.to_owned());
            }
        }
        Ok(fields)
    }

    /// What is wrong with a cell, with its place.
    pub(crate) fn error(&self, column: usize, source: RowError) -> DataError {
        DataError::Row {
            path: self.table.path.clone(),
            line: self.line,
            column: self.table.headers.get(column).cloned().unwrap_or_default(),
            source,
        }
    }
}

/// A file's bytes without a byte-order mark.
fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = std::fs::read(path).map_err(|source| FileError::new("read", path, source))?;
    if bytes.starts_with(UTF8_BOM) {
        bytes.drain(..UTF8_BOM.len());
    }
    if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
        return Err(DataError::Utf16 {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(bytes)
}

fn headers(path: &Path, bytes: &[u8], delimiter: u8) -> Result<Vec<String>, DataError> {
    let table = |source| DataError::Table {
        path: path.to_owned(),
        line: 1,
        source,
    };
    let mut record = ByteRecord::new();
    reader(bytes, delimiter)
        .read_byte_record(&mut record)
        .map_err(table)?;
    Ok(record
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect())
}

/// Every row with the line of the file that it begins in.
fn records(path: &Path, bytes: &[u8], delimiter: u8) -> Result<Vec<(u64, ByteRecord)>, DataError> {
    let mut reader = reader(bytes, delimiter);
    let mut records = Vec::new();
    let (mut line, mut counted) = (1, 0);
    // The reader's own count is one short after a CRLF: ours counts the line feeds before the row.
    let mut line_at = |byte: u64| {
        let start = (byte as usize).min(bytes.len());
        let start = start
            + bytes[start..]
                .iter()
                .take_while(|b| b"\r\n".contains(b))
                .count();
        if start > counted {
            let feeds = bytes[counted..start].iter().map(|&b| u64::from(b == b'\n'));
            line += feeds.sum::<u64>();
            counted = start;
        }
        line
    };
    loop {
        let mut record = ByteRecord::new();
        let start = reader.position().byte();
        match reader.read_byte_record(&mut record) {
            Ok(true) => records.push((line_at(start), record)),
            Ok(false) => return Ok(records),
            Err(source) => {
                return Err(DataError::Table {
                    path: path.to_owned(),
                    line: line_at(start),
                    source,
                });
            }
        }
    }
}
