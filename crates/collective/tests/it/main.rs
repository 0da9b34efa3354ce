//! Integration tests of `collective`: several processes of this very binary, on loopback. Without libtorch's c10d, the environment alone.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

#[cfg(not(without_c10d))]
mod death;
mod environment;
#[cfg(not(without_c10d))]
mod gradients;
#[cfg(not(without_c10d))]
mod launcher;
#[cfg(not(without_c10d))]
mod mistakes;
#[cfg(not(without_c10d))]
mod operations;
#[cfg(not(without_c10d))]
mod processes;
#[cfg(not(without_c10d))]
mod roles;
