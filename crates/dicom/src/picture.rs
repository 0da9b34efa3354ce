//! A judged image as a picture: beside itself with heat on it.

use image::{GrayImage, RgbImage};
use osteon_data::resized;
use osteon_model::{Explained, HeatKind};
use osteon_report::overlay::{Caption, Overlay, shown_size};

/// An image on the left, with what speaks for a fracture on the right; score, decision and `name` in words around it.
#[must_use]
pub fn overlay(explained: &Explained, film: &GrayImage, name: &str) -> RgbImage {
    let shown = shown_at(film, shown_size(film.dimensions()));
    let heat = explained
        .placement
        .spread(&explained.heatmap, shown.width(), shown.height());
    let overlay = Overlay {
        film: &shown,
        heat: &heat,
        boxes: &[],
    };
    let kind = match explained.heatmap.kind {
        _ if explained.heatmap.is_empty() => "no place speaks for a fracture",
        HeatKind::FractureMap => "fracture map, uncalibrated",
        HeatKind::GradCam => "HiResCAM, relative to its peak",
    };
    overlay.picture(&Caption {
        score: explained.prediction.score,
        decision: &explained.prediction.decision.to_string().replace('_', " "),
        heat: kind,
        name,
    })
}

/// An image resized, unless it has the size already.
fn shown_at(film: &GrayImage, (width, height): (u32, u32)) -> GrayImage {
    if film.dimensions() == (width, height) {
        film.clone()
    } else {
        resized(film, (width, height))
    }
}
