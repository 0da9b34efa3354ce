//! The file of decoded images: a safetensors file, so that any tool reads it.
//!
//! | tensor | type | |
//! |---|---|---|
//! | `pixels` | U8 N×size×size | gray levels, page-aligned |
//! | `crc32c` | U32 N+1 | of each image's levels, and of `notes` |
//! | `sha256` | U8 N×32 | of the file each came from, ascending |
//! | `notes` | U8 | JSON: `unreadable`, row → why that file did not decode (its levels are 0); `repaired`, rows |
//!
//! The header's metadata hold, under `osteon_pack`, the settings the images were made with. The name of the file is the SHA-256 of
//! those settings and of the `sha256` tensor: what it holds is what it is called.
#![expect(
    unsafe_code,
    reason = "a mapped file is memory that others could change: packs are written under another name, read-only and never changed once they have theirs; \
              what is read of one is held against its checksum"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memmap2::{Mmap, MmapMut};
use osteon_files::{FileError, hex};
use rayon::prelude::*;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{DataError, Decoder, Fit, Preprocess};

/// Where `pixels` begins: one page, of which the header fills what it needs.
const START: usize = 4096;

/// All that the levels depend on besides the files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Raised whenever a decoder, the resize or this format gives other levels.
    version: u32,
    decoder: String,
    size: u32,
    fit: Fit,
}

impl Settings {
    pub fn new(decoder: &Decoder, preprocess: &Preprocess) -> Self {
        Self {
            version: 2,
            decoder: format!("{decoder:?}, turbo: {}", cfg!(feature = "turbo")),
            size: preprocess.size,
            fit: preprocess.fit,
        }
    }

    fn to_json(&self) -> String {
        // Invariant: a struct of numbers and words has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The pack's name: what it is made from. `digests` ascend.
    pub fn key(&self, digests: &[[u8; 32]]) -> String {
        let mut hash = Sha256::new();
        hash.update(self.to_json());
        hash.update(digests.as_flattened());
        hex(&hash.finalize())
    }
}

/// An open pack.
pub(crate) struct Pack {
    path: PathBuf,
    map: Mmap,
    pixels: Range<usize>,
    /// Of each image's levels.
    sums: Range<usize>,
    /// Bytes of an image.
    area: usize,
    pub notes: Notes,
}

/// What is to be said of some rows.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// Why a file did not decode.
    pub unreadable: BTreeMap<usize, String>,
    /// Damaged images of which only what decodes is shown.
    pub repaired: BTreeSet<usize>,
}

impl Pack {
    /// Opens a pack if it is one, is whole, and holds what `settings` and `digests` say.
    pub fn open(path: &Path, settings: &Settings, digests: &[[u8; 32]]) -> Result<Self, PackFault> {
        let file = File::open(path)?;
        // SAFETY: see the head of this file.
        let map = unsafe { Mmap::map(&file)? };
        let (_, header) = SafeTensors::read_metadata(&map)?;
        let said = header
            .metadata()
            .as_ref()
            .and_then(|m| m.get("osteon_pack"));
        if said != Some(&settings.to_json()) {
            return Err(PackFault::Other("it was made with other settings"));
        }
        let tensors = SafeTensors::deserialize(&map)?;
        let place = |name: &str| -> Result<(&[u8], Range<usize>), PackFault> {
            let data = tensors.tensor(name)?.data();
            let start = data.as_ptr().addr() - map.as_ptr().addr();
            Ok((data, start..start + data.len()))
        };
        let area = (settings.size as usize).pow(2);
        let (levels, pixels) = place("pixels")?;
        let (sums, places) = place("crc32c")?;
        if levels.len() != digests.len() * area || sums.len() != digests.len() * 4 + 4 {
            return Err(PackFault::Other("it holds another number of images"));
        }
        if place("sha256")?.0 != digests.as_flattened() {
            return Err(PackFault::Other("it holds other images"));
        }
        let (notes, _) = place("notes")?;
        let whole = levels
            .par_chunks_exact(area)
            .chain([notes])
            .zip(sums.par_chunks_exact(4))
            .all(|(part, sum)| crc32c::crc32c(part).to_le_bytes() == sum);
        if !whole {
            return Err(PackFault::Other("a checksum differs"));
        }
        let notes = serde_json::from_slice(notes)
            .map_err(|_| PackFault::Other("its notes are of another form"))?;
        drop(tensors);
        Ok(Self {
            path: path.to_owned(),
            map,
            pixels,
            sums: places,
            area,
            notes,
        })
    }

