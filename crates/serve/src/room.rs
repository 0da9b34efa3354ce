//! The memory that uploads may take together: no byte of a file is kept without room for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::{Code, Problem};

/// Permits stand for so many bytes.
const UNIT: usize = 1024;
/// Room is taken in steps of so many units, so that not every chunk asks for some.
const STEP: usize = 64;

/// All the room there is.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

/// A file as sent. Its room is free again when the last that holds it is done with it, abandoned or not.
pub(crate) struct Sent {
    pub bytes: Vec<u8>,
    _held: Option<OwnedSemaphorePermit>,
}

/// A file that is being received.
pub(crate) struct Receiving {
    bytes: Vec<u8>,
    most: usize,
    room: Room,
    held: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(units)))
    }

    /// For a file of at most so many bytes.
    pub fn receive(&self, most: usize) -> Receiving {
        Receiving {
            bytes: Vec::new(),
            most,
            room: self.clone(),
            held: None,
        }
    }
}

impl Receiving {
    /// More of it.
    pub fn add(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        let length = self.bytes.len() + chunk.len();
        if length > self.most {
            let detail = format!("at most {} bytes are taken", self.most);
            return Err(Problem::new(Code::TooLarge, detail));
        }
        self.hold(length)?;
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    fn hold(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = self
            .held
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = bytes
            .div_ceil(UNIT)
            .next_multiple_of(STEP)
            .saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.room.0).try_acquire_many_owned(more);
        let more = more.map_err(|_| {
            let detail = "too many bytes of uploads are waiting; try again later";
            Problem::new(Code::Overloaded, detail)
        })?;
        match &mut self.held {
            Some(held) => held.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    /// All of it.
    pub fn done(self) -> Arc<Sent> {
        Arc::new(Sent {
            bytes: self.bytes,
            _held: self.held,
        })
    }
}
