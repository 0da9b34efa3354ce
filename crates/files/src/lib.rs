//! Files that are there whole or not at all, checksums of their headers, and what is said when reading or writing fails.
#![doc = include_str!("../README.md")]

mod atomic;
mod error;
mod hex;
mod seal;

pub use atomic::{sync_folder, write_atomic};
pub use error::FileError;
pub use hex::{hex, unhex};
pub use seal::{SEAL, Seal, UNSEALED, check_seal, header, seal_header, sealed, with_header};
