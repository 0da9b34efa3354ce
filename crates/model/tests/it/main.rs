//! Integration tests of `model`.

mod file;
mod network;
mod parity;
mod predictor;
