//! Integration tests of `collective`: several processes of this very binary, on loopback.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod death;
mod environment;
mod gradients;
mod launcher;
mod mistakes;
mod operations;
mod processes;
mod roles;
