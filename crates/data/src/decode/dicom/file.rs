//! The file as a data set, with every stated length checked against what is there before anything is allocated for it.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};
use std::panic::catch_unwind;

use dicom_core::VR;
use dicom_core::dictionary::{DataDictionary as _, VirtualVr};
use dicom_core::header::{DataElementHeader, HasLength as _};
use dicom_dictionary_std::{StandardDataDictionary, tags, uids};
use dicom_encoding::Endianness;
use dicom_encoding::transfer_syntax::{TransferSyntax, TransferSyntaxIndex as _};
use dicom_object::{InMemDicomObject, Tag};
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_parser::stateful::decode::StatefulDecode as _;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::texts::Raw;
use super::{Object, meta, texts};
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
    /// Whether a byte was put behind the pixel data, which are words, since their length is odd.
    pub filled: bool,
}

/// Reads a file that has `DICM` at byte 128.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Held, DecodeError> {
    // Nothing outlives the call but what it returns: a parser's panic leaves nothing half-done.
    catch_unwind(|| parse(bytes, limits)).map_err(|_| DecodeError::DicomPanic)?
}

fn parse(bytes: &[u8], limits: Limits) -> Result<Held, DecodeError> {
    let explicit = syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    limits.afford(bytes.len() as u64)?;
    let (meta, rest) = meta::read(bytes.get(132..).unwrap_or_default())?;
    let named = syntax(meta.transfer_syntax())?;
    let inflated;
    let (data, named) = if meta.transfer_syntax() == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        inflated = inflate(rest, limits)?;
        (inflated.as_slice(), explicit)
    } else {
        (rest, named)
    };
    let walk = walk(data, named)?;
    let mut held = bytes.len() as u64 + walk.held;
    let copied = !walk.odd.is_empty() || data.len() > rest.len();
    limits.afford(held + if copied { data.len() as u64 } else { 0 })?;
    let even = if walk.odd.is_empty() {
        Cow::Borrowed(data)
    } else {
        Cow::Owned(made_even(data, named, &walk.odd))
    };
    let mut object = InMemDicomObject::read_dataset_with_ts(&even[..], named).map_err(damaged)?;
    texts::put_right(&mut object, walk.sets, &walk.texts);
    held += walk
        .texts
        .iter()
        .map(|text| text.value.len() as u64)
        .sum::<u64>();
    Ok(Held {
        object: object.with_exact_meta(meta),
        bytes: held,
        filled: walk.filled,
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

/// Whether images of this transfer syntax are read.
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
/// no image.
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

/// What the parser keeps of an element or an item besides its value, and of each value of one that has several, in bytes.
const ELEMENT: u64 = 512;
const VALUE: u64 = 48;

/// What a walk over a data set finds.
#[derive(Default)]
struct Walk<'a> {
    /// Bytes that it will hold once it is read.
    held: u64,
    /// Where values of 16-bit words begin whose length is odd, and their lengths, in order.
    odd: Vec<(usize, usize)>,
    /// Whether the pixel data are among them.
    filled: bool,
    /// Specific Character Set.
    sets: &'a [u8],
    /// Texts outside sequences.
    texts: Vec<Raw<'a>>,
}

/// Walks over a data set without reading values. The parser allocates what a length states before it reads, so that a few bytes could ask
/// for four gigabytes; it makes a text of each backslash; and it calls itself for each sequence in a sequence.
fn walk<'a>(data: &'a [u8], syntax: &TransferSyntax) -> Result<Walk<'a>, DecodeError> {
    let mut reader = LazyDataSetReader::new_with_ts(Cursor::new(data), syntax).map_err(damaged)?;
    let (mut depth, mut walk) = (0_usize, Walk::default());
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
                walk.held += ELEMENT;
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
                walk.held += ELEMENT;
                continue;
            }
            _ => continue,
        };
        let value = position
            .checked_add(u64::from(length))
            .and_then(|end| data.get(position as usize..end as usize))
            .ok_or(DecodeError::DicomTruncated)?;
        // Pixels hold any byte: what is no text is counted once for each of its bytes.
        let mut binary = true;
        if let LazyDataToken::LazyValue { header, .. } = &token {
            if !length.is_multiple_of(unit(header)) {
                // Bytes in words, without the one that fills the last word: of nothing that lies within a stated length.
                if header.vr != VR::OW || depth > 0 {
                    return Err(odd(header.tag));
                }
                walk.odd.push((position as usize, value.len()));
                walk.filled |= header.tag == tags::PIXEL_DATA;
            }
            binary = is_binary(header.vr);
            if depth == 0 && header.tag == tags::SPECIFIC_CHARACTER_SET {
                walk.sets = value;
            } else if depth == 0 && texts::is_text(header.vr) {
                let (tag, vr) = (header.tag, header.vr);
                walk.texts.push(Raw { tag, vr, value });
            }
        }
        walk.held += ELEMENT + u64::from(length);
        if !binary {
            let values = value.split(|&byte| byte == b'\\').count() as u64;
            walk.held += values * VALUE + u64::from(length);
        }
        token.skip().map_err(damaged)?;
    }
    Ok(walk)
}

/// The data set with a byte behind each of these values, and lengths that count it: the parser would lose its place.
fn made_even(data: &[u8], syntax: &TransferSyntax, odd: &[(usize, usize)]) -> Vec<u8> {
    let mut even = Vec::with_capacity(data.len() + odd.len());
    let mut from = 0;
    for &(begin, length) in odd {
        let end = begin + length;
        // The length stands right before the value, in four bytes whether there is a type or not.
        even.extend(&data[from..begin - 4]);
        let stated = length as u32 + 1;
        even.extend(match syntax.endianness() {
            Endianness::Little => stated.to_le_bytes(),
            Endianness::Big => stated.to_be_bytes(),
        });
        even.extend(&data[begin..end]);
        // The last byte of a word of which the first is there.
        let last = even.len() - 1;
        match syntax.endianness() {
            Endianness::Little => even.push(0),
            Endianness::Big => even.insert(last, 0),
        }
        from = end;
    }
    even.extend(&data[from..]);
    even
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

/// The first of the numbers of an attribute, if there is one: some files state none, or an empty one before the others. A decimal comma is
/// read as a point.
pub(super) fn number(
    object: &InMemDicomObject,
    tag: Tag,
    name: &'static str,
) -> Result<Option<f64>, DecodeError> {
    let Some(element) = object.element_opt(tag).ok().flatten() else {
        return Ok(None);
    };
    let refused = DecodeError::DicomAttribute { name };
    if element.is_empty() {
        return Ok(None);
    }
    let Ok(text) = element.to_str() else {
        return Err(refused);
    };
    let mut values = text
        .split('\\')
        .map(|value| value.trim_matches(|c: char| c.is_whitespace() || c == '\0'));
    let Some(first) = values.find(|value| !value.is_empty()) else {
        return Ok(None);
    };
    match first.replacen(',', ".", 1).parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(refused),
    }
}

/// The text of an attribute, if it is there, without padding.
pub(super) fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = object.element_opt(tag).ok().flatten()?;
    let text = element.to_str().ok()?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}
