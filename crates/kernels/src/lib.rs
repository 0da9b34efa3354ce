//! What tch lacks of libtorch, and fused layers for the CPU.
//!
//! - Optimiser steps and loss scaling by libtorch's fused kernels, over tensors the caller owns: [`fused_adam`], [`fused_sgd`],
//!   [`clip_grad_norm`], [`unscale`], [`update_scale`], [`clear_grads`].
//! - [`with_backward`]: a layer with a backward pass written in Rust.
//!
//! All `unsafe` of the C++ side is in `shim.cpp`'s few functions, each of which returns its exception as an error.

mod error;
mod ffi;
mod node;
mod optim;
#[allow(dead_code, reason = "for the layers that follow")]
mod parallel;

pub use error::KernelError;
pub use node::{Backward, with_backward};
pub use optim::{
    AdamState, AdamStep, ScaleGrowth, Scaled, SgdStep, clear_grads, clip_grad_norm, fused_adam,
    fused_sgd, unscale, update_scale,
};
