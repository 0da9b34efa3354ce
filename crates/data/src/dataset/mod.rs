//! A split of a data set decoded and resized to gray levels: read once, used every epoch.

mod cache;
mod located;
mod pack;
mod reader;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use osteon_files::hex;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

pub use self::cache::{Cache, Packed};
pub use self::located::FittedBox;
use self::pack::Pack;
pub use self::reader::Look;
pub(crate) use self::reader::{FilmReader, NOT_LOOKED_AT};
use crate::load::{Indices, SampleSource};
use crate::split::unknown_field;
use crate::{DataError, DataLoader, Decoder, Entry, GrayView, Label, LoadOptions, Preprocess};

/// A file that is catalogued but did not read, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The image's name within the data set.
    pub id: String,
    /// Why it did not read.
    pub reason: String,
}

/// N images as size×size gray levels (1 byte a pixel: 224 px and 10,000 images are 0.5 GB), with labels and ids; in memory
/// ([`Dataset::load`]) or in a file that is mapped into it ([`crate::Cache::dataset`]).
#[derive(Clone)]
pub struct Dataset {
    preprocess: Preprocess,
    levels: Arc<Levels>,
    /// Where each image's levels are.
    rows: Vec<usize>,
    labels: Vec<Label>,
    indices: Arc<Indices>,
    ids: Arc<[String]>,
    digests: Vec<[u8; 32]>,
    unreadable: Vec<Unreadable>,
    repaired: Vec<String>,
    fingerprint: String,
    /// Of every image, as far as [`Dataset::locate`] was told.
    boxes: Arc<Vec<Vec<FittedBox>>>,
}

/// Rows of size×size levels.
pub(crate) enum Levels {
    Memory(Vec<u8>),
    Pack(Pack),
}

