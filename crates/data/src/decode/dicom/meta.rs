//! The file meta group (PS3.10, 7.1): where the data set begins, and how it is coded. Our own, since dicom-object (0.10.1) refuses a file
//! whose group has no length, or a title of more than 16 characters in it, and neither says anything of the picture.

use dicom_dictionary_std::uids;
use dicom_object::{FileMetaTable, FileMetaTableBuilder};

use crate::DecodeError;

/// An identifier has 64 characters at most.
const LONGEST: usize = 64;

/// Reads the group that bytes begin with, behind `DICM`; what is left of them is the data set. Elements are walked over to the first of
/// another group, whatever length the group states, but where the data set is deflated and may begin with any byte. None is copied but
/// identifiers.
pub(super) fn read(bytes: &[u8]) -> Result<(FileMetaTable, &[u8]), DecodeError> {
    let mut builder = FileMetaTableBuilder::new();
    let (mut rest, mut named, mut end, mut deflated) = (bytes, false, None, false);
    while let Some((number, value, after)) = element(rest)? {
        let text = || {
            let text = String::from_utf8_lossy(&value[..value.len().min(LONGEST)]);
            text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
                .to_owned()
        };
        let read = bytes.len() - after.len();
        builder = match number {
            0x00 => {
                let length = value.try_into().map(u32::from_le_bytes).ok();
                end = length.map(|length| read + length as usize);
                builder
            }
            0x02 => builder.media_storage_sop_class_uid(text()),
            0x03 => builder.media_storage_sop_instance_uid(text()),
            0x10 => {
                let syntax = text();
                named = !syntax.is_empty();
                deflated = syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
                builder.transfer_syntax(syntax)
            }
            0x12 => builder.implementation_class_uid(text()),
            _ => builder,
        };
        rest = after;
        if deflated && end == Some(read) {
            break;
        }
    }
    if !named {
        return Err(DecodeError::DicomAttribute {
            name: "Transfer Syntax UID",
        });
    }
    let table = builder.build();
    let table = table.map_err(|source| DecodeError::DicomFile {
        source: Box::new(source),
    })?;
    Ok((table, rest))
}

/// The next element of group 2: its number, its value, and what comes behind.
type Element<'a> = (u16, &'a [u8], &'a [u8]);

/// `None` where another group begins. The group is Explicit VR Little Endian; some write it without types, as they do the data set.
fn element(bytes: &[u8]) -> Result<Option<Element<'_>>, DecodeError> {
    let &[2, 0, e0, e1, ref rest @ ..] = bytes else {
        return Ok(None);
    };
    let (length, rest) = match *rest {
        // A type with a long length, and those with a short one.
        [b'O', b'B' | b'W', _, _, a, b, c, d, ref rest @ ..]
        | [b'U', b'N' | b'T' | b'C', _, _, a, b, c, d, ref rest @ ..]
        | [b'S', b'Q', _, _, a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]), rest),
        [v, r, a, b, ref rest @ ..] if v.is_ascii_uppercase() && r.is_ascii_uppercase() => {
            (u16::from_le_bytes([a, b]).into(), rest)
        }
        [a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]), rest),
        _ => return Err(DecodeError::DicomTruncated),
    };
    let (value, rest) = rest
        .split_at_checked(length as usize)
        .ok_or(DecodeError::DicomTruncated)?;
    Ok(Some((u16::from_le_bytes([e0, e1]), value, rest)))
}
