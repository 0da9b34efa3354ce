//! Small pictures for a report.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;

use crate::{DataError, Decoder, resized};

/// An image as a small JPEG, `height` pixels high: for a page that shows many.
///
/// # Errors
///
/// If the file does not read.
pub fn thumbnail_jpeg(path: &Path, decoder: &Decoder, height: u32) -> Result<Vec<u8>, DataError> {
    let film = decoder.decode_path(path)?;
    let width =
        (f64::from(film.width()) / f64::from(film.height()) * f64::from(height)).round() as u32;
    let width = width.clamp(height / 4, height * 3);
    let small = resized(&film, (width, height));
    let mut out = Cursor::new(Vec::new());
    small
        .write_with_encoder(JpegEncoder::new_with_quality(&mut out, 72))
        .map_err(|source| DataError::Encode {
            path: path.to_owned(),
            source,
        })?;
    Ok(out.into_inner())
}
