//! Optimiser steps as libtorch's own fused kernels, over tensors that the caller owns.

use tch::Tensor;

use crate::KernelError;
use crate::ffi::{self, checked, pointer, pointers};

/// Numbers of an Adam step (Kingma & Ba 2015; decoupled: Loshchilov & Hutter 2019).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Added to the root.
    pub eps: f64,
    /// `AdamW`: the decay acts on the weight, not on the gradient.
    pub decoupled: bool,
}

/// Numbers of an SGD step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Momentum; 0 needs no buffers.
    pub momentum: f64,
    /// How little of a new gradient enters the memory.
    pub dampening: f64,
    /// Weight decay, added to the gradient.
    pub weight_decay: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// The first step: the buffers hold nothing yet.
    pub first: bool,
}

/// What a loss scaler has to say to a step; all one-element f32 tensors on the parameters' device.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scaled<'a> {
    /// The gradients are divided by it.
    pub grad_scale: Option<&'a Tensor>,
    /// At 1 nothing is changed.
    pub found_inf: Option<&'a Tensor>,
}

/// The lists of one Adam step: equal lengths, equal shapes at equal places, one device.
#[derive(Debug, Clone, Copy)]
pub struct AdamState<'a> {
    /// Changed in place, under `no_grad`.
    pub params: &'a [Tensor],
    /// Their gradients, unchanged but for the division by `grad_scale`.
    pub grads: &'a [Tensor],
    /// Running mean of the gradient, changed in place.
    pub exp_avgs: &'a [Tensor],
    /// Running mean of its square, changed in place.
    pub exp_avg_sqs: &'a [Tensor],
    /// One-element f32 tensors: the number of this step, counted from 1. The caller counts.
    pub steps: &'a [Tensor],
}

/// `at::_fused_adam_` or, decoupled, `at::_fused_adamw_`: one pass over memory.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn fused_adam(
    state: AdamState<'_>,
    step: AdamStep,
    scaled: Scaled<'_>,
) -> Result<(), KernelError> {
    let AdamState {
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        steps,
    } = state;
    let call = "fused_adam";
    same_length(call, params, "grads", grads)?;
    same_length(call, params, "exp_avgs", exp_avgs)?;
    same_length(call, params, "exp_avg_sqs", exp_avg_sqs)?;
    same_length(call, params, "steps", steps)?;
    // SAFETY: every list has `params.len()` live tensors, checked above; the shim catches what libtorch throws.
    unsafe {
        checked(ffi::osteon_fused_adam(
            pointers(params).as_ptr(),
            pointers(grads).as_ptr(),
            pointers(exp_avgs).as_ptr(),
            pointers(exp_avg_sqs).as_ptr(),
            pointers(steps).as_ptr(),
            params.len() as i64,
            step.lr,
            step.beta1,
            step.beta2,
            step.weight_decay,
            step.eps,
            step.decoupled,
            pointer(scaled.grad_scale),
            pointer(scaled.found_inf),
        ))
    }
}

/// `at::_fused_sgd_`. `momenta`: a buffer for each parameter, or none of all without momentum.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn fused_sgd(
    params: &[Tensor],
    grads: &[Tensor],
    momenta: &[Tensor],
    step: SgdStep,
    scaled: Scaled<'_>,
) -> Result<(), KernelError> {
    let call = "fused_sgd";
    same_length(call, params, "grads", grads)?;
    if step.momentum != 0.0 {
        same_length(call, params, "momenta", momenta)?;
    }
    let buffers = pointers(momenta);
    // SAFETY: as in `fused_adam`; no buffers are looked at where there is no momentum.
    unsafe {
        checked(ffi::osteon_fused_sgd(
            pointers(params).as_ptr(),
            pointers(grads).as_ptr(),
            if step.momentum == 0.0 {
                std::ptr::null()
            } else {
                buffers.as_ptr()
            },
            params.len() as i64,
            step.lr,
            step.weight_decay,
            step.momentum,
            step.dampening,
            step.nesterov,
            step.first,
            pointer(scaled.grad_scale),
            pointer(scaled.found_inf),
        ))
    }
}

/// Makes every `grad` undefined: the next backward pass writes it instead of adding to it, and no zeros are written.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn clear_grads(params: &[Tensor]) -> Result<(), KernelError> {
    // SAFETY: live tensors; the shim catches what libtorch throws.
    unsafe {
        checked(ffi::osteon_clear_grads(
            pointers(params).as_ptr(),
            params.len() as i64,
        ))
    }
}

/// Scales gradients down, in place, so that the norm of all together is `max_norm` at most, and returns the norm before, a one-element
/// tensor. The value is not looked at, so a GPU is not waited for.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn clip_grad_norm(grads: &[Tensor], max_norm: f64) -> Result<Tensor, KernelError> {
    let mut norm = std::ptr::null_mut();
    // SAFETY: live tensors; `norm` is set where no message is returned, and owned from there on.
    unsafe {
        checked(ffi::osteon_clip_grad_norm(
            pointers(grads).as_ptr(),
            grads.len() as i64,
            max_norm,
            &raw mut norm,
        ))?;
        Ok(Tensor::from_ptr(norm))
    }
}

/// `at::_amp_foreach_non_finite_check_and_unscale_`: multiplies gradients by `inv_scale`, in place, and sets `found_inf` to 1 where one of
/// them is not finite. Both are one-element f32 tensors.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn unscale(
    grads: &[Tensor],
    found_inf: &Tensor,
    inv_scale: &Tensor,
) -> Result<(), KernelError> {
    // SAFETY: live tensors; the shim catches what libtorch throws.
    unsafe {
        checked(ffi::osteon_unscale(
            pointers(grads).as_ptr(),
            grads.len() as i64,
            found_inf.as_ptr(),
            inv_scale.as_ptr(),
        ))
    }
}

/// How a loss scale moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaleGrowth {
    /// Times this after `interval` steps without an infinity.
    pub growth: f64,
    /// Times this after a step with one.
    pub backoff: f64,
    /// In steps.
    pub interval: i64,
}

impl Default for ScaleGrowth {
    /// As `torch.amp.GradScaler`.
    fn default() -> Self {
        Self {
            growth: 2.0,
            backoff: 0.5,
            interval: 2000,
        }
    }
}

/// `at::_amp_update_scale_`: moves `scale` (f32) and `tracker` (i32, steps since the last change), one element each, in place.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn update_scale(
    scale: &Tensor,
    tracker: &Tensor,
    found_inf: &Tensor,
    growth: ScaleGrowth,
) -> Result<(), KernelError> {
    // SAFETY: live tensors; the shim catches what libtorch throws.
    unsafe {
        checked(ffi::osteon_update_scale(
            scale.as_ptr(),
            tracker.as_ptr(),
            found_inf.as_ptr(),
            growth.growth,
            growth.backoff,
            growth.interval,
        ))
    }
}

fn same_length(
    call: &'static str,
    params: &[Tensor],
    name: &'static str,
    list: &[Tensor],
) -> Result<(), KernelError> {
    let (found, expected) = (list.len(), params.len());
    if found == expected {
        return Ok(());
    }
    Err(KernelError::Length {
        call,
        name,
        found,
        expected,
    })
}
