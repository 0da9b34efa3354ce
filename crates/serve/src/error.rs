//! What can keep a service from starting or running.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Errors of the service as a whole; what a single request does wrong is a [`crate::ProblemBody`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Not a single network was given.
    #[error("a service needs a model")]
    NoModel,
    /// A limit that would let nothing through.
    #[error("{name} must be at least 1")]
    ZeroLimit {
        /// The field of [`crate::Limits`] or [`crate::Batching`].
        name: &'static str,
    },
    /// A thread could not be started.
    #[error("cannot start a thread for {what}: {source}")]
    Thread {
        /// What it is for.
        what: &'static str,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// The threads that make images ready could not be started.
    #[error("cannot start the threads that decode images: {0}")]
    Pool(#[from] rayon::ThreadPoolBuildError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {addr}: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// An address that others reach, and no word on who may ask.
    #[error(
        "{addr} can be reached from other machines, and there is no token that says who may ask"
    )]
    Open {
        /// The address.
        addr: SocketAddr,
    },
    /// A token that could be guessed.
    #[error("the token has {found} characters; at least {least} are needed, of visible ASCII")]
    WeakToken {
        /// How many it has.
        found: usize,
        /// How many it needs.
        least: usize,
    },
    /// The certificate or the key does not read.
    #[error("cannot use the certificate {} with the key {}: {source}", cert.display(), key.display())]
    Tls {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The reader's own word.
        #[source]
        source: std::io::Error,
    },
    /// The audit log cannot be gone on with.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The server stopped by itself.
    #[error("the server failed: {0}")]
    Server(#[source] std::io::Error),
}

impl ServeError {
    /// Whether it is a matter of the call (exit code 2), not of the work.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::ZeroLimit { .. } | Self::Open { .. } | Self::WeakToken { .. }
        )
    }
}

/// Errors of the audit log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// It cannot be read or written.
    #[error("cannot read or write the audit log {}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// Another process writes it.
    #[error("another process writes the audit log {}", path.display())]
    Busy {
        /// The log.
        path: PathBuf,
    },
    /// Its last line is none that can be gone on from.
    #[error("cannot go on with the audit log {}: its last line {problem}", path.display())]
    End {
        /// The log.
        path: PathBuf,
        /// What is wrong with the line.
        problem: LineProblem,
    },
    /// A line is not what was written there.
    #[error("{}, line {line} {problem}", path.display())]
    Line {
        /// The log.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// The hash that was kept is none of this log's.
    #[error("{}: no line has the hash {head}: its end was cut off, or it is another log", path.display())]
    Head {
        /// The log.
        path: PathBuf,
        /// The hash.
        head: String,
    },
}

/// What is wrong with a line of an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// It has no end.
    #[error("is incomplete")]
    Incomplete,
    /// It is no line of such a log.
    #[error("is no line of an audit log")]
    Malformed,
    /// It does not have the hash it says.
    #[error("was changed: its hash is another one")]
    Changed,
    /// It was not written after the line before.
    #[error("does not follow the line before: a line was changed, taken out, added or moved")]
    NotNext,
}
