//! Heatmaps as pictures.

use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use image::{GrayImage, ImageFormat};
use osteon_dicom::overlay;
use osteon_model::Explained;

/// An image beside itself with heat on it, as a PNG that names the image.
pub fn png(explained: &Explained, film: &GrayImage, path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut out = Cursor::new(Vec::new());
    overlay(explained, film, &name)
        .write_to(&mut out, ImageFormat::Png)
        .context("cannot encode a heatmap")?;
    Ok(out.into_inner())
}
