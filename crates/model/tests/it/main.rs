//! Integration tests of `model`.

mod explain;
mod file;
mod fracture_map;
mod network;
mod parity;
mod predictor;
#[cfg(feature = "shipped")]
mod shipped;
mod zoo;
