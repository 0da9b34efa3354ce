//! JPEG 2000 (ITU-T T.800), by a decoder without unsafe code.

use std::panic::catch_unwind;

use jpeg2000::{DecodeSettings, Image};

use super::parts;
use crate::DecodeError;

/// The stored bits of a frame's samples, channels interleaved: what is signed in two's complement of 16 bits. The codestream's own size,
/// channels and bits were checked against the data set's.
pub(super) fn decode(
    frame: &[u8],
    (width, height): (u32, u32),
    channels: usize,
) -> Result<Vec<u16>, DecodeError> {
    parts::check(frame)?;
    let strict = DecodeSettings {
        strict: true,
        ..DecodeSettings::default()
    };
    // Its arithmetic overflows on some damaged streams, which panics in a debug build; nothing outlives the call but what it returns.
    let decoded = catch_unwind(|| Image::new(frame, &strict)?.decode_native())
        .map_err(|_| DecodeError::DicomPanic)?
        .map_err(|source| DecodeError::DicomPixels {
            source: Box::new(source),
        })?;
    let count = width as usize * height as usize * channels;
    let mut values: Vec<u16> = if decoded.bytes_per_sample == 1 {
        decoded.data.into_iter().map(u16::from).collect()
    } else {
        let raw = decoded.data.as_chunks::<2>().0.iter();
        raw.map(|&raw| u16::from_le_bytes(raw)).collect()
    };
    if (decoded.width, decoded.height) != (width, height) || values.len() != count {
        return Err(DecodeError::DicomTruncated);
    }
    if is_signed(frame) {
        // The decoder adds half the range whether samples have a sign or not.
        let half = 1_u16 << (decoded.bit_depth.clamp(1, 16) - 1);
        for value in &mut values {
            *value = value.wrapping_sub(half);
        }
    }
    Ok(values)
}

/// Whether the first channel's samples have a sign: the top bit of Ssiz (T.800 A.5.1).
fn is_signed(frame: &[u8]) -> bool {
    let start = frame.windows(4).position(|w| w == [0xff, 0x4f, 0xff, 0x51]);
    start.is_some_and(|start| frame.get(start + 42).is_some_and(|ssiz| ssiz & 0x80 != 0))
}

/// Whether the codestream has a transform of colours of its own, so that its first three channels are red, green and blue: in COD
/// (T.800 A.6.1).
pub(super) fn transforms_colors(frame: &[u8]) -> bool {
    let start = frame.windows(4).position(|w| w == [0xff, 0x4f, 0xff, 0x51]);
    let mut rest = start.map_or(&[][..], |start| &frame[start + 2..]);
    while let &[0xff, marker, high, low, ref after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = length.checked_sub(2).and_then(|length| after.get(..length)) else {
            return false;
        };
        match marker {
            0x52 => return body.get(4) == Some(&1),
            // The first tile-part.
            0x90 => return false,
            _ => rest = &after[body.len()..],
        }
    }
    false
}
