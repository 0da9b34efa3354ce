//! Pictures of an answer: the image as decoded, and its heat as a see-through layer of the same size.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, GrayImage, ImageFormat};
use osteon_data::resized;
use osteon_model::Explained;
use osteon_report::overlay;

use crate::api::answer::{Heat, Picture};

/// Longest side of a picture, in pixels.
const LONGEST: u32 = 1024;

/// The size at which an image of this size is shown: as it is, or its longest side 1,024 pixels.
pub(crate) fn shown_size((width, height): (u32, u32)) -> (u32, u32) {
    let long = width.max(height).max(1);
    if long <= LONGEST {
        return (width, height);
    }
    let scale = f64::from(LONGEST) / f64::from(long);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    (side(width), side(height))
}

/// The image as it is shown.
pub(crate) fn film(film: GrayImage) -> Picture {
    let (width, height) = shown_size(film.dimensions());
    let shown = if film.dimensions() == (width, height) {
        film
    } else {
        resized(&film, (width, height))
    };
    Picture {
        png: png(&DynamicImage::ImageLuma8(shown)),
        width,
        height,
    }
}

/// The heat of an answer, and the regions it is highest in.
pub(crate) fn heat(explained: &Explained) -> Heat {
    let (width, height) = shown_size(explained.placement.image_size());
    let spread = explained
        .placement
        .spread(&explained.heatmap, width, height);
    let layer = overlay::layer(&spread, width, height);
    Heat {
        png: png(&DynamicImage::ImageRgba8(layer)),
        kind: explained.heatmap.kind,
        boxes: explained.regions(),
    }
}

fn png(picture: &DynamicImage) -> String {
    let mut out = Cursor::new(Vec::new());
    // Writing to memory fails for no picture of this size and kind.
    let _ = picture.write_to(&mut out, ImageFormat::Png);
    STANDARD.encode(out.into_inner())
}
