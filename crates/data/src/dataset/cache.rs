//! Decoded images kept on disk between runs.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use osteon_files::{FileError, hex, unhex, write_atomic};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::pack::{self, Notes, Pack, Settings};
use super::reader::FilmReader;
use super::{Fault, Levels, Row};
use crate::{DataError, Dataset, Decoder, Entry, Preprocess};

/// A folder of decoded images. Several processes may use it at once.
///
/// A pack is found again by what it holds: the contents of the files and the settings that made their levels. Another setting or a
/// changed file leads to another pack; a file that was copied or renamed does not. Every image has a checksum, looked at whenever a
/// pack is opened; a damaged pack is made anew. Which file has which contents is remembered by path, size and time of change.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

/// What became of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packed {
    /// It was there.
    Found,
    /// It was made.
    Made,
    /// It was there but not sound, and was made anew; why.
    Rebuilt(String),
}

/// What is remembered of a file.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    nanoseconds: u128,
    sha256: String,
}

impl Cache {
    /// Uses a folder, which is made when the first pack is.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where the packs are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// As [`Dataset::load`], from the pack of these images where there is one; makes it where there is none. Of images with the same
    /// contents one is kept.
    pub fn dataset(
        &self,
        entries: &[Entry],
        decoder: &Decoder,
        preprocess: &Preprocess,
        tick: &(dyn Fn() + Sync),
    ) -> Result<(Dataset, Packed), DataError> {
        let digests = self.digests(entries)?;
        let mut unique: Vec<(&[u8; 32], &Entry, usize)> = Vec::new();
        let mut sorted: Vec<_> = digests
            .iter()
            .zip(entries)
            .filter_map(|(digest, entry)| Some((digest.as_ref().ok()?, entry)))
            .collect();
        sorted.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
        for (digest, entry) in sorted {
            match unique.last_mut() {
                Some((last, _, copies)) if *last == digest => *copies += 1,
                _ => unique.push((digest, entry, 1)),
            }
        }
        let contents: Vec<[u8; 32]> = unique.iter().map(|(digest, ..)| **digest).collect();
        let settings = Settings::new(decoder, preprocess);
        let path = self
            .dir
            .join(format!("{}.safetensors", settings.key(&contents)));
        let (pack, packed) = match Pack::open(&path, &settings, &contents) {
            Ok(pack) => {
                for _ in entries {
                    tick();
                }
                (pack, Packed::Found)
            }
            Err(fault) => {
                let packed = if path.exists() {
                    Packed::Rebuilt(fault.to_string())
                } else {
                    Packed::Made
                };
                pack::write(&path, &settings, &contents, |levels| {
                    decode(&unique, decoder, preprocess, levels, tick)
                })?;
                let pack =
                    Pack::open(&path, &settings, &contents).map_err(|fault| DataError::Pack {
                        path: path.clone(),
                        reason: fault.to_string(),
                    })?;
                (pack, packed)
            }
        };
        let read = digests
            .into_iter()
            .zip(entries)
            .map(|(digest, entry)| {
                let digest = digest.map_err(Fault::Now)?;
                // Invariant: `contents` holds every digest there is.
                let row = contents.binary_search(&digest).unwrap_or_default();
                match pack.notes.unreadable.get(&row) {
                    None => Ok(Row {
                        place: row,
                        digest,
                        repaired: pack.notes.repaired.contains(&row),
                    }),
                    Some(reason) => Err(Fault::Before {
                        path: entry.path.clone(),
                        reason: reason.clone(),
                    }),
                }
            })
            .collect();
        let films = Dataset::assemble(entries, preprocess, Levels::Pack(pack), read)?;
        Ok((films, packed))
    }

    /// The SHA-256 of each file; read only of files that are not remembered as they are now.
    fn digests(&self, entries: &[Entry]) -> Result<Vec<Result<[u8; 32], DataError>>, DataError> {
        let mut name = Sha256::new();
        for entry in entries {
            name.update(entry.path.as_os_str().as_encoded_bytes());
            name.update([0]);
        }
        let file = self
            .dir
            .join(format!("{}.stamps.json", hex(&name.finalize())));
        let before: HashMap<PathBuf, Stamp> = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let stamps: Vec<Result<Stamp, DataError>> = entries
            .par_iter()
            .map_init(FilmReader::default, |reader, entry| {
                stamp(entry, &before, reader)
            })
            .collect();
        let now: BTreeMap<_, _> = entries
            .iter()
            .zip(&stamps)
            .filter_map(|(entry, stamp)| Some((&entry.path, stamp.as_ref().ok()?)))
            .collect();
        let changed = now.len() != before.len()
            || now
                .iter()
                .any(|(path, stamp)| before.get(*path) != Some(*stamp));
        // A path that is not UTF-8 has no JSON form: then nothing is remembered, and all is read again.
        if let Ok(bytes) = serde_json::to_vec(&now)
            && changed
        {
            write_atomic(&file, &bytes)?;
        }
        Ok(stamps
            .into_iter()
            .map(|stamp| stamp.map(|s| unhex(&s.sha256).unwrap_or_default()))
            .collect())
    }
}

/// A file as it is now, with the digest remembered or read.
fn stamp(
    entry: &Entry,
    before: &HashMap<PathBuf, Stamp>,
    reader: &mut FilmReader,
) -> Result<Stamp, DataError> {
    let io = |source| FileError::new("read", &entry.path, source);
    let about = std::fs::metadata(&entry.path).map_err(io)?;
    let changed = about.modified().map_err(io)?.duration_since(UNIX_EPOCH);
    let (bytes, nanoseconds) = (about.len(), changed.unwrap_or_default().as_nanos());
    match before.get(&entry.path) {
        Some(stamp)
            if stamp.bytes == bytes
                && stamp.nanoseconds == nanoseconds
                && unhex::<32>(&stamp.sha256).is_some() =>
        {
            Ok(stamp.clone())
        }
        _ => {
            reader.bytes(&entry.path)?;
            Ok(Stamp {
                bytes,
                nanoseconds,
                sha256: hex(&reader.digest()),
            })
        }
    }
}

/// Decodes each of the unique images into its row; `(digest, where, how often it is there)`.
fn decode(
    unique: &[(&[u8; 32], &Entry, usize)],
    decoder: &Decoder,
    preprocess: &Preprocess,
    levels: &mut [u8],
    tick: &(dyn Fn() + Sync),
) -> Result<Notes, DataError> {
    let area = preprocess.side().pow(2);
    let done: Vec<_> = levels
        .par_chunks_exact_mut(area)
        .zip(unique)
        .map_init(
            FilmReader::default,
            |reader, (out, (digest, entry, copies))| {
                let done = reader.read(&entry.path, decoder, preprocess, out);
                for _ in 0..*copies {
                    tick();
                }
                if reader.digest() != **digest {
                    return Err(DataError::Changed {
                        path: entry.path.clone(),
                    });
                }
                if done.is_err() {
                    out.fill(0);
                }
                Ok(done)
            },
        )
        .collect::<Result<_, _>>()?;
    let mut notes = Notes::default();
    for (row, film) in done.into_iter().enumerate() {
        match film {
            Ok(false) => {}
            Ok(true) => {
                notes.repaired.insert(row);
            }
            Err(error) => {
                notes.unreadable.insert(row, error.reason());
            }
        }
    }
    Ok(notes)
}
