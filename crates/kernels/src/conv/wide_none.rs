//! Stands in for `wide` on processors that it is not written for: `fits` refuses there before anything is called.

use super::number::{Bf16, Number};
use super::shape::{Shape, Sink};
use crate::KernelError;

pub(super) trait Dot: Number {}

impl Dot for f32 {}

impl Dot for Bf16 {}

fn absent() -> KernelError {
    KernelError::Input {
        call: "conv_relu_pool",
        name: "input",
        must: "have one channel on this processor",
        found: "more".to_owned(),
    }
}

pub(super) fn forward<T: Dot, O: Number>(
    _shape: &Shape,
    _films: &[T],
    _kernel: &[f32],
    _bias: &[f32],
    _sink: &Sink<O>,
    _places: &mut [u8],
) -> Result<(), KernelError> {
    Err(absent())
}

pub(super) fn backward<T: Dot>(
    _shape: &Shape,
    _films: &[T],
    _kernel: &[f32],
    _grads: &[f32],
    _places: &[u8],
    _back: Option<&mut [T]>,
) -> Result<Vec<f32>, KernelError> {
    Err(absent())
}
