//! The file as a data set, with every stated length checked against what is there before anything is allocated for it.

use std::io::{Cursor, Read as _};
use std::panic::catch_unwind;

use dicom_core::VR;
use dicom_core::dictionary::{DataDictionary as _, VirtualVr};
use dicom_core::header::{DataElementHeader, HasLength as _};
use dicom_dictionary_std::{StandardDataDictionary, uids};
use dicom_encoding::decode::{Decode as _, file_header_decoder};
use dicom_encoding::transfer_syntax::{TransferSyntax, TransferSyntaxIndex as _};
use dicom_object::{FileMetaTable, InMemDicomObject, Tag};
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_parser::stateful::decode::StatefulDecode as _;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::Object;
use crate::{DecodeError, Limits};

/// Sequences within sequences at most: each is a call on the stack of the parser.
const MAX_DEPTH: usize = 32;

fn damaged(source: impl std::error::Error + Send + Sync + 'static) -> DecodeError {
    DecodeError::DicomFile {
        source: Box::new(source),
    }
}

/// A data set, and the bytes that it and its file hold, by estimate.
pub(super) struct Held {
    pub object: Object,
    pub bytes: u64,
}

/// Reads a file that has `DICM` at byte 128.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Held, DecodeError> {
    // Nothing outlives the call but what it returns: a parser's panic leaves nothing half-done.
    catch_unwind(|| parse(bytes, limits)).map_err(|_| DecodeError::DicomPanic)?
}

fn parse(bytes: &[u8], limits: Limits) -> Result<Held, DecodeError> {
    let explicit = syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    let mut rest = bytes.get(128..).unwrap_or_default();
    limits.afford(bytes.len() as u64)?;
    check_meta(&rest[4.min(rest.len())..])?;
    let meta = FileMetaTable::from_reader(&mut rest).map_err(damaged)?;
    let named = syntax(meta.transfer_syntax())?;
    let inflated;
    let (data, named) = if meta.transfer_syntax() == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        inflated = inflate(rest, limits)?;
        (inflated.as_slice(), explicit)
    } else {
        (rest, named)
    };
    let held = bytes.len() as u64 + check(data, named)?;
    let inflated = if data.len() > rest.len() {
        data.len() as u64
    } else {
        0
    };
    limits.afford(held + inflated)?;
    let object = InMemDicomObject::read_dataset_with_ts(data, named).map_err(damaged)?;
    Ok(Held {
        object: object.with_exact_meta(meta),
        bytes: held,
    })
}

fn syntax(uid: &str) -> Result<&'static TransferSyntax, DecodeError> {
    TransferSyntaxRegistry
        .get(uid)
        .filter(|syntax| syntax.can_decode_all() || is_jpeg_ls(uid) || is_jpeg_2000(uid))
        .ok_or_else(|| DecodeError::DicomSyntax {
            uid: uid.to_owned(),
        })
}

/// Whether films of this transfer syntax are read.
pub(super) fn reads(uid: &str) -> bool {
    syntax(uid).is_ok()
}

/// Whether frames are coded as JPEG-LS, lossless or near-lossless.
pub(super) fn is_jpeg_ls(uid: &str) -> bool {
    uid == uids::JPEGLS_LOSSLESS || uid == uids::JPEGLS_NEAR_LOSSLESS
}

/// Whether frames are coded as JPEG 2000, lossless or not.
pub(super) fn is_jpeg_2000(uid: &str) -> bool {
    uid == uids::JPEG2000_LOSSLESS || uid == uids::JPEG2000
}

/// Whether bytes that begin like no picture are a data set without the 128 bytes and the `DICM` of a file: they begin with an element
/// of the file meta group or of group 8, with a VR of two letters or a short length.
pub(in crate::decode) fn is_bare(bytes: &[u8]) -> bool {
    let Some(&[g0, g1, e0, e1, a, b, c, d]) = bytes.first_chunk() else {
        return false;
    };
    let (group, element) = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
    let explicit = a.is_ascii_uppercase() && b.is_ascii_uppercase();
    matches!(group, 2 | 8)
        && element <= 0x18
        && (explicit || u32::from_le_bytes([a, b, c, d]) <= 64)
}

/// At most 8 bytes for each pixel that is allowed, and a quarter of the memory, since a vector that grows is there twice: what is more is
/// no film.
fn inflate(deflated: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let most = limits
        .max_pixels
        .saturating_mul(8)
        .min(limits.max_bytes / 4);
    let mut data = Vec::new();
    flate2::read::DeflateDecoder::new(deflated)
        .take(most)
        .read_to_end(&mut data)
        .map_err(damaged)?;
    if data.len() as u64 == most {
        // There may be more, which nobody has counted.
        limits.afford(most.saturating_mul(4).saturating_add(1))?;
    }
    Ok(data)
}

