//! EXIF orientation: the film the right way up.

use image::imageops::{
    flip_horizontal_in_place, flip_vertical_in_place, rotate90_in, rotate180_in_place, rotate270_in,
};
use image::metadata::Orientation;
use image::{ImageBuffer, Luma};

use super::DecodeScratch;

/// Whether width and height change places.
pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    }
}

/// Turns the film in `scratch.pixels`, `width`×`height` as stored.
pub(super) fn turn(
    (width, height): (u32, u32),
    orientation: Orientation,
    scratch: &mut DecodeScratch,
) {
    if orientation == Orientation::NoTransforms {
        return;
    }
    if swaps_sides(orientation) {
        let DecodeScratch {
            pixels, samples, ..
        } = scratch;
        samples.resize(pixels.len(), 0);
        let from = ImageBuffer::<Luma<u8>, &[u8]>::from_raw(width, height, pixels);
        let to = ImageBuffer::<Luma<u8>, &mut [u8]>::from_raw(height, width, samples);
        // Invariant: both buffers are width × height long, so neither refuses.
        let (Some(from), Some(mut to)) = (from, to) else {
            return;
        };
        // The sizes match: it cannot refuse either.
        let _ = match orientation {
            Orientation::Rotate90 | Orientation::Rotate90FlipH => rotate90_in(&from, &mut to),
            _ => rotate270_in(&from, &mut to),
        };
        if matches!(
            orientation,
            Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        ) {
            flip_horizontal_in_place(&mut to);
        }
        std::mem::swap(pixels, samples);
        return;
    }
    let film =
        ImageBuffer::<Luma<u8>, &mut [u8]>::from_raw(width, height, scratch.pixels.as_mut_slice());
    if let Some(mut film) = film {
        match orientation {
            Orientation::Rotate180 => rotate180_in_place(&mut film),
            Orientation::FlipHorizontal => flip_horizontal_in_place(&mut film),
            _ => flip_vertical_in_place(&mut film),
        }
    }
}
