//! The functions of `shim.cpp` and `script.cpp`.

use std::ffi::{CStr, c_char, c_void};

use tch::Tensor;
use torch_sys::C_tensor;

use crate::KernelError;

/// Fills the slots of gradients from the gradient of the output; null or a message made by `osteon_message`.
pub(crate) type Backward = unsafe extern "C" fn(
    context: *mut c_void,
    grad: *const C_tensor,
    grads: *mut *mut C_tensor,
) -> *mut c_char;

#[allow(unsafe_code, reason = "declares the shim")]
unsafe extern "C" {
    fn osteon_free(message: *mut c_char);
    pub(crate) fn osteon_message(bytes: *const u8, length: usize) -> *mut c_char;
    pub(crate) fn osteon_fused_adam(
        params: *const *const C_tensor,
        grads: *const *const C_tensor,
        exp_avgs: *const *const C_tensor,
        exp_avg_sqs: *const *const C_tensor,
        steps: *const *const C_tensor,
        count: i64,
        lr: f64,
        beta1: f64,
        beta2: f64,
        weight_decay: f64,
        eps: f64,
        decoupled: bool,
        grad_scale: *const C_tensor,
        found_inf: *const C_tensor,
    ) -> *mut c_char;
    pub(crate) fn osteon_fused_sgd(
        params: *const *const C_tensor,
        grads: *const *const C_tensor,
        momenta: *const *const C_tensor,
        count: i64,
        lr: f64,
        weight_decay: f64,
        momentum: f64,
        dampening: f64,
        nesterov: bool,
        first: bool,
        grad_scale: *const C_tensor,
        found_inf: *const C_tensor,
    ) -> *mut c_char;
    pub(crate) fn osteon_unscale(
        grads: *const *const C_tensor,
        count: i64,
        found_inf: *const C_tensor,
        inv_scale: *const C_tensor,
    ) -> *mut c_char;
    pub(crate) fn osteon_update_scale(
        scale: *const C_tensor,
        growth: *const C_tensor,
        found_inf: *const C_tensor,
        growth_factor: f64,
        backoff_factor: f64,
        growth_interval: i64,
    ) -> *mut c_char;
    pub(crate) fn osteon_clip_grad_norm(
        grads: *const *const C_tensor,
        count: i64,
        max_norm: f64,
        norm: *mut *mut C_tensor,
    ) -> *mut c_char;
    pub(crate) fn osteon_clear_grads(params: *const *const C_tensor, count: i64) -> *mut c_char;
    pub(crate) fn osteon_with_backward(
        output: *const C_tensor,
        inputs: *const *const C_tensor,
        count: i64,
        context: *mut c_void,
        backward: Backward,
        drop: unsafe extern "C" fn(context: *mut c_void),
    ) -> *mut c_char;
    pub(crate) fn osteon_set_deterministic(wanted: bool) -> *mut c_char;
    pub(crate) fn osteon_script(
        type_: *const c_char,
        source: *const c_char,
        names: *const *const c_char,
        tensors: *const *const C_tensor,
        buffers: *const bool,
        count: i64,
        file_names: *const *const c_char,
        files: *const *const c_char,
        file_count: i64,
        module: *mut *mut C_tensor,
    ) -> *mut c_char;
    pub(crate) fn osteon_parallel(
        parts: i64,
        context: *mut c_void,
        work: unsafe extern "C" fn(context: *mut c_void, part: i64),
    ) -> *mut c_char;
}

/// The pointers of a list of tensors, alive as long as the tensors are.
pub(crate) fn pointers<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Vec<*const C_tensor> {
    tensors.into_iter().map(Tensor::as_ptr).collect()
}

/// The pointer of a tensor, or null.
pub(crate) fn pointer(tensor: Option<&Tensor>) -> *const C_tensor {
    tensor.map_or(std::ptr::null(), Tensor::as_ptr)
}

/// What a shim function returned, as a result.
///
/// # Safety
/// `message` is null or came from the shim and is not used again.
#[allow(unsafe_code, reason = "reads and frees a C string")]
pub(crate) unsafe fn checked(message: *mut c_char) -> Result<(), KernelError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: the shim ends its messages with a zero byte; it is freed once, here.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        osteon_free(message);
        text
    };
    Err(KernelError::Libtorch(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}
