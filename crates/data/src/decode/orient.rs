//! EXIF orientation: the image the right way up.

use image::imageops::{
    flip_horizontal_in_place, flip_vertical_in_place, rotate90_in, rotate180_in_place, rotate270_in,
};
use image::metadata::Orientation;
use image::{ImageBuffer, Luma};

use super::DecodeScratch;

/// The orientation that an EXIF block states, which is a TIFF; a TIFF file itself will do. The standard's type is SHORT; LONG and BYTE are written, too,
/// and read by whoever reads EXIF as TIFF, so that such an image would lie on its side here alone.
pub(super) fn of_exif(exif: &[u8]) -> Option<Orientation> {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let little = match tiff.get(..4)? {
        [b'I', b'I', 42, 0] => true,
        [b'M', b'M', 0, 42] => false,
        _ => return None,
    };
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = tiff.get(at..at.checked_add(size)?)?;
        let digit = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if little {
            bytes.iter().rev().fold(0, digit)
        } else {
            bytes.iter().fold(0, digit)
        })
    };
    let directory = usize::try_from(number(4, 4)?).ok()?;
    let count = number(directory, 2)? as usize;
    let first = directory.checked_add(2)?;
    (0..count)
        .map_while(|index| {
            let at = first + index * 12;
            Some((at, number(at, 2)?, number(at + 2, 2)?))
        })
        .find(|(_, tag, _)| *tag == ORIENTATION)
        .and_then(|(at, _, kind)| {
            let size = match kind {
                1 | 6 => 1,
                3 | 8 => 2,
                4 | 9 => 4,
                _ => return None,
            };
            let value = u8::try_from(number(at + 8, size)?).ok()?;
            Orientation::from_exif(value)
        })
}

/// EXIF's and TIFF's tag.
const ORIENTATION: u64 = 0x112;

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

/// Turns the image in `scratch.pixels`, `width`×`height` as stored.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of one other entry and the orientation, of this type.
    fn block(little: bool, kind: u16, value: u32) -> Vec<u8> {
        let short = |value: u16| {
            if little {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            }
        };
        let long = |value: u32| {
            if little {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            }
        };
        // A value lies at the left of its four bytes.
        let value = match kind {
            1 => vec![value as u8, 0, 0, 0],
            3 => [short(value as u16), [0; 2]].concat(),
            _ => long(value).to_vec(),
        };
        [
            if little { &b"II"[..] } else { b"MM" },
            &short(42),
            &long(8),
            &short(2),
            &short(0x10f),
            &short(2),
            &long(4),
            b"abc\0",
            &short(0x112),
            &short(kind),
            &long(1),
            &value,
            &long(0),
        ]
        .concat()
    }

    #[test]
    fn an_orientation_of_any_whole_type_is_read() {
        for little in [true, false] {
            for kind in [1, 3, 4] {
                let found = |value| of_exif(&block(little, kind, value));
                assert_eq!(found(6), Some(Orientation::Rotate90), "{little} {kind}");
                assert_eq!(found(1), Some(Orientation::NoTransforms));
                assert_eq!(found(0), None);
                assert_eq!(found(9), None);
            }
            // A fraction, and a number that only its low byte would fit.
            assert_eq!(of_exif(&block(little, 5, 6)), None);
            assert_eq!(of_exif(&block(little, 4, 0x0106)), None);
            let whole = block(little, 4, 6);
            for cut in 0..whole.len() - 4 {
                assert_eq!(of_exif(&whole[..cut]), None, "{cut}");
            }
            let named = [b"Exif\0\0", &whole[..]].concat();
            assert_eq!(of_exif(&named), Some(Orientation::Rotate90));
        }
    }
}
