//! A split of a data set decoded, resized and held in memory as gray levels: read once, used every epoch.

use fast_image_resize::Resizer;
use image::GrayImage;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{DataError, DecodeScratch, Decoder, Entry, Label, Preprocess};

/// A file that is catalogued but did not read, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The film's name within the data set.
    pub id: String,
    /// Why it did not read.
    pub reason: String,
}

/// N films as size×size gray levels (1 byte a pixel: 224 px and 10,000 films are 0.5 GB), with labels and ids.
#[derive(Debug, Clone)]
pub struct Films {
    preprocess: Preprocess,
    pixels: Vec<GrayImage>,
    labels: Vec<Label>,
    ids: Vec<String>,
    digests: Vec<[u8; 32]>,
    unreadable: Vec<Unreadable>,
    repaired: Vec<String>,
    fingerprint: String,
}

impl Films {
    /// Reads films in parallel, in the catalogue's order. What does not read is listed in [`Films::unreadable`], never dropped in
    /// silence. `tick` is called once a film, from any thread.
    ///
    /// Fails only if not one film reads.
    pub fn load(
        entries: &[Entry],
        decoder: &Decoder,
        preprocess: &Preprocess,
        tick: &(dyn Fn() + Sync),
    ) -> Result<Self, DataError> {
        let read: Vec<_> = entries
            .par_iter()
            .map_init(Default::default, |(resizer, scratch), entry| {
                let film = read_film(entry, decoder, preprocess, resizer, scratch);
                tick();
                film
            })
            .collect();
        let mut first_error = None;
        let mut films = Self {
            preprocess: preprocess.clone(),
            pixels: Vec::new(),
            labels: Vec::new(),
            ids: Vec::new(),
            digests: Vec::new(),
            unreadable: Vec::new(),
            repaired: Vec::new(),
            fingerprint: String::new(),
        };
        let mut whole = Sha256::new();
        for (entry, film) in entries.iter().zip(read) {
            match film {
                Ok((pixels, digest, repaired)) => {
                    if repaired {
                        films.repaired.push(entry.id.clone());
                    }
                    whole.update(entry.id.as_bytes());
                    whole.update([0, entry.label as u8]);
                    whole.update(digest);
                    films.pixels.push(pixels);
                    films.labels.push(entry.label);
                    films.ids.push(entry.id.clone());
                    films.digests.push(digest);
                }
                Err(error) => {
                    films.unreadable.push(Unreadable {
                        id: entry.id.clone(),
                        reason: error.reason(),
                    });
                    first_error.get_or_insert(error);
                }
            }
        }
        films.fingerprint = hex(&whole.finalize());
        match first_error {
            Some(error) if films.is_empty() => Err(error),
            _ => Ok(films),
        }
    }

    /// How many films were read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pixels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// One film's gray levels, size×size.
    #[must_use]
    pub fn gray(&self, index: usize) -> &GrayImage {
        &self.pixels[index]
    }

    /// Classes, in order.
    #[must_use]
    pub fn labels(&self) -> &[Label] {
        &self.labels
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

    /// The first 8 bytes of each file's SHA-256 as 16 hexadecimal digits, in order: enough to know a film again, small enough to
    /// travel in a model file (two of ten thousand films collide by chance once in 10¹¹ data sets).
    pub fn short_digests(&self) -> impl Iterator<Item = String> + '_ {
        self.digests.iter().map(|digest| hex(&digest[..8]))
    }

    /// What did not read, in the catalogue's order.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// Names of the films that are damaged and of which only what decodes is shown ([`Decoder::repair`]), in the catalogue's order.
    #[must_use]
    pub fn repaired(&self) -> &[String] {
        &self.repaired
    }

    /// How the films were fitted.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// SHA-256 over id, label and file content of every film read, in order: which data this was, in 64 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn read_film(
    entry: &Entry,
    decoder: &Decoder,
    preprocess: &Preprocess,
    resizer: &mut Resizer,
    scratch: &mut DecodeScratch,
) -> Result<(GrayImage, [u8; 32], bool), DataError> {
    let path = &entry.path;
    let bytes = std::fs::read(path).map_err(|source| DataError::Io {
        action: "read",
        path: path.clone(),
        source,
    })?;
    let film = decoder
        .decode_with(&bytes, Some(preprocess.wanted()), scratch)
        .map_err(|source| DataError::Decode {
            path: path.clone(),
            source,
        })?;
    let mut gray = GrayImage::new(preprocess.size, preprocess.size);
    preprocess.fit_into(film.view, resizer, &mut gray);
    Ok((gray, Sha256::digest(&bytes).into(), film.repaired))
}

/// Bytes as lower-case hexadecimal digits, two a byte: how checksums are shown.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
