//! Pictures of an answer: the film as decoded, and its heat as a see-through layer of the same size.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageFormat};
use imageproc::region_labelling::{Connectivity, connected_components};
use osteon_data::{DecodeError, Decoder};
use osteon_model::{Explained, Heatmap, Placement};
use osteon_report::overlay;

use crate::api::answer::{Boxed, Heat, Picture};

/// Longest side of a picture, in pixels.
const LONGEST: u32 = 1024;
/// Regions that are told at most, the hottest ones.
const BOXES: usize = 5;
/// A region's cells are at least this hot …
const LEAST: f32 = 0.1;
/// … and at least this share of the film's hottest cell.
const OF_PEAK: f32 = 0.5;

/// The size at which a film of this size is shown: as it is, or its longest side 1,024 pixels.
pub(crate) fn shown_size((width, height): (u32, u32)) -> (u32, u32) {
    let long = width.max(height).max(1);
    if long <= LONGEST {
        return (width, height);
    }
    let scale = f64::from(LONGEST) / f64::from(long);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    (side(width), side(height))
}

/// The film, decoded anew: the network was fed a square.
pub(crate) fn film(bytes: &[u8], decoder: &Decoder) -> Result<Picture, DecodeError> {
    let film = decoder.decode(bytes)?;
    let (width, height) = shown_size(film.dimensions());
    let shown = if film.dimensions() == (width, height) {
        film
    } else {
        imageops::resize(&film, width, height, FilterType::Triangle)
    };
    Ok(Picture {
        png: png(&DynamicImage::ImageLuma8(shown)),
        width,
        height,
    })
}

/// The heat of an answer, and the regions it is highest in.
pub(crate) fn heat(explained: &Explained) -> Heat {
    let (width, height) = shown_size(explained.placement.film());
    let spread = explained
        .placement
        .spread(&explained.heatmap, width, height);
    let layer = overlay::layer(&spread, width, height);
    Heat {
        png: png(&DynamicImage::ImageRgba8(layer)),
        kind: explained.heatmap.kind,
        boxes: boxes(&explained.heatmap, &explained.placement),
    }
}

fn png(picture: &DynamicImage) -> String {
    let mut out = Cursor::new(Vec::new());
    // Writing to memory fails for no picture of this size and kind.
    let _ = picture.write_to(&mut out, ImageFormat::Png);
    STANDARD.encode(out.into_inner())
}

/// Boxes around connected cells that are hot, relative to the film, the hottest first.
fn boxes(heatmap: &Heatmap, placement: &Placement) -> Vec<Boxed> {
    let Some((_, _, peak)) = heatmap.peak() else {
        return Vec::new();
    };
    let floor = (peak * OF_PEAK).max(LEAST);
    let (w, h) = (heatmap.width as u32, heatmap.height as u32);
    let hot = |x: u32, y: u32| heatmap.values[(y * w + x) as usize] >= floor;
    let mask = GrayImage::from_fn(w, h, |x, y| image::Luma([u8::from(hot(x, y))]));
    let regions = connected_components(&mask, Connectivity::Eight, image::Luma([0]));
    let count = regions
        .pixels()
        .map(|region| region.0[0])
        .max()
        .unwrap_or(0) as usize;
    let mut found: Vec<Option<Boxed>> = vec![None; count];
    let (film_w, film_h) = placement.film();
    for (x, y, region) in regions.enumerate_pixels() {
        let cell = (x as usize, y as usize);
        let (Some(at), Some(area)) = (
            (region.0[0] as usize).checked_sub(1),
            placement.on_film(cell),
        ) else {
            continue;
        };
        let heat = f64::from(heatmap.values[(y * w + x) as usize]);
        let cell = Boxed {
            left: area.left / f64::from(film_w),
            top: area.top / f64::from(film_h),
            right: area.right / f64::from(film_w),
            bottom: area.bottom / f64::from(film_h),
            heat,
        };
        found[at] = Some(found[at].map_or(cell, |region| region.with(cell)));
    }
    let mut found: Vec<Boxed> = found.into_iter().flatten().collect();
    found.sort_by(|a, b| b.heat.total_cmp(&a.heat));
    found.truncate(BOXES);
    found
}
