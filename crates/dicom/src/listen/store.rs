//! The way to the node that gets the answers: C-STORE, as its user.

use std::net::TcpStream;
use std::time::Duration;

use dicom_dictionary_std::uids;
use dicom_object::{FileDicomObject, InMemDicomObject};
use dicom_transfer_syntax_registry::entries::{
    EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN,
};
use dicom_ul::pdu::{
    PDataValue, PDataValueType, PresentationContextNegotiated, PresentationContextResultReason,
};
use dicom_ul::{ClientAssociation, ClientAssociationOptions, Pdu};
use osteon_data::{Limits, read_dicom};
use osteon_files::FileError;
use std::io::Write as _;

use super::dimse::{self, MOST_COMMAND, status};
use super::options::{Node, Title};
use crate::DicomError;

/// An association with the node.
pub(super) struct Sender {
    node: String,
    association: ClientAssociation<TcpStream>,
    next: u16,
}

impl Sender {
    /// Asks the node for an association in which both kinds of objects can be stored.
    pub fn connect(own: &Title, node: &Node, timeout: Duration) -> Result<Self, DicomError> {
        let address = node.address();
        let mut options = ClientAssociationOptions::new()
            .calling_ae_title(own.as_str().to_owned())
            .read_timeout(timeout)
            .write_timeout(timeout)
            .connection_timeout(timeout);
        for class in [
            uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
            uids::COMPREHENSIVE_SR_STORAGE,
        ] {
            options = options.with_presentation_context(
                class,
                vec![
                    uids::EXPLICIT_VR_LITTLE_ENDIAN,
                    uids::IMPLICIT_VR_LITTLE_ENDIAN,
                ],
            );
        }
        let association =
            options
                .establish_with(&address)
                .map_err(|source| DicomError::Association {
                    node: address.clone(),
                    source: Box::new(source),
                })?;
        Ok(Self {
            node: address,
            association,
            next: 1,
        })
    }

    /// Stores an object, given as a file of ours.
    pub fn store(&mut self, file: &[u8]) -> Result<(), DicomError> {
        let object = read_dicom(file, Limits::default())?;
        let class = object.meta().media_storage_sop_class_uid().to_owned();
        let class = class.trim_end_matches('\0');
        let instance = object.meta().media_storage_sop_instance_uid().to_owned();
        let instance = instance.trim_end_matches('\0');
        let context = self.context(class)?;
        let data = encoded(object, &context)?;
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let command = PDataValue {
            presentation_context_id: context.id,
            value_type: PDataValueType::Command,
            is_last: true,
            data: dimse::store(id, class, instance)?,
        };
        self.association
            .send(&Pdu::PData {
                data: vec![command],
            })
            .map_err(|source| self.failed(source))?;
        let mut writer = self.association.send_pdata(context.id);
        writer
            .write_all(&data)
            .and_then(|()| writer.finish())
            .map_err(|source| FileError::new("send to", self.node.clone(), source))?;
        let answer = self.answer(id)?;
        if status::is_stored(answer) {
            Ok(())
        } else {
            Err(DicomError::Refused {
                node: self.node.clone(),
                instance: instance.to_owned(),
                status: answer,
            })
        }
    }

    /// Ends the association as it should be. Whether the node hears of it makes no difference by now.
    pub fn release(self) {
        let _ = self.association.release();
    }

    fn context(&self, class: &str) -> Result<PresentationContextNegotiated, DicomError> {
        self.association
            .presentation_contexts()
            .iter()
            .find(|c| {
                c.abstract_syntax == class
                    && c.reason == PresentationContextResultReason::Acceptance
            })
            .cloned()
            .ok_or_else(|| DicomError::NotAccepted {
                node: self.node.clone(),
                class: class.to_owned(),
            })
    }

    /// The status of the response that is due.
    fn answer(&mut self, id: u16) -> Result<u16, DicomError> {
        let mut command = Vec::new();
        loop {
            let received = self.association.receive();
            let Pdu::PData { data } = received.map_err(|source| self.failed(source))? else {
                return Err(self.senseless());
            };
            for value in data {
                if value.value_type != PDataValueType::Command {
                    return Err(self.senseless());
                }
                command.extend(value.data);
                if value.is_last {
                    return dimse::stored(&command, id).map_err(|_| self.senseless());
                }
                if command.len() > MOST_COMMAND {
                    return Err(self.senseless());
                }
            }
        }
    }

    fn failed(&self, source: dicom_ul::association::Error) -> DicomError {
        DicomError::Association {
            node: self.node.clone(),
            source: Box::new(source),
        }
    }

    fn senseless(&self) -> DicomError {
        DicomError::Protocol {
            node: self.node.clone(),
        }
    }
}

/// A data set in the transfer syntax that was agreed on.
fn encoded(
    object: FileDicomObject<InMemDicomObject>,
    context: &PresentationContextNegotiated,
) -> Result<Vec<u8>, DicomError> {
    let syntax = if context.transfer_syntax == uids::IMPLICIT_VR_LITTLE_ENDIAN {
        IMPLICIT_VR_LITTLE_ENDIAN.erased()
    } else {
        EXPLICIT_VR_LITTLE_ENDIAN.erased()
    };
    let mut data = Vec::new();
    object
        .into_inner()
        .write_dataset_with_ts(&mut data, &syntax)
        .map_err(DicomError::encode)?;
    Ok(data)
}
