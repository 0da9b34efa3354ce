//! Answers read back by others, and the node with real peers.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests say what they skip, and the child speaks by stderr"
)]

mod answer;
#[path = "../../../../xtask/testing/dicom.rs"]
mod film;
mod listen;
mod node;
#[path = "../../../../xtask/testing/python.rs"]
mod python;
mod tools;
