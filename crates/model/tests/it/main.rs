//! Integration tests of `model`.

mod damage;
mod efficientnet_lite;
mod explain;
mod export;
mod file;
mod fracture_map;
mod gates;
mod import;
mod network;
mod parity;
mod predictor;
mod seeds;
#[cfg(feature = "shipped")]
mod shipped;
mod zoo;
