#![doc = include_str!("../README.md")]
//!
//! All that C++ can throw is caught in the few functions of `shim.cpp` and `script.cpp` and comes back as an error.

#[allow(
    clippy::cast_ptr_alignment,
    clippy::inline_always,
    clippy::needless_pass_by_value,
    clippy::needless_range_loop,
    reason = "a function is only compiled for the instructions of the one it is inlined into; loads are unaligned ones; registers are counted, not walked through"
)]
mod conv;
mod error;
mod ffi;
mod instructions;
mod node;
mod optim;
mod parallel;
mod script;
mod settings;

pub use conv::{Pooled, conv_relu_pool};
pub use error::KernelError;
pub use instructions::{Instructions, MAX_CPU_ISA, has_bf16};
pub use node::{Backward, with_backward};
pub use optim::{
    AdamState, AdamStep, ScaleGrowth, Scaled, SgdStep, clear_grads, clip_grad_norm, fused_adam,
    fused_sgd, unscale, update_scale,
};
pub use script::Script;
pub use settings::set_deterministic;
