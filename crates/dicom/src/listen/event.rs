//! What a node tells while it runs: identifiers and sizes, nothing that says who a patient is.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Something happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Associations are accepted from now on.
    Listening {
        /// Where.
        addr: SocketAddr,
        /// Images that wait from before, to be judged.
        films: usize,
        /// Answers that wait from before, to be delivered.
        answers: usize,
    },
    /// A peer was turned away or went away before it was through.
    Association {
        /// Where it came from.
        peer: SocketAddr,
        /// What was wrong.
        error: String,
    },
    /// An image is safe on the disk, and its sender was told so.
    Received {
        /// SOP Instance UID.
        instance: String,
        /// Of the object.
        bytes: u64,
    },
    /// An image that had been received before.
    Known {
        /// SOP Instance UID.
        instance: String,
    },
    /// An object that was not taken.
    Refused {
        /// Where it came from.
        peer: SocketAddr,
        /// Status of the C-STORE response.
        status: u16,
        /// Why it was refused.
        reason: &'static str,
    },
    /// The answer for an image is in the outbox.
    Judged {
        /// SOP Instance UID of the image.
        instance: String,
        /// How long it took.
        milliseconds: f64,
    },
    /// An answer of this program came back, and is not judged.
    Own {
        /// Its SOP Instance UID.
        instance: String,
    },
    /// An image has no answer; it lies in `failed` with the reason beside it.
    Failed {
        /// SOP Instance UID of the image.
        instance: String,
        /// Why there is no answer.
        reason: String,
    },
    /// An answer reached its node.
    Delivered {
        /// SOP Instance UID of the image.
        instance: String,
    },
    /// An answer did not, and stays in the outbox.
    Undelivered {
        /// SOP Instance UID of the image.
        instance: String,
        /// Why it was not delivered.
        reason: String,
        /// When it is tried again.
        pause: Duration,
    },
    /// No association is accepted any more; what is in flight is finished.
    Stopping,
    /// All is done or safe on the disk.
    Stopped {
        /// Images that are left, to be judged.
        films: usize,
        /// Answers that are left, to be delivered.
        answers: usize,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening {
                addr,
                films,
                answers,
            } => write!(
                f,
                "listening on {addr}; from before: {films} to judge, {answers} to deliver"
            ),
            Self::Association { peer, error } => write!(f, "association from {peer}: {error}"),
            Self::Received { instance, bytes } => write!(f, "received {instance}, {bytes} bytes"),
            Self::Known { instance } => write!(f, "received {instance} again: not judged again"),
            Self::Refused {
                peer,
                status,
                reason,
            } => write!(
                f,
                "refused an object from {peer}, status {status:#06x}: {reason}"
            ),
            Self::Judged {
                instance,
                milliseconds,
            } => write!(f, "judged {instance} in {milliseconds:.0} ms"),
            Self::Own { instance } => {
                write!(f, "not judged: {instance} is an answer of this program")
            }
            Self::Failed { instance, reason } => {
                write!(f, "not judged: {instance}: {reason}; kept in failed/")
            }
            Self::Delivered { instance } => write!(f, "delivered the answer for {instance}"),
            Self::Undelivered {
                instance,
                reason,
                pause,
            } => write!(
                f,
                "not delivered: the answer for {instance}: {reason}; again in {} s",
                pause.as_secs()
            ),
            Self::Stopping => f.write_str("stopping: finishing what is in flight"),
            Self::Stopped { films, answers } => {
                write!(
                    f,
                    "stopped; for next time: {films} to judge, {answers} to deliver"
                )
            }
        }
    }
}