impl Levels {
    fn all(&self) -> &[u8] {
        match self {
            Self::Memory(all) => all,
            Self::Pack(pack) => pack.levels(),
        }
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("films", &self.len())
            .field("preprocess", &self.preprocess)
            .field("unreadable", &self.unreadable)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// What reading an image left.
pub(crate) struct Row {
    /// Where its levels are.
    pub place: usize,
    /// SHA-256 of its file.
    pub digest: [u8; 32],
    /// The file is damaged, and this is what decodes of it.
    pub repaired: bool,
}

/// Why an image has no levels: known only in words if it was found out by another run.
pub(crate) enum Fault {
    Now(DataError),
    Before { path: PathBuf, reason: String },
}

impl Dataset {
    /// Reads images in parallel, in the catalogue's order. What does not read is listed in [`Dataset::unreadable`], never dropped in
    /// silence. `tick` is called once an image, from any thread.
    ///
    /// Fails only if not one image reads.
    pub fn load(
        entries: &[Entry],
        decoder: &Decoder,
        preprocess: &Preprocess,
        tick: &(dyn Fn() + Sync),
    ) -> Result<Self, DataError> {
        let (films, _) = Self::load_and_look(entries, decoder, preprocess, NOT_LOOKED_AT, tick)?;
        Ok(films)
    }

    /// As [`Dataset::load`], with what `look` says of each image that was read, in their order: what needs the image as it was decoded, and would
    /// read the file once more otherwise.
    ///
    /// Fails only if not one image reads.
    pub fn load_and_look<T: Send>(
        entries: &[Entry],
        decoder: &Decoder,
        preprocess: &Preprocess,
        look: Look<'_, T>,
        tick: &(dyn Fn() + Sync),
    ) -> Result<(Self, Vec<T>), DataError> {
        let area = preprocess.side() * preprocess.side();
        let mut levels = vec![0; entries.len() * area];
        let read: Vec<_> = levels
            .par_chunks_exact_mut(area)
            .zip(entries)
            .enumerate()
            .map_init(FilmReader::default, |reader, (place, (out, entry))| {
                let done = reader.read_and_look(&entry.path, decoder, preprocess, out, look);
                tick();
                let (repaired, said) = done.map_err(Fault::Now)?;
                let row = Row {
                    place,
                    repaired,
                    digest: reader.digest(),
                };
                Ok((row, said))
            })
            .collect();
        let mut all_said = Vec::new();
        let rows = read.into_iter().map(|one| {
            one.map(|(row, said)| {
                all_said.push(said);
                row
            })
        });
        let rows = rows.collect();
        let films = Self::assemble(entries, preprocess, Levels::Memory(levels), rows)?;
        Ok((films, all_said))
    }

    /// What was read of `entries`, in their order.
    pub(crate) fn assemble(
        entries: &[Entry],
        preprocess: &Preprocess,
        levels: Levels,
        read: Vec<Result<Row, Fault>>,
    ) -> Result<Self, DataError> {
        let mut first_fault = None;
        let (mut rows, mut labels, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        let mut groups = Vec::new();
        let (mut digests, mut unreadable, mut repaired) = (Vec::new(), Vec::new(), Vec::new());
        let mut whole = Sha256::new();
        for (entry, film) in entries.iter().zip(read) {
            match film {
                Ok(film) => {
                    whole.update(entry.id.as_bytes());
                    whole.update([0, entry.label as u8]);
                    whole.update(film.digest);
                    rows.push(film.place);
                    labels.push(entry.label);
                    groups.push(entry.group.as_deref());
                    ids.push(entry.id.clone());
                    digests.push(film.digest);
                    if film.repaired {
                        repaired.push(entry.id.clone());
                    }
                }
                Err(fault) => {
                    unreadable.push(Unreadable {
                        id: entry.id.clone(),
                        reason: fault.reason(),
                    });
                    first_fault.get_or_insert(fault);
                }
            }
        }
        match first_fault {
            Some(fault) if rows.is_empty() => Err(fault.into_error()),
            _ => Ok(Self {
                preprocess: preprocess.clone(),
                levels: Arc::new(levels),
                rows,
                indices: Arc::new(Indices::new(
                    labels.iter().map(|label| label.is_fractured()).zip(groups),
                )),
                labels,
                ids: ids.into(),
                digests,
                unreadable,
                repaired,
                fingerprint: hex(&whole.finalize()),
                boxes: Arc::default(),
            }),
        }
    }

    /// Divides the images into strata by a field of the entries they were read from: [`crate::Sampler::Weighted`] then draws both classes evenly
    /// within each of its values, so that a value that is rare in one class is no sign of the other. Images without the field are a stratum of
    /// their own.
    ///
    /// # Errors
    /// [`DataError::UnknownField`], if no entry has the field.
    pub fn stratify(&mut self, entries: &[Entry], field: &str) -> Result<(), DataError> {
        let values: HashMap<&str, &str> = entries
            .iter()
            .filter_map(|entry| Some((entry.id.as_str(), entry.fields.get(field)?.as_str())))
            .collect();
        if values.is_empty() {
            return Err(unknown_field(entries, field));
        }
        let value_of = |id: &String| values.get(id.as_str()).copied().unwrap_or("");
        self.indices = Arc::new(self.indices.stratified(self.ids.iter().map(value_of)));
        Ok(())
    }

    /// Batches of these images.
    #[must_use]
    pub fn loader(self: &Arc<Self>, options: LoadOptions) -> DataLoader {
        DataLoader::new(SampleSource::Dataset(Arc::clone(self)), options)
    }

    /// How many images were read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One image's gray levels, size×size.
    #[must_use]
    pub fn gray(&self, index: usize) -> GrayView<'_> {
        let (side, area) = (self.preprocess.size, self.preprocess.side().pow(2));
        let start = self.rows[index] * area;
        GrayView::fitted(&self.levels.all()[start..start + area], side)
    }

    /// Refuses an image whose levels in a mapped pack are no longer those that were written.
    pub(crate) fn check(&self, index: usize) -> Result<(), DataError> {
        match &*self.levels {
            Levels::Memory(_) => Ok(()),
            Levels::Pack(pack) => pack.check(self.rows[index]),
        }
    }

    /// Classes, in order.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The number of each image's group, in order: counted from 0 as they are first met; an image without a group has one of its own.
    #[must_use]
    pub fn groups(&self) -> &[usize] {
        self.indices.groups()
    }

    /// The set as an order sees it.
    pub(crate) fn indices(&self) -> &Indices {
        &self.indices
    }

    pub(crate) fn shared_ids(&self) -> Arc<[String]> {
        Arc::clone(&self.ids)
    }

    /// Names, in order.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Whether each is fractured, in order: labels as `metrics` takes them.
    #[must_use]
    pub fn truths(&self) -> Vec<bool> {
        self.labels
            .iter()
            .map(|label| label.is_fractured())
            .collect()
    }

    /// How many are fractured.
    #[must_use]
    pub fn fractured(&self) -> usize {
        self.labels
            .iter()
            .filter(|label| label.is_fractured())
            .count()
    }

    /// The first 8 bytes of each file's SHA-256 as 16 hexadecimal digits, in order: enough to know an image again, small enough to
    /// travel in a model file (two of ten thousand images collide by chance once in 10¹¹ data sets).
    pub fn short_digests(&self) -> impl Iterator<Item = String> + '_ {
        self.digests.iter().map(|digest| hex(&digest[..8]))
    }

    /// What did not read, in the catalogue's order.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Names of the damaged images of which only what decodes is shown ([`Decoder::repair`]), in the catalogue's order.
    #[must_use]
    pub fn repaired(&self) -> &[String] {
        &self.repaired
    }

    /// How the images were fitted.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// SHA-256 over id, label and file content of every image read, in order: which data this was, in 64 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl Fault {
    fn reason(&self) -> String {
        match self {
            Self::Now(error) => error.reason(),
            Self::Before { reason, .. } => reason.clone(),
        }
    }

    fn into_error(self) -> DataError {
        match self {
            Self::Now(error) => error,
            Self::Before { path, reason } => DataError::Unreadable { path, reason },
        }
    }
}
