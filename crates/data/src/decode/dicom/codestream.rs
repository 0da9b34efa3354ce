//! Which of the file's fragments hold the first frame, and what a compressed frame says of itself, checked before its decoder sees it:
//! decoders allocate by the codestream's own header, and some write past the end of the frame if it is larger than the data set states.

use std::borrow::Cow;

use dicom_core::DicomValue;
use dicom_dictionary_std::{tags, uids};

use super::Object;
use super::file::whole;
use super::rle;
use crate::DecodeError;
use crate::decode::markers::{self, JPEG_LS};

/// How a frame is coded, by its own first bytes: some files state another transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// By the cosine transform, 8 bits; whether the markers say that three channels are luma and chroma.
    Jpeg {
        in_ybr: Option<bool>,
    },
    /// By the cosine transform, 12 bits, sequential.
    DeepJpeg,
    /// Without loss, by T.81's process 14.
    LosslessJpeg,
    JpegLs,
    Jpeg2000,
}

/// What a codestream says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub coding: Coding,
    pub size: (u32, u32),
    pub channels: u32,
    pub bits: u32,
}

/// Frames that the data set states, one at least: none is written by some where there is one.
pub(super) fn frames(object: &Object) -> u32 {
    let stated = whole(object, tags::NUMBER_OF_FRAMES, "Number of Frames");
    stated.unwrap_or(1).max(1)
}

/// The first frame's bytes if pixel data are encapsulated.
pub(super) fn first_frame(object: &Object) -> Option<Cow<'_, [u8]>> {
    let element = object.element_opt(tags::PIXEL_DATA).ok()??;
    let DicomValue::PixelSequence(sequence) = element.value() else {
        return None;
    };
    let fragments = sequence.fragments();
    let extended = object.element_opt(tags::EXTENDED_OFFSET_TABLE).ok()?;
    let extended = extended.and_then(|table| table.to_multi_int::<u64>().ok());
    let second = match (&extended, sequence.offset_table()) {
        (Some(table), _) if table.len() > 1 => Some(table[1]),
        (_, &[_, second, ..]) => Some(second.into()),
        _ => None,
    };
    let count = second
        .and_then(|second| before(fragments, second))
        .unwrap_or_else(|| of_first(fragments, frames(object), object));
    Some(match &fragments[..count] {
        [only] => Cow::Borrowed(only.as_slice()),
        several => Cow::Owned(several.concat()),
    })
}

/// How many fragments lie before the one at this place, which is counted with the eight bytes before each. `None` if none begins there: some
/// writers count otherwise.
fn before(fragments: &[Vec<u8>], place: u64) -> Option<usize> {
    let mut at = 0;
    let begins = fragments.iter().map(|fragment| {
        let begin = at;
        at += 8 + fragment.len() as u64;
        begin
    });
    let begins: Vec<u64> = begins.collect();
    begins.iter().position(|&begin| begin == place && place > 0)
}

/// How many fragments are the first frame's where no table says it.
fn of_first(fragments: &[Vec<u8>], frames: u32, object: &Object) -> usize {
    let (all, frames) = (fragments.len(), frames as usize);
    if all == frames {
        return all.min(1);
    }
    let syntax = object.meta().transfer_syntax();
    if syntax == uids::RLE_LOSSLESS {
        // No marker ends a frame; the next one begins with a header again.
        let next = (1..all).find(|&i| frames > 1 && rle::begins_as(&fragments[i], &fragments[0]));
        return next.unwrap_or(all);
    }
    // The end of image, or of codestream: maybe with filling behind it. No coded byte of a picture is followed so.
    let ends = |fragment: &Vec<u8>| {
        let filled = fragment.iter().rev().take_while(|&&b| b == 0).count();
        fragment[..fragment.len() - filled].ends_with(&[0xff, 0xd9])
    };
    match fragments.iter().position(ends) {
        Some(last) => last + 1,
        None if all.is_multiple_of(frames) => all / frames,
        None => all,
    }
}

/// Refuses a frame whose codestream is of another shape than the data set states. RLE and bare samples have no shape of their own.
pub(super) fn check(object: &Object, size: (u32, u32)) -> Result<(), DecodeError> {
    let Some(frame) = first_frame(object) else {
        return Ok(());
    };
    if is_shapeless(object) {
        return Ok(());
    }
    let header = header(&frame).ok_or(DecodeError::DicomTruncated)?;
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

/// Whether frames are coded by run lengths, or not at all.
fn is_shapeless(object: &Object) -> bool {
    let syntax = object.meta().transfer_syntax();
    syntax == uids::RLE_LOSSLESS
        || syntax == uids::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN
}

/// What a codestream says of itself, if it is one.
pub(super) fn header(frame: &[u8]) -> Option<Header> {
    if frame.starts_with(&[0xff, 0xd8]) {
        let header = markers::jpeg(frame)?;
        return Some(Header {
            coding: match header.frame {
                JPEG_LS => Coding::JpegLs,
                0xc3 => Coding::LosslessJpeg,
                0xc1 if header.bits == 12 => Coding::DeepJpeg,
                _ => Coding::Jpeg {
                    in_ybr: header.in_ybr,
                },
            },
            size: header.size,
            channels: header.channels,
            bits: header.bits,
        });
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
        coding: Coding::Jpeg2000,
        size: (
            long(4)?.checked_sub(long(12)?)?,
            long(8)?.checked_sub(long(16)?)?,
        ),
        channels: u32::from(u16::from_be_bytes([*siz.get(36)?, *siz.get(37)?])),
        bits: u32::from(siz.get(38)? & 0x7f) + 1,
    })
}
