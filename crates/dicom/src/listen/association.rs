//! One association, from its request to its end.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use dicom_ul::Pdu;
use dicom_ul::pdu::{
    PDataValue, PDataValueType, PresentationContextNegotiated, PresentationContextResultReason,
};

use super::agree::{Association, CLASSES, agree};
use super::dimse::{MOST_COMMAND, Request, status};
use super::event::Event;
use super::incoming::Incoming;
use super::options::Options;
use super::spool::Spool;

/// Around an association: what it may use, and whom it tells.
pub(super) struct Around<'a> {
    pub options: &'a Options,
    pub spool: &'a Spool,
    /// A new image is there to be judged.
    pub new: &'a dyn Fn(String),
    pub tell: &'a (dyn Fn(Event) + Sync),
    /// The peer has said something whole.
    pub alive: &'a dyn Fn(),
}

/// Serves a peer until it releases the association, aborts it or goes away. Gives what was wrong.
pub(super) fn serve(around: &Around<'_>, stream: TcpStream, peer: SocketAddr) -> Option<String> {
    match agree(around.options, stream) {
        Err(reason) => Some(reason),
        Ok(association) => {
            let talk = Talk {
                around,
                peer,
                association,
                command: Vec::new(),
                request: None,
            };
            talk.run()
        }
    }
}

/// An association that was agreed on.
struct Talk<'a> {
    around: &'a Around<'a>,
    peer: SocketAddr,
    association: Association,
    /// What has come of a command set.
    command: Vec<u8>,
    /// A request whose data set is coming, and its presentation context.
    request: Option<(u8, Request, Incoming)>,
}

/// Why an association ends before its peer releases it.
enum End {
    /// The peer did something that it must not do.
    Abort(&'static str),
    /// It is gone.
    Gone(String),
}

impl Talk<'_> {
    fn run(mut self) -> Option<String> {
        let end = loop {
            let received = self.association.receive();
            (self.around.alive)();
            match received {
                Ok(Pdu::PData { data }) => {
                    if let Err(end) = data.into_iter().try_for_each(|value| self.value(value)) {
                        break end;
                    }
                }
                Ok(Pdu::ReleaseRQ) => {
                    // Whether it hears that or not: everything is done.
                    let _ = self.association.send(&Pdu::ReleaseRP);
                    let left = self.request.is_some() || !self.command.is_empty();
                    return left.then(|| "released in the middle of a message".to_owned());
                }
                Ok(Pdu::AbortRQ { .. }) => break End::Gone("aborted by the peer".to_owned()),
                Ok(_) => break End::Abort("a PDU that has no place here"),
                Err(reason) => break End::Gone(reason),
            }
        };
        match end {
            End::Abort(reason) => {
                self.association.abort();
                Some(format!("aborted: {reason}"))
            }
            End::Gone(reason) => Some(reason),
        }
    }

    fn value(&mut self, value: PDataValue) -> Result<(), End> {
        let context = value.presentation_context_id;
        match (value.value_type, &mut self.request) {
            (PDataValueType::Command, None) => {
                self.command.extend(value.data);
                if self.command.len() > MOST_COMMAND {
                    return Err(End::Abort("a command set without end"));
                }
                if value.is_last {
                    let command = std::mem::take(&mut self.command);
                    self.begin(context, &command)?;
                }
                Ok(())
            }
            (PDataValueType::Data, Some((expected, _, incoming))) if *expected == context => {
                if !incoming.add(&value.data) {
                    return Err(End::Abort("an object far larger than allowed"));
                }
                if value.is_last {
                    self.end()?;
                }
                Ok(())
            }
            _ => Err(End::Abort("a command or data where the other was due")),
        }
    }

    /// A command set is here.
    fn begin(&mut self, id: u8, command: &[u8]) -> Result<(), End> {
        let request = Request::read(command).map_err(|_| End::Abort("a senseless command set"))?;
        let context = self.context(id)?;
        let most = self.around.options.max_object;
        let incoming = match &request {
            Request::Echo { .. } => return self.respond(id, &request, status::SUCCESS),
            Request::Other {
                has_data: false, ..
            } => return self.respond(id, &request, status::UNRECOGNIZED),
            Request::Other { .. } => {
                Incoming::refused(status::UNRECOGNIZED, "it is no C-STORE", most)
            }
            Request::Store { class, .. }
                if *class != context.abstract_syntax || !CLASSES.contains(&class.as_str()) =>
            {
                let reason = "its SOP class is not that of its presentation context";
                Incoming::refused(status::OTHER_CLASS, reason, most)
            }
            Request::Store {
                class, instance, ..
            } => Incoming::begin(
                self.around.spool,
                (class, instance),
                &context.transfer_syntax,
                &self.association.caller,
                most,
            ),
        };
        self.request = Some((id, request, incoming));
        Ok(())
    }

    /// A presentation context that was accepted.
    fn context(&self, id: u8) -> Result<PresentationContextNegotiated, End> {
        self.association
            .contexts
            .iter()
            .find(|c| c.id == id && c.reason == PresentationContextResultReason::Acceptance)
            .cloned()
            .ok_or(End::Abort("a presentation context that was not accepted"))
    }

    /// A data set is here.
    fn end(&mut self) -> Result<(), End> {
        let Some((id, request, incoming)) = self.request.take() else {
            return Ok(());
        };
        let outcome = incoming.end(self.around.spool, self.peer);
        (self.around.tell)(outcome.event);
        // It is on the disk: whether the peer hears of it or not, it is judged.
        if let Some(instance) = outcome.new {
            (self.around.new)(instance);
        }
        self.respond(id, &request, outcome.status)
    }

    fn respond(&mut self, id: u8, request: &Request, status: u16) -> Result<(), End> {
        let data = request
            .response(status)
            .map_err(|error| End::Gone(error.to_string()))?;
        let value = PDataValue {
            presentation_context_id: id,
            value_type: PDataValueType::Command,
            is_last: true,
            data,
        };
        self.association
            .send(&Pdu::PData { data: vec![value] })
            .map_err(End::Gone)
    }
}

/// How long a peer that is turned away may take to say what it wanted.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Turns a peer away because too many are served already: come again later.
pub(super) fn turn_away(mut stream: TcpStream, max_pdu: u32) {
    use dicom_ul::pdu::{
        AssociationRJ, AssociationRJResult, AssociationRJServiceProviderPresentationReason,
        AssociationRJSource,
    };
    use std::io::Write as _;
    let rejection = Pdu::AssociationRJ(AssociationRJ {
        result: AssociationRJResult::Transient,
        source: AssociationRJSource::ServiceProviderPresentation(
            AssociationRJServiceProviderPresentationReason::LocalLimitExceeded,
        ),
    });
    // Nobody is owed anything here: a peer that does not listen just loses the connection.
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let _ = stream.set_write_timeout(Some(PATIENCE));
    let mut buffer = bytes::BytesMut::new();
    let asked = dicom_ul::association::read_pdu_from_wire(&mut stream, &mut buffer, max_pdu, true);
    let mut answer = Vec::new();
    if asked.is_ok() && dicom_ul::write_pdu(&mut answer, &rejection).is_ok() {
        let _ = stream.write_all(&answer);
    }
}
