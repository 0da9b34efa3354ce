//! What a compressed frame says of itself, checked before its decoder sees it: decoders allocate by the codestream's own header,
//! and some write past the end of the frame if it is larger than the data set states.

use std::borrow::Cow;

use dicom_core::DicomValue;
use dicom_dictionary_std::tags;

use super::Object;
use super::file::whole;
use super::rle::is_rle;
use crate::DecodeError;

/// Width, height, channels and bits of a codestream.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    size: (u32, u32),
    channels: u32,
    bits: u32,
}

/// What pixel data consist of if they are encapsulated.
pub(super) fn fragments(object: &Object) -> Option<&[Vec<u8>]> {
    match object.element_opt(tags::PIXEL_DATA).ok()??.value() {
        DicomValue::PixelSequence(sequence) => Some(sequence.fragments()),
        _ => None,
    }
}

/// The first frame's codestream if pixel data are encapsulated.
pub(super) fn first_frame(object: &Object) -> Option<Cow<'_, [u8]>> {
    let fragments = fragments(object)?;
    let frames = whole(object, tags::NUMBER_OF_FRAMES, "Number of Frames").unwrap_or(1);
    match fragments {
        [only] => Some(Cow::Borrowed(only.as_slice())),
        fragments if frames <= 1 => Some(Cow::Owned(fragments.concat())),
        fragments => fragments
            .first()
            .map(|first| Cow::Borrowed(first.as_slice())),
    }
}

/// Refuses a frame whose codestream is of another shape than the data set states. RLE has no shape of its own.
pub(super) fn check(object: &Object, size: (u32, u32)) -> Result<(), DecodeError> {
    let Some(frame) = first_frame(object) else {
        return Ok(());
    };
    let Some(header) = header(&frame) else {
        return if is_rle(object) {
            Ok(())
        } else {
            Err(DecodeError::DicomTruncated)
        };
    };
    let channels = whole(object, tags::SAMPLES_PER_PIXEL, "Samples per Pixel").unwrap_or(1);
    let allocated = whole(object, tags::BITS_ALLOCATED, "Bits Allocated")?;
    if header.size != size || header.channels != channels || header.bits > allocated {
        return Err(DecodeError::DicomFrame {
            width: header.size.0,
            height: header.size.1,
            channels: header.channels,
            bits: header.bits,
        });
    }
    Ok(())
}

/// Whether a JPEG's samples are 12 bits deep.
pub(super) fn is_deep_jpeg(frame: &[u8]) -> bool {
    jpeg(frame).is_some_and(|header| header.bits == 12)
}

fn header(frame: &[u8]) -> Option<Header> {
    if frame.starts_with(&[0xff, 0xd8]) {
        return jpeg(frame);
    }
    // JPEG 2000, bare or in a JP2 file.
    let start = frame
        .windows(4)
        .position(|w| w == [0xff, 0x4f, 0xff, 0x51])?;
    let siz = frame.get(start + 4..)?;
    let long = |at: usize| {
        let bytes = siz.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    Some(Header {
        size: (
            long(4)?.checked_sub(long(12)?)?,
            long(8)?.checked_sub(long(16)?)?,
        ),
        channels: u32::from(u16::from_be_bytes([*siz.get(36)?, *siz.get(37)?])),
        bits: u32::from(siz.get(38)? & 0x7f) + 1,
    })
}

/// The frame header of a JPEG or JPEG-LS.
fn jpeg(frame: &[u8]) -> Option<Header> {
    let mut rest = frame.get(2..)?;
    loop {
        let &[0xff, marker, ref after @ ..] = rest else {
            return None;
        };
        match marker {
            0xff => rest = &rest[1..],
            0x01 | 0xd0..=0xd8 => rest = after,
            0xd9 | 0xda => return None,
            // SOF of any kind, JPEG-LS's among them; the three left out are DHT, JPG and DAC.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xf7 => {
                let &[_, _, bits, y1, y0, x1, x0, channels, ..] = after else {
                    return None;
                };
                return Some(Header {
                    size: (
                        u32::from(u16::from_be_bytes([x1, x0])),
                        u32::from(u16::from_be_bytes([y1, y0])),
                    ),
                    channels: channels.into(),
                    bits: bits.into(),
                });
            }
            _ => {
                let length = u16::from_be_bytes([*after.first()?, *after.get(1)?]);
                rest = after.get(usize::from(length)..)?;
            }
        }
    }
}
