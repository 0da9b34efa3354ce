//! Images in another size.

use fast_image_resize::images::{CroppedImageMut, Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::GrayImage;

use crate::GrayView;

/// A part of an image or of a picture, in pixels: left, top, width, height.
pub(crate) type Part<T> = (T, T, T, T);

/// An image in a size of `to` pixels across and down, its aspect as that has it. Antialiased triangle filter, as Pillow's BILINEAR. An image
/// without pixels, or a size without any, gives black.
///
/// ```
/// let image = image::GrayImage::from_pixel(300, 200, image::Luma([90]));
/// let small = osteon_data::resized(&image, (60, 40));
/// assert!(small.dimensions() == (60, 40) && small.pixels().all(|pixel| pixel.0 == [90]));
/// ```
#[must_use]
pub fn resized<'a>(film: impl Into<GrayView<'a>>, to: (u32, u32)) -> GrayImage {
    resized_by(film, to, FilterType::Bilinear, &mut Resizer::new())
}

/// The same with another filter, and with the buffers of a resizer that is kept.
#[must_use]
pub fn resized_by<'a>(
    film: impl Into<GrayView<'a>>,
    (width, height): (u32, u32),
    filter: FilterType,
    resizer: &mut Resizer,
) -> GrayImage {
    let film = film.into();
    let mut out = GrayImage::new(width, height);
    if !out.is_empty() && !film.pixels().is_empty() {
        let (w, h) = film.extent();
        let place = (0, 0, width, height);
        into(
            film,
            (0.0, 0.0, w, h),
            filter,
            resizer,
            &mut out,
            (width, height),
            place,
        );
    }
    out
}

/// Resizes the `source` part of an image into a `place` of a picture of `size`, whose pixels are `out`, row by row.
pub(crate) fn into(
    film: GrayView<'_>,
    source: Part<f64>,
    filter: FilterType,
    resizer: &mut Resizer,
    out: &mut [u8],
    size: (u32, u32),
    place: Part<u32>,
) {
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(source.0, source.1, source.2, source.3);
    let film = ImageRef::new(film.width(), film.height(), film.pixels(), PixelType::U8);
    let picture = Image::from_slice_u8(size.0, size.1, out, PixelType::U8);
    // Invariant: buffers are as long as their sizes say and the parts lie within them: no step can refuse.
    if let (Ok(film), Ok(mut picture)) = (film, picture) {
        let done = CroppedImageMut::new(&mut picture, place.0, place.1, place.2, place.3)
            .map(|mut place| resizer.resize(&film, &mut place, &options));
        debug_assert!(matches!(done, Ok(Ok(()))), "{done:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Pillow 13.0: `Image.frombytes("L", (7, 5), bytes(v * v * 7 % 256 for v in range(35))).resize((3, 4), Image.Resampling.BILINEAR)`.
    #[test]
    fn as_pillow_has_it() {
        let levels: Vec<u8> = (0..35_u32).map(|v| (v * v * 7 % 256) as u8).collect();
        let film = GrayImage::from_raw(7, 5, levels).expect("7×5");
        let found = resized(&film, (3, 4));
        let pillow: [u8; 12] = [38, 86, 186, 94, 146, 198, 54, 139, 178, 152, 101, 142];
        for (found, pillow) in found.iter().zip(pillow) {
            assert!(found.abs_diff(pillow) <= 1, "{found} and {pillow}");
        }
    }

    #[test]
    fn nothing_is_black() {
        let none = GrayImage::new(0, 0);
        assert!(resized(&none, (2, 2)).iter().all(|&v| v == 0));
        let film = GrayImage::from_pixel(4, 4, image::Luma([9]));
        assert!(resized(&film, (0, 3)).is_empty());
    }
}
