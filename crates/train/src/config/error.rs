//! What can be wrong with a configuration, said with its place.

use std::path::PathBuf;

use thiserror::Error;

/// Errors of the configuration. Each is one paragraph that names the key and where it was set.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file did not read.
    #[error("cannot read the config {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
    /// No TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// File and line, or the flag.
        place: String,
        /// The parser's own word.
        message: String,
    },
    /// A key that no section has.
    #[error("{place}: unknown key {key:?}. The nearest valid key is {nearest:?}")]
    UnknownKey {
        /// File and line, or the flag.
        place: String,
        /// `section.key` as written.
        key: String,
        /// The valid key with the least spelling distance.
        nearest: String,
    },
    /// A value of another type, or a word that is no choice.
    #[error("{place}: {key}: {message}")]
    BadType {
        /// File and line, or the flag.
        place: String,
        /// `section.key`.
        key: String,
        /// The parser's own word.
        message: String,
    },
    /// A value that makes no sense.
    #[error("{place}: {key} {must}, not {value}")]
    BadValue {
        /// File and line, the flag, or the default.
        place: String,
        /// `section.key`.
        key: String,
        /// What it must be.
        must: String,
        /// What it is.
        value: String,
    },
    /// `--set` without `=`.
    #[error("--set {given}: expected section.key=value")]
    NoAssignment {
        /// What was given.
        given: String,
    },
    /// A resolved configuration cannot be written as TOML.
    #[error("cannot write the config as TOML: {0}")]
    Write(#[from] toml::ser::Error),
}
