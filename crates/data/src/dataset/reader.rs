//! From a file to a fitted image, in memory that is kept from image to image.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fast_image_resize::Resizer;
use osteon_files::FileError;

use sha2::{Digest, Sha256};

use crate::{ColorSample, DataError, DecodeScratch, Decoder, GrayView, Preprocess, Wanted};

/// What else is asked about an image while it is read, as it was decoded and before it is fitted; called from any thread.
pub struct Look<'a, T> {
    /// Whether a sample of its colours is asked for, where it has any. The gray levels are the same to the last bit.
    pub in_color: bool,
    /// Says it.
    pub at: &'a (dyn Fn(GrayView<'_>, Option<ColorSample>) -> T + Sync),
}

impl<T> Clone for Look<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Look<'_, T> {}

/// Nothing else is asked.
pub(crate) const NOT_LOOKED_AT: Look<'static, ()> = Look {
    in_color: false,
    at: &|_, _| (),
};

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
            .map_err(|source| FileError::new("read", path, source))?;
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
        let (repaired, ()) = self.read_and_look(path, decoder, preprocess, out, NOT_LOOKED_AT)?;
        Ok(repaired)
    }

    /// The same, with what is said of the image as it was decoded.
    pub fn read_and_look<T>(
        &mut self,
        path: &Path,
        decoder: &Decoder,
        preprocess: &Preprocess,
        out: &mut [u8],
        look: Look<'_, T>,
    ) -> Result<(bool, T), DataError> {
        self.bytes(path)?;
        let wanted = Some(preprocess.wanted());
        let mut said = None;
        if look.in_color
            && let Ok((film, color)) =
                decoder.decode_in_color(&self.file, wanted, &mut self.scratch)
        {
            let seen = (look.at)(film.view, color);
            if !film.repaired {
                preprocess.fit_into(film.view, &mut self.resizer, out);
                return Ok((false, seen));
            }
            said = Some(seen);
        }
        // Of a damaged image in colour not the same decodes as of its luma alone, which is what it is fitted from whoever reads it.
        let film = decoder
            .decode_with(&self.file, wanted, &mut self.scratch)
            .map_err(|source| DataError::Decode {
                path: path.to_owned(),
                source,
            })?;
        preprocess.fit_into(film.view, &mut self.resizer, out);
        let said = said.unwrap_or_else(|| (look.at)(film.view, None));
        Ok((film.repaired, said))
    }
}
