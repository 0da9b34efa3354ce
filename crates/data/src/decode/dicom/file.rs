//! The file as a data set, with every stated length checked against what is there before anything is allocated for it.

use std::io::{Cursor, Read as _};

use dicom_core::header::HasLength as _;
use dicom_dictionary_std::uids;
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

/// Reads a file that has `DICM` at byte 128.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Object, DecodeError> {
    let explicit = syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    let mut rest = bytes.get(128..).unwrap_or_default();
    // The file meta group is always in this syntax.
    check_lengths(&rest[4.min(rest.len())..], explicit, |tag| tag.group() == 2)?;
    let meta = FileMetaTable::from_reader(&mut rest).map_err(damaged)?;
    let named = syntax(meta.transfer_syntax())?;
    let inflated;
    let (data, named) = if meta.transfer_syntax() == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        inflated = inflate(rest, limits)?;
        (inflated.as_slice(), explicit)
    } else {
        (rest, named)
    };
    check_lengths(data, named, |_| true)?;
    let object = InMemDicomObject::read_dataset_with_ts(data, named).map_err(damaged)?;
    Ok(object.with_exact_meta(meta))
}

fn syntax(uid: &str) -> Result<&'static TransferSyntax, DecodeError> {
    TransferSyntaxRegistry
        .get(uid)
        .filter(|syntax| syntax.can_decode_all() || is_jpeg_ls(uid))
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

/// At most 8 bytes for each pixel that is allowed: what is more is no film.
fn inflate(deflated: &[u8], limits: Limits) -> Result<Vec<u8>, DecodeError> {
    let most = limits.max_pixels.saturating_mul(8);
    let mut data = Vec::new();
    flate2::read::DeflateDecoder::new(deflated)
        .take(most)
        .read_to_end(&mut data)
        .map_err(damaged)?;
    Ok(data)
}

/// Walks over a data set without reading values. The parser allocates what a length states before it reads, so that a few bytes
/// could ask for four gigabytes; and it calls itself for each sequence in a sequence.
fn check_lengths(
    data: &[u8],
    syntax: &TransferSyntax,
    wanted: impl Fn(Tag) -> bool,
) -> Result<(), DecodeError> {
    let mut reader = LazyDataSetReader::new_with_ts(Cursor::new(data), syntax).map_err(damaged)?;
    let mut depth = 0_usize;
    while let Some(token) = reader.advance() {
        let token = token.map_err(damaged)?;
        let (length, position) = match &token {
            LazyDataToken::ElementHeader(header) if !wanted(header.tag) => return Ok(()),
            LazyDataToken::LazyValue { header, decoder } => (header.len.0, decoder.position()),
            LazyDataToken::LazyItemValue { len, decoder } => (*len, decoder.position()),
            LazyDataToken::SequenceStart { .. } => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(DecodeError::DicomNesting { limit: MAX_DEPTH });
                }
                continue;
            }
            LazyDataToken::SequenceEnd => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ => continue,
        };
        if position.saturating_add(u64::from(length)) > data.len() as u64 {
            return Err(DecodeError::DicomTruncated);
        }
        token.skip().map_err(damaged)?;
    }
    Ok(())
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
