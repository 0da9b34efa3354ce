//! From a file to a fitted image, in memory that is kept from image to image.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fast_image_resize::Resizer;

use sha2::{Digest, Sha256};

use crate::{DataError, DecodeScratch, Decoder, Preprocess, Wanted};

/// Scratch memory of one thread that reads images.
#[derive(Default)]
pub(crate) struct FilmReader {
    file: Vec<u8>,
    scratch: DecodeScratch,
    resizer: Resizer,
}

impl FilmReader {
    /// The bytes of a file.
    pub fn bytes(&mut self, path: &Path) -> Result<&[u8], DataError> {
        self.file.clear();
        File::open(path)
            .and_then(|mut file| file.read_to_end(&mut self.file))
            .map_err(|source| DataError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            })?;
        Ok(&self.file)
    }

    /// SHA-256 of the file read last.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.file).into()
    }

    /// Width and height of an image as it is shown.
    pub fn full_size(
        &mut self,
        path: &Path,
        decoder: &Decoder,
        wanted: Wanted,
    ) -> Result<(u32, u32), DataError> {
        self.bytes(path)?;
        let film = decoder
            .decode_with(&self.file, Some(wanted), &mut self.scratch)
            .map_err(|source| DataError::Decode {
                path: path.to_owned(),
                source,
            })?;
        Ok(film.view.full_size())
    }

    /// Reads an image and fits it into `out`, size×size gray levels. Its bytes stay until the next. Whether it was repaired.
    pub fn read(
        &mut self,
        path: &Path,
        decoder: &Decoder,
        preprocess: &Preprocess,
        out: &mut [u8],
    ) -> Result<bool, DataError> {
        self.bytes(path)?;
        let film = decoder
            .decode_with(&self.file, Some(preprocess.wanted()), &mut self.scratch)
            .map_err(|source| DataError::Decode {
                path: path.to_owned(),
                source,
            })?;
        preprocess.fit_into(film.view, &mut self.resizer, out);
        Ok(film.repaired)
    }
}
