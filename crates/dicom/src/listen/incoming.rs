//! An object on its way in: written to the disk as it comes, and taken only if it is whole.

use std::io::{self, BufWriter, Write as _};
use std::net::SocketAddr;

use dicom_object::FileMetaTableBuilder;
use osteon_data::Limits;
use tempfile::NamedTempFile;

use super::dimse::status;
use super::event::Event;
use super::spool::{Spool, Taken};
use crate::{DicomError, Source, uid};

/// Bytes of a file's preamble.
const PREAMBLE: [u8; 128] = [0; 128];

/// An object that is being received.
pub(super) struct Incoming {
    class: String,
    instance: String,
    /// Bytes of its data set so far.
    bytes: u64,
    most: u64,
    state: State,
}

enum State {
    Writing(BufWriter<NamedTempFile>),
    /// What still comes is passed over: it is not taken, for this reason.
    Refused(u16, &'static str),
    /// What still comes is passed over: it is here already.
    Known,
}

/// What its sender is told, and what happened.
pub(super) struct Outcome {
    pub status: u16,
    pub event: Event,
    /// An image to be judged.
    pub new: Option<String>,
}

impl Incoming {
    /// Of an object of `class`, named `instance`, in a transfer syntax that was agreed on; of at most `most` bytes.
    pub fn begin(
        spool: &Spool,
        (class, instance): (&str, &str),
        syntax: &str,
        caller: &str,
        most: u64,
    ) -> Self {
        let state = if !uid::is_valid(instance) {
            State::Refused(status::NOT_UNDERSTOOD, "its SOP Instance UID is none")
        } else if spool.knows(instance) {
            State::Known
        } else {
            match start(spool, (class, instance), syntax, caller) {
                Ok(file) => State::Writing(file),
                Err(_) => State::Refused(status::OUT_OF_RESOURCES, "it cannot be written"),
            }
        };
        Self {
            class: class.to_owned(),
            instance: instance.to_owned(),
            bytes: 0,
            most,
            state,
        }
    }

    /// One that is passed over.
    pub fn refused(status: u16, reason: &'static str, most: u64) -> Self {
        Self {
            class: String::new(),
            instance: String::new(),
            bytes: 0,
            most,
            state: State::Refused(status, reason),
        }
    }

    /// Some more of it. False if its sender does not stop by far: the association must end.
    pub fn add(&mut self, part: &[u8]) -> bool {
        self.bytes += part.len() as u64;
        if self.bytes > self.most {
            self.state = State::Refused(status::OUT_OF_RESOURCES, "it is larger than allowed");
        } else if let State::Writing(file) = &mut self.state
            && file.write_all(part).is_err()
        {
            self.state = State::Refused(status::OUT_OF_RESOURCES, "it cannot be written");
        }
        self.bytes <= self.most.saturating_mul(4)
    }

    /// It is here to its last byte: checks it, and takes it durably.
    pub fn end(self, spool: &Spool, peer: SocketAddr) -> Outcome {
        let bytes = self.bytes;
        let refuse = |status, reason| Outcome {
            status,
            event: Event::Refused {
                peer,
                status,
                reason,
            },
            new: None,
        };
        let file = match self.state {
            State::Refused(status, reason) => return refuse(status, reason),
            State::Known => {
                return Outcome {
                    status: status::SUCCESS,
                    event: Event::Known {
                        instance: self.instance,
                    },
                    new: None,
                };
            }
            State::Writing(file) => file,
        };
        let Ok(file) = file.into_inner() else {
            return refuse(status::OUT_OF_RESOURCES, "it cannot be written");
        };
        // As it lies on the disk: a data set that is no whole one was cut on its way, or is none.
        let Ok(written) = std::fs::read(file.path()) else {
            return refuse(status::OUT_OF_RESOURCES, "it cannot be read back");
        };
        match Source::read(&written, Limits::default()) {
            Err(_) => {
                return refuse(
                    status::NOT_UNDERSTOOD,
                    "its data set is damaged or names no study",
                );
            }
            Ok(source) if source.class() != self.class || source.instance() != self.instance => {
                return refuse(
                    status::OTHER_CLASS,
                    "its data set is another than was announced",
                );
            }
            Ok(_) => {}
        }
        drop(written);
        match spool.take(file, &self.instance) {
            Err(_) => refuse(status::OUT_OF_RESOURCES, "it cannot be written"),
            Ok(Taken::Known) => Outcome {
                status: status::SUCCESS,
                event: Event::Known {
                    instance: self.instance,
                },
                new: None,
            },
            Ok(Taken::New) => Outcome {
                status: status::SUCCESS,
                event: Event::Received {
                    instance: self.instance.clone(),
                    bytes,
                },
                new: Some(self.instance),
            },
        }
    }
}

/// A file with everything that comes before the data set.
fn start(
    spool: &Spool,
    (class, instance): (&str, &str),
    syntax: &str,
    caller: &str,
) -> Result<BufWriter<NamedTempFile>, DicomError> {
    let file = spool.incoming()?;
    let path = file.path().to_owned();
    let meta = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid(instance)
        .transfer_syntax(syntax)
        .implementation_class_uid(uid::of(&["implementation"]))
        .source_application_entity_title(caller)
        .build()
        .map_err(DicomError::encode)?;
    let mut file = BufWriter::with_capacity(1 << 16, file);
    file.write_all(&PREAMBLE)
        .and_then(|()| file.write_all(b"DICM"))
        .and_then(|()| meta.write(&mut file).map_err(io::Error::other))
        .map_err(DicomError::io("write", path))?;
    Ok(file)
}
