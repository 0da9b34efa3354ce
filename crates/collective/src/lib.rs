#![doc = include_str!("../README.md")]

mod environment;
mod equal;
mod error;
mod ffi;
mod gradient;
mod group;
mod heartbeat;
mod rendezvous;
mod work;

pub use environment::Environment;
pub use error::CollectiveError;
pub use gradient::{Buckets, GradientSync};
pub use group::Group;
pub use work::Work;

/// What carries the tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Facebook's gloo over TCP, for tensors in main memory.
    Gloo,
    /// NVIDIA's NCCL, for tensors on `Cuda(local_rank)`: in builds with the feature `nccl`.
    ///
    /// Waiting for an operation waits on the CPU, so that a dead rank is noticed.
    Nccl,
}

impl Backend {
    /// The one for tensors on this device.
    #[must_use]
    pub fn of(device: tch::Device) -> Self {
        if device.is_cuda() {
            Self::Nccl
        } else {
            Self::Gloo
        }
    }

    /// "gloo" or "nccl".
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gloo => "gloo",
            Self::Nccl => "nccl",
        }
    }
}
