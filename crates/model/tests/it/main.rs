//! Integration tests of `model`.

mod file;
mod fracture_map;
mod network;
mod parity;
mod predictor;
mod zoo;
