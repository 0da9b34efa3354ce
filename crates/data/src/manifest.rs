//! Writing a manifest, with a record beside it of how it came about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use osteon_files::{FileError, write_atomic};
use serde::{Deserialize, Serialize};

use crate::catalog::fingerprint;
use crate::source::relative_id;
use crate::{DataError, Entry, RelativeBox};

/// How a manifest came about: written beside it as `<name>.split.json`, so that the table itself stays plain CSV.
///
/// Whoever has the same images and this record can make the same manifest again. [`crate::Catalog::open`] compares the fingerprint and
/// refuses a manifest that was changed since.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitRecord {
    /// Of the manifest's rows, as [`crate::Catalog::fingerprint`] has it.
    pub fingerprint: String,
    /// What was divided: [`crate::Catalog::name`].
    pub data: String,
    /// The fingerprint of what was divided.
    pub data_fingerprint: String,
    /// `split`, `fold 2 of 5` or `clean`.
    pub how: String,
    /// Where the groups came from.
    pub groups: String,
    /// The field whose values were balanced, if any.
    pub balance: Option<String>,
    /// The seed.
    pub seed: u64,
    /// The fraction asked for in val.
    pub val: f64,
    /// The fraction asked for in test.
    pub test: f64,
}

/// The columns of a manifest that are no fields.
pub(crate) const RESERVED: [&str; 5] = ["path", "label", "split", "group", "boxes"];

/// Writes images as a manifest that [`crate::Catalog::open`] reads, and its record; gives the fingerprint. Paths below the manifest's
/// folder are relative to it, so that the folder can be moved; all others are absolute. Neither file may be there already.
pub fn write_manifest(
    path: &Path,
    entries: &[Entry],
    record: &SplitRecord,
) -> Result<String, DataError> {
    if path.exists() {
        return Err(DataError::Exists {
            path: path.to_owned(),
        });
    }
    let entries = seen_from(path, entries)?;
    let found = fingerprint(&entries);
    write_atomic(path, &table(path, &entries)?)?;
    let record = SplitRecord {
        fingerprint: found.clone(),
        ..record.clone()
    };
    let beside = record_path(path);
    let json = serde_json::to_string_pretty(&record).map_err(|source| DataError::Json {
        path: beside.clone(),
        source,
    })?;
    write_atomic(&beside, (json + "\n").as_bytes())?;
    Ok(found)
}

/// `manifest.csv` has its record in `manifest.split.json`.
fn record_path(manifest: &Path) -> PathBuf {
    manifest.with_extension("split.json")
}

/// Refuses a manifest whose rows are not those of its record. One without a record is as good as any.
pub(crate) fn check_record(manifest: &Path, entries: &[Entry]) -> Result<(), DataError> {
    let path = record_path(manifest);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(FileError::new("read", path, source).into());
        }
    };
    let record: SplitRecord = serde_json::from_str(&text).map_err(|source| DataError::Json {
        path: path.clone(),
        source,
    })?;
    let found = fingerprint(entries);
    if found == record.fingerprint {
        return Ok(());
    }
    Err(DataError::ManifestChanged {
        path: manifest.to_owned(),
        record: path,
        found,
        expected: record.fingerprint,
    })
}

/// The images with paths and names as they are from the manifest's folder.
fn seen_from(manifest: &Path, entries: &[Entry]) -> Result<Vec<Entry>, DataError> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|source| FileError::new("find", path, source))
    };
    let manifest = absolute(manifest)?;
    let dir = manifest.parent().unwrap_or(Path::new("/"));
    let seen = |entry: &Entry| {
        let path = absolute(&entry.path)?;
        let path = path.strip_prefix(dir).unwrap_or(&path).to_owned();
        Ok(Entry {
            id: relative_id(Path::new(""), &path),
            path,
            ..entry.clone()
        })
    };
    let mut entries: Vec<Entry> = entries.iter().map(seen).collect::<Result<_, DataError>>()?;
    entries.sort_by(|a, b| (a.split, &a.id).cmp(&(b.split, &b.id)));
    Ok(entries)
}

fn table(path: &Path, entries: &[Entry]) -> Result<Vec<u8>, DataError> {
    let fields: BTreeSet<&String> = entries.iter().flat_map(|e| e.fields.keys()).collect();
    if let Some(name) = fields
        .iter()
        .find(|f| RESERVED.iter().any(|r| r.eq_ignore_ascii_case(f)))
    {
        return Err(DataError::SameColumn {
            path: path.to_owned(),
            column: (*name).clone(),
        });
    }
    let mut rows = csv::Writer::from_writer(Vec::new());
    let error = |source| DataError::Table {
        path: path.to_owned(),
        line: 1,
        source,
    };
    let names = RESERVED[..4]
        .iter()
        .copied()
        .chain(fields.iter().map(|f| f.as_str()));
    rows.write_record(names.chain(["boxes"])).map_err(error)?;
    for e in entries {
        let (label, boxes) = (e.label.to_string(), RelativeBox::list_to_text(&e.boxes));
        let known = [
            // Byte for byte: a name need not be text.
            e.path.as_os_str().as_encoded_bytes(),
            label.as_bytes(),
            e.split.name().as_bytes(),
            e.group.as_deref().unwrap_or_default().as_bytes(),
        ];
        let more = fields
            .iter()
            .map(|&f| e.fields.get(f).map_or(&b""[..], String::as_bytes));
        let row = known.into_iter().chain(more).chain([boxes.as_bytes()]);
        rows.write_record(row).map_err(error)?;
    }
    rows.into_inner()
        .map_err(|e| FileError::new("write", path, e.into_error()).into())
}
