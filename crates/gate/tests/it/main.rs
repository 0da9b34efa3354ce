//! Integration tests of `gate`.

mod features;

use image::{DynamicImage, RgbImage};
use osteon_data::{ColorSample, GrayView};
use osteon_gate::Picture;

/// A picture in colour, as a file of it is seen.
fn seen(image: &RgbImage) -> Picture {
    let color = ColorSample::of(image.width(), image.height(), |i| {
        let at = 3 * i;
        [
            image.as_raw()[at],
            image.as_raw()[at + 1],
            image.as_raw()[at + 2],
        ]
    });
    let gray = DynamicImage::ImageRgb8(image.clone()).to_luma8();
    Picture::new(GrayView::from(&gray), Some(color))
}
