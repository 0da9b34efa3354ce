//! An association, from a peer's request to what is agreed on. Our own, since dicom-ul (0.10.1) refuses a peer whose protocol version is another
//! number than 1, where the standard has bit 0 of it tested alone (PS3.8, table 9-11); reading and writing PDUs is dicom-ul's.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use bytes::BytesMut;
use dicom_dictionary_std::uids;
use dicom_ul::association::read_pdu_from_wire;
use dicom_ul::pdu::{
    AbortRQServiceProviderReason, AbortRQSource, AssociationAC, AssociationRJ, AssociationRJResult,
    AssociationRJServiceProviderASCEReason, AssociationRJServiceUserReason, AssociationRJSource,
    AssociationRQ, MAXIMUM_PDU_SIZE, PresentationContextNegotiated, PresentationContextProposed,
    PresentationContextResult, PresentationContextResultReason, UserVariableItem,
};
use dicom_ul::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Pdu};
use osteon_data::reads_transfer_syntax;

use super::options::Options;
use crate::error::words;

/// SOP classes of images that are taken.
pub(super) const CLASSES: [&str; 3] = [
    uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
    uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
    uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
];

/// Transfer syntaxes of images, as far as this build reads them.
pub(super) const SYNTAXES: [&str; 13] = [
    uids::EXPLICIT_VR_LITTLE_ENDIAN,
    uids::IMPLICIT_VR_LITTLE_ENDIAN,
    // Explicit VR Big Endian: retired, and still out in the world.
    "1.2.840.10008.1.2.2",
    uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    uids::JPEG_BASELINE8_BIT,
    uids::JPEG_EXTENDED12_BIT,
    uids::JPEG_LOSSLESS,
    uids::JPEG_LOSSLESS_SV1,
    uids::JPEGLS_LOSSLESS,
    uids::JPEGLS_NEAR_LOSSLESS,
    uids::JPEG2000_LOSSLESS,
    uids::JPEG2000,
    uids::RLE_LOSSLESS,
];

/// The one application context that there is.
const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
/// What a peer may send at least, if it states no limit: most of what answers are.
const DEFAULT_MAX_PDU: u32 = 32_762;
/// Type, a reserved byte and the length before a PDU's own bytes.
const PDU_HEAD: u32 = 6;

/// An association that was agreed on.
pub(super) struct Association {
    stream: TcpStream,
    buffer: BytesMut,
    /// The longest PDU that is taken, and the longest that the peer takes.
    max_pdu: u32,
    peer_max_pdu: u32,
    /// The calling title.
    pub caller: String,
    /// All that were proposed, with what became of each.
    pub contexts: Vec<PresentationContextNegotiated>,
}

/// Reads a peer's request and answers it.
///
/// # Errors
/// In words, why there is no association; the peer has been told as far as it can be.
pub(super) fn agree(options: &Options, mut stream: TcpStream) -> Result<Association, String> {
    let timeout = Some(options.timeout);
    stream
        .set_read_timeout(timeout)
        .and_then(|()| stream.set_write_timeout(timeout))
        .map_err(|error| error.to_string())?;
    let mut buffer = BytesMut::new();
    let request = read_pdu_from_wire(&mut stream, &mut buffer, options.max_pdu, true);
    let request = match request.map_err(|error| words(&error))? {
        Pdu::AssociationRQ(request) => request,
        Pdu::ReleaseRQ => {
            let _ = write(&mut stream, &Pdu::ReleaseRP);
            return Err("released before an association was asked for".to_owned());
        }
        Pdu::Unknown { .. } => {
            return Err(abort(
                &mut stream,
                AbortRQServiceProviderReason::UnrecognizedPdu,
            ));
        }
        _ => {
            return Err(abort(
                &mut stream,
                AbortRQServiceProviderReason::UnexpectedPdu,
            ));
        }
    };
    if let Err(source) = check(options, &request) {
        let reason = words_of(&source);
        let rejection = AssociationRJ {
            result: AssociationRJResult::Permanent,
            source,
        };
        let _ = write(&mut stream, &Pdu::AssociationRJ(rejection));
        return Err(format!("rejected: {reason}"));
    }
    let peer_max_pdu = peer_max_pdu(&request.user_variables);
    let contexts: Vec<_> = request.presentation_contexts.iter().map(answer).collect();
    let accepted = AssociationAC {
        // The one version that there is, whatever others the peer knows.
        protocol_version: 1,
        application_context_name: request.application_context_name,
        presentation_contexts: contexts
            .iter()
            .map(|context| PresentationContextResult {
                id: context.id,
                reason: context.reason.clone(),
                transfer_syntax: context.transfer_syntax.clone(),
            })
            .collect(),
        calling_ae_title: request.calling_ae_title.clone(),
        called_ae_title: request.called_ae_title,
        user_variables: vec![
            UserVariableItem::MaxLength(options.max_pdu),
            UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
            UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
        ],
    };
    write(&mut stream, &Pdu::AssociationAC(accepted))?;
    Ok(Association {
        stream,
        buffer,
        max_pdu: options.max_pdu,
        peer_max_pdu,
        caller: request.calling_ae_title,
        contexts,
    })
}

