//! An image made small: all that the matcher ever sees of it.

use fast_image_resize::{FilterType, Resizer};
use image::GrayImage;
use osteon_data::resized_by;

/// Longest side of the finer of the two levels, in pixels.
pub(super) const SIDE: u32 = 128;

/// An image at two sizes, longest side 128 and 64 pixels, as 8-bit luma with the image's own aspect.
#[derive(Debug, Clone)]
pub struct Thumb {
    pub(super) fine: GrayImage,
    pub(crate) coarse: GrayImage,
}

impl Thumb {
    /// Makes an image small. Area-weighted, so that nothing aliases.
    #[must_use]
    pub fn new(film: &GrayImage, resizer: &mut Resizer) -> Self {
        let fine = shrink(film, SIDE, resizer);
        let coarse = shrink(&fine, SIDE / 2, resizer);
        Self { fine, coarse }
    }
}

fn shrink(film: &GrayImage, side: u32, resizer: &mut Resizer) -> GrayImage {
    let (w, h) = film.dimensions();
    let scale = f64::from(side) / f64::from(w.max(h).max(1));
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(8, side);
    resized_by(film, (scaled(w), scaled(h)), FilterType::Hamming, resizer)
}
