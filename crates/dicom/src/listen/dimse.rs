//! The few messages of DIMSE that are needed (PS3.7): C-ECHO and C-STORE, as command sets. The upper layer below them is `dicom-ul`'s,
//! which leaves this one to its users.

use dicom_core::header::Tag;
use dicom_core::value::PrimitiveValue;
use dicom_core::{DataElement, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use dicom_transfer_syntax_registry::entries::IMPLICIT_VR_LITTLE_ENDIAN;

use crate::DicomError;
use crate::element::{short, text};

/// Bytes of a command set at most: those that are known need some 300.
pub(super) const MOST_COMMAND: usize = 16 << 10;

const STORE: u16 = 0x0001;
const ECHO: u16 = 0x0030;
const RESPONSE: u16 = 0x8000;
const NO_DATA: u16 = 0x0101;
const DATA: u16 = 0x0001;

/// Status of a response (PS3.7 annex C, PS3.4 B.2.3).
pub(super) mod status {
    pub const SUCCESS: u16 = 0x0000;
    pub const DUPLICATE: u16 = 0x0111;
    pub const UNRECOGNIZED: u16 = 0x0211;
    pub const OUT_OF_RESOURCES: u16 = 0xa700;
    pub const OTHER_CLASS: u16 = 0xa900;
    pub const NOT_UNDERSTOOD: u16 = 0xc000;

    /// Whether the object is stored: warnings (0xBxxx) and an object that was there already say so as well.
    pub fn is_stored(status: u16) -> bool {
        matches!(status, SUCCESS | DUPLICATE | 0x0001 | 0xb000..=0xbfff)
    }
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Request {
    Echo {
        id: u16,
    },
    Store {
        id: u16,
        class: String,
        instance: String,
    },
    /// Something that is not offered here; its data set is passed over.
    Other {
        command: u16,
        id: u16,
        has_data: bool,
    },
}

/// A command set that makes no sense.
#[derive(Debug)]
pub(super) struct Senseless;

impl Request {
    pub fn read(bytes: &[u8]) -> Result<Self, Senseless> {
        let set = read(bytes)?;
        let command = whole(&set, tags::COMMAND_FIELD)?;
        let id = whole(&set, tags::MESSAGE_ID)?;
        let has_data = whole(&set, tags::COMMAND_DATA_SET_TYPE)? != NO_DATA;
        match command {
            ECHO if !has_data => Ok(Self::Echo { id }),
            STORE if has_data => Ok(Self::Store {
                id,
                class: word(&set, tags::AFFECTED_SOP_CLASS_UID)?,
                instance: word(&set, tags::AFFECTED_SOP_INSTANCE_UID)?,
            }),
            _ => Ok(Self::Other {
                command,
                id,
                has_data,
            }),
        }
    }

    /// The command set of its response.
    pub fn response(&self, status: u16) -> Result<Vec<u8>, DicomError> {
        let (command, id, class, instance) = match self {
            Self::Echo { id } => (ECHO, *id, Some(uids::VERIFICATION), None),
            Self::Store {
                id,
                class,
                instance,
            } => (STORE, *id, Some(class.as_str()), Some(instance.as_str())),
            Self::Other { command, id, .. } => (*command, *id, None, None),
        };
        let class = class.map(|class| text(tags::AFFECTED_SOP_CLASS_UID, VR::UI, class));
        let instance =
            instance.map(|instance| text(tags::AFFECTED_SOP_INSTANCE_UID, VR::UI, instance));
        write(
            [
                short(tags::COMMAND_FIELD, command | RESPONSE),
                short(tags::MESSAGE_ID_BEING_RESPONDED_TO, id),
                short(tags::COMMAND_DATA_SET_TYPE, NO_DATA),
                short(tags::STATUS, status),
            ]
            .into_iter()
            .chain(class)
            .chain(instance),
        )
    }
}

/// The command set that asks to store an object.
pub(super) fn store(id: u16, class: &str, instance: &str) -> Result<Vec<u8>, DicomError> {
    write([
        text(tags::AFFECTED_SOP_CLASS_UID, VR::UI, class),
        short(tags::COMMAND_FIELD, STORE),
        short(tags::MESSAGE_ID, id),
        // Medium.
        short(tags::PRIORITY, 0),
        short(tags::COMMAND_DATA_SET_TYPE, DATA),
        text(tags::AFFECTED_SOP_INSTANCE_UID, VR::UI, instance),
    ])
}

/// The status of a response to the message of this number.
pub(super) fn stored(bytes: &[u8], id: u16) -> Result<u16, Senseless> {
    let set = read(bytes)?;
    let is_answer = whole(&set, tags::COMMAND_FIELD)? == STORE | RESPONSE
        && whole(&set, tags::MESSAGE_ID_BEING_RESPONDED_TO)? == id;
    if is_answer {
        whole(&set, tags::STATUS)
    } else {
        Err(Senseless)
    }
}

fn read(bytes: &[u8]) -> Result<InMemDicomObject, Senseless> {
    if !is_flat(bytes) {
        return Err(Senseless);
    }
    let syntax = IMPLICIT_VR_LITTLE_ENDIAN.erased();
    InMemDicomObject::read_dataset_with_ts(bytes, &syntax).map_err(|_| Senseless)
}

/// Whether bytes are elements of group 0 alone that end where they say: the parser allocates what a length states before it reads.
fn is_flat(mut bytes: &[u8]) -> bool {
    while let Some((&[g0, g1, _, _, a, b, c, d], rest)) = bytes.split_first_chunk() {
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if [g0, g1] != [0, 0] || length > rest.len() {
            return false;
        }
        bytes = &rest[length..];
    }
    bytes.is_empty()
}

fn write(elements: impl IntoIterator<Item = InMemElement>) -> Result<Vec<u8>, DicomError> {
    let mut set = InMemDicomObject::from_element_iter(elements);
    let syntax = IMPLICIT_VR_LITTLE_ENDIAN.erased();
    let mut rest = Vec::new();
    set.write_dataset_with_ts(&mut rest, &syntax)
        .map_err(DicomError::encode)?;
    set.put(DataElement::new(
        tags::COMMAND_GROUP_LENGTH,
        VR::UL,
        PrimitiveValue::from(rest.len() as u32),
    ));
    let mut bytes = Vec::new();
    set.write_dataset_with_ts(&mut bytes, &syntax)
        .map_err(DicomError::encode)?;
    Ok(bytes)
}

fn whole(set: &InMemDicomObject, tag: Tag) -> Result<u16, Senseless> {
    let element = set.element_opt(tag).ok().flatten().ok_or(Senseless)?;
    element.to_int::<u16>().map_err(|_| Senseless)
}

fn word(set: &InMemDicomObject, tag: Tag) -> Result<String, Senseless> {
    let element = set.element_opt(tag).ok().flatten().ok_or(Senseless)?;
    let text = element.to_str().map_err(|_| Senseless)?;
    Ok(text.trim_end_matches(['\0', ' ']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_written_and_answered() {
        let bytes = store(7, "1.2.840.10008.5.1.4.1.1.7", "2.25.123").expect("encodes");
        let request = Request::read(&bytes).expect("reads");
        assert_eq!(
            request,
            Request::Store {
                id: 7,
                class: "1.2.840.10008.5.1.4.1.1.7".to_owned(),
                instance: "2.25.123".to_owned()
            }
        );
        let response = request.response(0xa700).expect("encodes");
        assert_eq!(stored(&response, 7).expect("reads"), 0xa700);
        assert!(stored(&response, 8).is_err());
        // The group's length comes first and counts what follows it.
        assert_eq!(response[..8], [0, 0, 0, 0, 4, 0, 0, 0]);
        let rest = response.len() as u32 - 12;
        assert_eq!(response[8..12], rest.to_le_bytes());
    }

    #[test]
    fn what_states_more_than_it_holds_is_refused_unread() {
        let mut bytes = store(1, "1.2", "1.3").expect("encodes");
        for length in [0xffff_ffff_u32, 0xffff_fff0, 1 << 20] {
            bytes[4..8].copy_from_slice(&length.to_le_bytes());
            assert!(Request::read(&bytes).is_err());
        }
        assert!(Request::read(b"GET / HTTP/1.1\r\n\r\n").is_err());
        assert!(Request::read(&[]).is_err());
        for warning in [0x0000, 0xb000, 0xb007, 0x0111] {
            assert!(status::is_stored(warning));
        }
        for failure in [0xa700, 0xa900, 0xc000, 0x0110] {
            assert!(!status::is_stored(failure));
        }
    }
}