impl Association {
    /// The next PDU.
    pub fn receive(&mut self) -> Result<Pdu, String> {
        read_pdu_from_wire(&mut self.stream, &mut self.buffer, self.max_pdu, true)
            .map_err(|error| words(&error))
    }

    /// Sends a PDU, unless the peer does not take so long a one.
    pub fn send(&mut self, pdu: &Pdu) -> Result<(), String> {
        let bytes = encoded(pdu)?;
        if bytes.len() as u64 > u64::from(self.peer_max_pdu) + u64::from(PDU_HEAD) {
            return Err(format!(
                "the peer takes PDUs of {} bytes",
                self.peer_max_pdu
            ));
        }
        self.stream
            .write_all(&bytes)
            .map_err(|error| error.to_string())
    }

    /// Ends the association without its peer's consent.
    pub fn abort(mut self) {
        let _ = abort(
            &mut self.stream,
            AbortRQServiceProviderReason::ReasonNotSpecified,
        );
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Whether a peer is to be talked to: protocol, application context and titles.
fn check(options: &Options, request: &AssociationRQ) -> Result<(), AssociationRJSource> {
    use AssociationRJServiceUserReason as Reason;
    if request.protocol_version & 1 == 0 {
        return Err(AssociationRJSource::ServiceProviderASCE(
            AssociationRJServiceProviderASCEReason::ProtocolVersionNotSupported,
        ));
    }
    let refused = |reason| Err(AssociationRJSource::ServiceUser(reason));
    if request.application_context_name != APPLICATION_CONTEXT {
        return refused(Reason::ApplicationContextNameNotSupported);
    }
    if request.called_ae_title != options.title.as_str() {
        return refused(Reason::CalledAETitleNotRecognized);
    }
    let callers = &options.callers;
    let is_known = |caller: &str| callers.iter().any(|title| title.as_str() == caller);
    if !callers.is_empty() && !is_known(&request.calling_ae_title) {
        return refused(Reason::CallingAETitleNotRecognized);
    }
    Ok(())
}

/// The reason of a rejection.
fn words_of(source: &AssociationRJSource) -> String {
    match source {
        AssociationRJSource::ServiceUser(reason) => reason.to_string(),
        AssociationRJSource::ServiceProviderASCE(reason) => reason.to_string(),
        AssociationRJSource::ServiceProviderPresentation(reason) => reason.to_string(),
    }
}

fn peer_max_pdu(variables: &[UserVariableItem]) -> u32 {
    let stated = variables.iter().find_map(|variable| match variable {
        UserVariableItem::MaxLength(length) => Some(*length),
        _ => None,
    });
    match stated {
        // No limit.
        Some(0) => MAXIMUM_PDU_SIZE,
        Some(length) => length.min(MAXIMUM_PDU_SIZE),
        None => DEFAULT_MAX_PDU,
    }
}

/// What becomes of a proposed context: of a class that is taken, the first of its transfer syntaxes that is read.
fn answer(proposed: &PresentationContextProposed) -> PresentationContextNegotiated {
    let plain = |uid: &str| {
        uid.trim_end_matches(|c: char| c.is_whitespace() || c == '\0')
            .to_owned()
    };
    let class = plain(&proposed.abstract_syntax);
    let is_taken = class == uids::VERIFICATION || CLASSES.contains(&class.as_str());
    let syntax = proposed
        .transfer_syntaxes
        .iter()
        .map(|syntax| plain(syntax))
        .find(|syntax| SYNTAXES.contains(&syntax.as_str()) && reads_transfer_syntax(syntax));
    let reason = match &syntax {
        _ if !is_taken => PresentationContextResultReason::AbstractSyntaxNotSupported,
        None => PresentationContextResultReason::TransferSyntaxesNotSupported,
        Some(_) => PresentationContextResultReason::Acceptance,
    };
    let syntax = syntax.filter(|_| is_taken);
    PresentationContextNegotiated {
        id: proposed.id,
        reason,
        transfer_syntax: syntax.unwrap_or_else(|| uids::IMPLICIT_VR_LITTLE_ENDIAN.to_owned()),
        abstract_syntax: class,
    }
}

fn encoded(pdu: &Pdu) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    dicom_ul::write_pdu(&mut bytes, pdu).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn write(stream: &mut TcpStream, pdu: &Pdu) -> Result<(), String> {
    stream
        .write_all(&encoded(pdu)?)
        .map_err(|error| error.to_string())
}

fn abort(stream: &mut TcpStream, reason: AbortRQServiceProviderReason) -> String {
    let words = format!("aborted: {reason}");
    let source = AbortRQSource::ServiceProvider(reason);
    // Nobody is owed anything: a peer that does not listen just loses the connection.
    let _ = write(stream, &Pdu::AbortRQ { source });
    words
}