/// Walks over the file meta group as dicom-object (0.10.1) does, to its stated length, whatever group its elements say they are of: no
/// value may be longer than the file, since room is made for it first.
fn check_meta(meta: &[u8]) -> Result<(), DecodeError> {
    let decoder = file_header_decoder();
    let mut rest = meta;
    let mut left = None;
    // What is wrong with a header the table's own reader says.
    while let Ok((header, _)) = decoder.decode_header(&mut rest) {
        let value = rest
            .split_off(..header.length().0 as usize)
            .ok_or(DecodeError::DicomTruncated)?;
        let read = meta.len() - rest.len();
        let end = if let Some(end) = left {
            end
        } else {
            // The first is the group's length, counted from there.
            let Ok(length) = value.try_into().map(u32::from_le_bytes) else {
                return Ok(());
            };
            *left.insert(read + length as usize)
        };
        if read >= end {
            return Ok(());
        }
    }
    Ok(())
}

/// What the parser keeps of an element or an item besides its value, and of each value of one that has several, in bytes.
const ELEMENT: u64 = 512;
const VALUE: u64 = 48;

/// Walks over a data set without reading values; the bytes that it will hold once it is read. The parser allocates what a length states
/// before it reads, so that a few bytes could ask for four gigabytes; it makes a text of each backslash; and it calls itself for each
/// sequence in a sequence.
fn check(data: &[u8], syntax: &TransferSyntax) -> Result<u64, DecodeError> {
    let mut reader = LazyDataSetReader::new_with_ts(Cursor::new(data), syntax).map_err(damaged)?;
    let (mut depth, mut held) = (0_usize, 0_u64);
    while let Some(token) = reader.advance() {
        let token = token.map_err(damaged)?;
        let (length, position) = match &token {
            LazyDataToken::LazyValue { header, decoder } => (header.len.0, decoder.position()),
            LazyDataToken::LazyItemValue { len, decoder } => (*len, decoder.position()),
            LazyDataToken::SequenceStart { tag, .. } => {
                if has_either_sign(*tag) {
                    // To the parser it may be a number.
                    return Err(odd(*tag));
                }
                depth += 1;
                held += ELEMENT;
                if depth > MAX_DEPTH {
                    return Err(DecodeError::DicomNesting { limit: MAX_DEPTH });
                }
                continue;
            }
            LazyDataToken::SequenceEnd => {
                depth = depth.saturating_sub(1);
                continue;
            }
            LazyDataToken::ItemStart { .. } => {
                held += ELEMENT;
                continue;
            }
            _ => continue,
        };
        let value = position
            .checked_add(u64::from(length))
            .and_then(|end| data.get(position as usize..end as usize))
            .ok_or(DecodeError::DicomTruncated)?;
        if let LazyDataToken::LazyValue { header, .. } = &token
            && !length.is_multiple_of(unit(header))
        {
            return Err(odd(header.tag));
        }
        // Pixels hold any byte: what is no text is counted once for each of its bytes.
        let binary = match &token {
            LazyDataToken::LazyValue { header, .. } => is_binary(header.vr),
            _ => true,
        };
        held += ELEMENT + u64::from(length);
        if !binary {
            let values = value.split(|&byte| byte == b'\\').count() as u64;
            held += values * VALUE + u64::from(length);
        }
        token.skip().map_err(damaged)?;
    }
    Ok(held)
}

fn is_binary(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::UN) || size(vr) > 1
}

/// Bytes of each number of a value; 1 where it is text or bytes.
fn size(vr: VR) -> u32 {
    match vr {
        VR::OW | VR::SS | VR::US => 2,
        VR::AT | VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// What the length of a value must be a multiple of: dicom-parser (0.10.1) reads the whole numbers in it and takes what is left for the head of
/// the next element.
fn unit(header: &DataElementHeader) -> u32 {
    if has_either_sign(header.tag) {
        size(header.vr).max(2)
    } else {
        size(header.vr)
    }
}

/// Numbers of 16 bits that are signed as pixels are: dicom-parser reads them as such, whatever the file says of their type.
fn has_either_sign(tag: Tag) -> bool {
    let entry = StandardDataDictionary.by_tag(tag);
    entry.is_some_and(|entry| entry.vr == VirtualVr::Xs)
}

fn odd(tag: Tag) -> DecodeError {
    DecodeError::DicomLength {
        tag: tag.to_string(),
    }
}

/// A whole number that must be there.
pub(super) fn whole(object: &Object, tag: Tag, name: &'static str) -> Result<u32, DecodeError> {
    object
        .element_opt(tag)
        .ok()
        .flatten()
        .and_then(|element| element.to_int::<u32>().ok())
        .ok_or(DecodeError::DicomAttribute { name })
}

/// The first of the numbers of an attribute, if it is there.
pub(super) fn number(
    object: &InMemDicomObject,
    tag: Tag,
    name: &'static str,
) -> Result<Option<f64>, DecodeError> {
    let Some(element) = object.element_opt(tag).ok().flatten() else {
        return Ok(None);
    };
    if element.is_empty() {
        return Ok(None);
    }
    let numbers = element.to_multi_float64().ok();
    let first = numbers.and_then(|numbers| numbers.first().copied());
    match first {
        Some(first) if first.is_finite() => Ok(Some(first)),
        _ => Err(DecodeError::DicomAttribute { name }),
    }
}

/// The text of an attribute, if it is there, without padding.
pub(super) fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = object.element_opt(tag).ok().flatten()?;
    let text = element.to_str().ok()?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}
