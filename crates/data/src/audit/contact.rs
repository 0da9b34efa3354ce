//! Small pictures for a report.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, thumbnail};

use crate::{DataError, Decoder};

/// A film as a small JPEG, `height` pixels high, for a contact sheet.
pub fn contact_jpeg(path: &Path, decoder: &Decoder, height: u32) -> Result<Vec<u8>, DataError> {
    let film = decoder.decode_path(path)?;
    let width =
        (f64::from(film.width()) / f64::from(film.height()) * f64::from(height)).round() as u32;
    let width = width.clamp(height / 4, height * 3);
    let small = if film.height() > 2 * height {
        thumbnail(&film, width, height)
    } else {
        image::imageops::resize(&film, width, height, FilterType::Triangle)
    };
    let mut out = Cursor::new(Vec::new());
    small
        .write_with_encoder(JpegEncoder::new_with_quality(&mut out, 72))
        .map_err(|source| DataError::Encode {
            path: path.to_owned(),
            source,
        })?;
    Ok(out.into_inner())
}
