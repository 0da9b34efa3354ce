//! The crate from outside: against independent oracles, against laws, against a published matrix.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop there"
)]
#![allow(clippy::doc_markdown, reason = "SciPy and NumPy are names, not code")]

mod band;
mod bootstrap;
mod compare;
mod detection;
mod json;
mod laws;
mod oracles;
mod published;
