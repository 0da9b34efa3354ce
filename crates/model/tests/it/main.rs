//! Integration tests of `model`.

mod explain;
mod file;
mod network;
mod parity;
mod predictor;
