//! Heatmaps as pictures.

use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat};
use osteon_data::{Decoder, RelativeBox};
use osteon_dicom::{overlay, shown_at};
use osteon_model::{Explained, Predictor};
use osteon_report::overlay::Overlay;

/// An image beside itself with heat on it, as a PNG that names the image.
pub fn png(explained: &Explained, film: &GrayImage, path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut out = Cursor::new(Vec::new());
    overlay(explained, film, &name)
        .write_to(&mut out, ImageFormat::Png)
        .context("cannot encode a heatmap")?;
    Ok(out.into_inner())
}

/// An image with heat and boxes on it as a small JPEG, as large as `contact_jpeg` makes it; `None` if it does not read.
pub fn contact_jpeg(
    predictor: &Predictor,
    (path, decoder): (&Path, &Decoder),
    boxes: &[RelativeBox],
    height: u32,
) -> Option<Vec<u8>> {
    let explained = predictor.explain_path(path, None).ok()?;
    let film = decoder.decode_path(path).ok()?;
    let aspect = f64::from(film.width()) / f64::from(film.height());
    let width = (aspect * f64::from(height)).round() as u32;
    let shown = shown_at(&film, (width.clamp(height / 4, height * 3), height));
    let heat = explained
        .placement
        .spread(&explained.heatmap, shown.width(), shown.height());
    let boxes: Vec<[f32; 4]> = boxes
        .iter()
        .map(|b| {
            let (w, h) = (b.w / 2.0, b.h / 2.0);
            [b.cx - w, b.cy - h, b.cx + w, b.cy + h]
        })
        .collect();
    let overlay = Overlay {
        film: &shown,
        heat: &heat,
        boxes: &boxes,
    };
    let mut out = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut out, 80);
    overlay.blended().write_with_encoder(encoder).ok()?;
    Some(out.into_inner())
}