    /// Whether an image's levels are still those that were written: what is mapped can be written over by whoever may write to the file.
    pub fn check(&self, row: usize) -> Result<(), DataError> {
        let levels = &self.levels()[row * self.area..(row + 1) * self.area];
        let sum = &self.map[self.sums.clone()][row * 4..row * 4 + 4];
        if crc32c::crc32c(levels).to_le_bytes() == sum {
            Ok(())
        } else {
            Err(DataError::PackChanged {
                path: self.path.clone(),
            })
        }
    }

    /// N×size×size.
    pub fn levels(&self) -> &[u8] {
        &self.map[self.pixels.clone()]
    }
}

/// Why a file is not the pack looked for. It is made anew then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackFault {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Format(#[from] safetensors::SafeTensorError),
    #[error("{0}")]
    Other(&'static str),
}

/// How old a file must be for it to have been left by a process that was killed: between making one and locking it there is less.
const LEFT: Duration = Duration::from_mins(1);

/// Removes what killed processes left half written, which may be gigabytes. What cannot be removed does no harm but to the disk.
fn sweep(dir: &Path) {
    for item in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = item.file_name();
        let name = name.to_string_lossy();
        let old = item
            .metadata()
            .and_then(|about| about.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > LEFT));
        if old && name.starts_with('.') && name.ends_with(".part") {
            let free = File::open(item.path()).is_ok_and(|file| file.try_lock().is_ok());
            if free {
                let _ = std::fs::remove_file(item.path());
            }
        }
    }
}

/// Makes a pack under another name and gives it its own when it is whole. `fill(rows)` writes the levels.
pub(crate) fn write(
    path: &Path,
    settings: &Settings,
    digests: &[[u8; 32]],
    fill: impl FnOnce(&mut [u8]) -> Result<Notes, DataError>,
) -> Result<(), DataError> {
    let io = |source| FileError::new("write", path, source);
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    std::fs::create_dir_all(&dir).map_err(io)?;
    sweep(&dir);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Read-only, this one included once it is closed: truncating a file that is mapped kills whoever reads it.
        builder.permissions(std::fs::Permissions::from_mode(0o444));
    }
    let mut file = builder.tempfile_in(&dir).map_err(io)?;
    // Held until it has its name, so that no other process takes it for one that was left. Where there are no locks, nothing is taken for that.
    let _ = file.as_file().lock();
    let (films, area) = (digests.len(), (settings.size as usize).pow(2));
    let levels = films * area;
    file.as_file()
        .set_len((START + levels) as u64)
        .map_err(io)?;
    // SAFETY: a file of this call alone, not yet under any name that others look for.
    let mut map = unsafe { MmapMut::map_mut(file.as_file()).map_err(io)? };
    let notes = fill(&mut map[START..])?;
    // Invariant: numbers and words have a JSON form.
    let notes = serde_json::to_vec(&notes).unwrap_or_default();
    let sums: Vec<u8> = map[START..]
        .par_chunks_exact(area)
        .chain([&notes[..]])
        .flat_map_iter(|part| crc32c::crc32c(part).to_le_bytes())
        .collect();
    let mut end = 0;
    let mut tensor = |dtype: &str, shape: &[usize], bytes: usize| {
        end += bytes;
        serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [end - bytes, end] })
    };
    let side = settings.size as usize;
    let header = serde_json::json!({
        "__metadata__": { "osteon_pack": settings.to_json() },
        "pixels": tensor("U8", &[films, side, side], levels),
        "crc32c": tensor("U32", &[films + 1], sums.len()),
        "sha256": tensor("U8", &[films, 32], films * 32),
        "notes": tensor("U8", &[notes.len()], notes.len()),
    });
    // Spaces after the header are allowed for by the format, and put the levels on a page of their own.
    let header = format!("{:<width$}", header.to_string(), width = START - 8);
    map[..8].copy_from_slice(&(header.len() as u64).to_le_bytes());
    map[8..START].copy_from_slice(header.as_bytes());
    map.flush().map_err(io)?;
    drop(map);
    let out = file.as_file_mut();
    out.seek(SeekFrom::End(0)).map_err(io)?;
    for part in [&sums[..], digests.as_flattened(), &notes] {
        out.write_all(part).map_err(io)?;
    }
    out.sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}
