//! The worst errors as small pictures.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use osteon_data::thumbnail_jpeg;
use osteon_data::{Decoder, RelativeBox, resized};
use osteon_model::Predictor;
use osteon_report::judgement::Thumbnail;
use osteon_report::overlay::Overlay;
use osteon_report::worst as worst_of;

use crate::Evaluation;

/// Errors shown of each kind.
const SHOWN: usize = 12;
/// Pixels.
const HEIGHT: u32 = 224;

/// The worst misses and false alarms, with heat and the boxes that are known beside them. An image that does not read any more is not shown.
pub fn worst(evaluation: &Evaluation, predictor: &Predictor) -> Vec<Thumbnail> {
    let threshold = evaluation.judgement.summary.threshold;
    let (misses, alarms) = worst_of(&evaluation.images, threshold, SHOWN);
    misses
        .into_iter()
        .chain(alarms)
        .filter_map(|film| {
            let (path, boxes) = (&evaluation.paths[film], &evaluation.boxes[film]);
            Some(Thumbnail {
                film,
                jpeg: thumbnail_jpeg(path, &evaluation.decoder, HEIGHT).ok()?,
                heatmap: heated(predictor, (path, &evaluation.decoder), boxes, HEIGHT),
            })
        })
        .collect()
}

/// An image with heat and boxes on it as a small JPEG, as large as `thumbnail_jpeg` makes it; `None` if it does not read.
fn heated(
    predictor: &Predictor,
    (path, decoder): (&Path, &Decoder),
    boxes: &[RelativeBox],
    height: u32,
) -> Option<Vec<u8>> {
    let explained = predictor.explain_path(path, None).ok()?;
    let film = decoder.decode_path(path).ok()?;
    let aspect = f64::from(film.width()) / f64::from(film.height());
    let width = (aspect * f64::from(height)).round() as u32;
    let size = (width.clamp(height / 4, height * 3), height);
    let shown = if film.dimensions() == size {
        film
    } else {
        resized(&film, size)
    };
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
