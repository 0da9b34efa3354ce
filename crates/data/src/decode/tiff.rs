//! A TIFF's first directory, before its reader believes it: the `tiff` crate (0.11.3) makes room for as many values as an entry states, 32 bytes
//! each, and then looks whether they are there. Of 1,300 bytes it made 64 megabytes; found by fuzzing.

use image::ImageError;
use image::error::{DecodingError, ImageFormatHint};

/// Bytes that the `tiff` crate holds a value in.
pub(super) const VALUE: u64 = 32;
/// What a picture is made of has tags below; texts, profiles and the like, which are read for no image, above.
const PICTURE: u64 = 512;

/// How many values the entries state together; an error where one states more than the file has room for. A directory that is cut is the
/// reader's to refuse.
pub(super) fn values(bytes: &[u8]) -> Result<u64, ImageError> {
    let mut total = 0_u64;
    for (tag, kind, count, _) in entries(bytes).unwrap_or_default() {
        if tag >= PICTURE {
            continue;
        }
        let size = match kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 1,
        };
        if count.saturating_mul(size) > bytes.len() as u64 {
            let said = format!("tag {tag} states {count} values, more than the file has room for");
            let format = ImageFormatHint::Exact(image::ImageFormat::Tiff);
            return Err(ImageError::Decoding(DecodingError::new(format, said)));
        }
        total = total.saturating_add(count);
    }
    Ok(total)
}

/// What a TIFF's samples are if no reader here has them, in words.
pub(super) fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const BITS: u64 = 258;
    const COLORS: u64 = 262;
    const SAMPLES: u64 = 277;
    const KIND: u64 = 339;
    let entries = entries(bytes)?;
    let first = |wanted| {
        let (_, kind, count, at) = *entries.iter().find(|(tag, ..)| *tag == wanted)?;
        let size = match kind {
            1 => 1,
            3 => 2,
            4 => 4,
            _ => return None,
        };
        // More than fits an entry of four bytes lies elsewhere.
        let at = if count * size > 4 {
            usize::try_from(number(bytes, at, 4)?).ok()?
        } else {
            at
        };
        number(bytes, at, size as usize)
    };
    let (bits, kind) = (first(BITS).unwrap_or(1), first(KIND).unwrap_or(1));
    match kind {
        // In colour and of 32 bits they are read.
        3 if bits != 32 || first(SAMPLES).unwrap_or(1) < 3 => Some("a TIFF of floats"),
        2 => Some("a TIFF of signed numbers"),
        5 | 6 => Some("a TIFF of complex numbers"),
        1 if first(COLORS) == Some(3) => Some("a TIFF with a palette"),
        1 if bits > 16 => Some("a TIFF of more than 16 bits a sample"),
        _ => None,
    }
}

/// A number in the file's own byte order.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let little = bytes.starts_with(b"II");
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    let digit = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    Some(if little {
        bytes.iter().rev().fold(0, digit)
    } else {
        bytes.iter().fold(0, digit)
    })
}

/// Tag, type and count of each entry that is there, and where its value or the value's place stands.
fn entries(bytes: &[u8]) -> Option<Vec<(u64, u64, u64, usize)>> {
    let number = |at: usize, size: usize| number(bytes, at, size);
    // BigTIFF is version 43: its places and counts have 64 bits.
    let (word, counter) = if number(2, 2)? == 43 { (8, 8) } else { (4, 2) };
    let directory = usize::try_from(number(word, word)?).ok()?;
    let stated = usize::try_from(number(directory, counter)?).ok()?;
    let size = 4 + 2 * word;
    let first = directory + counter;
    let there = bytes.len().saturating_sub(first) / size;
    let entry = |index: usize| {
        let at = first + index * size;
        let count = number(at + 4, word)?;
        Some((number(at, 2)?, number(at + 2, 2)?, count, at + 4 + word))
    };
    Some((0..stated.min(there)).filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of one entry, in each way that there is of writing it.
    fn file(big: bool, little: bool, kind: u64, count: u64) -> Vec<u8> {
        let number = |value: u64, size: usize| {
            let bytes = value.to_le_bytes()[..size].to_vec();
            if little {
                bytes
            } else {
                bytes.into_iter().rev().collect()
            }
        };
        let order = if little { b"II" } else { b"MM" }.to_vec();
        let (head, word, counter) = if big {
            (
                [number(43, 2), number(8, 2), number(0, 2), number(16, 8)].concat(),
                8,
                8,
            )
        } else {
            ([number(42, 2), number(8, 4)].concat(), 4, 2)
        };
        let entry = [
            number(273, 2),
            number(kind, 2),
            number(count, word),
            number(0, word),
        ];
        [order, head, number(1, counter), entry.concat()].concat()
    }

    #[test]
    fn entries_are_read_in_every_order_and_size() {
        for (big, little) in [(false, false), (false, true), (true, false), (true, true)] {
            let plain = file(big, little, 4, 3);
            assert_eq!(values(&plain).expect("fits"), 3);
            assert_eq!(values(&file(big, little, 1, 20)).expect("fits"), 20);
            let error = values(&file(big, little, 4, 2_097_153)).expect_err("does not fit");
            assert!(error.to_string().contains("2097153 values"), "{error}");
            for cut in 0..plain.len() {
                assert_eq!(values(&plain[..cut]).expect("the reader's to refuse"), 0);
            }
        }
        assert_eq!(values(&[0xff; 64]).expect("the reader's to refuse"), 0);
    }
}
