//! Settings of libtorch that tch does not reach.

use crate::KernelError;
use crate::ffi::{self, checked};

/// Whether libtorch is to use only algorithms that give the same bits each time, for the whole process. An operation that has none then
/// fails and says which it is. On the CPU all that a network needs have one; on CUDA `CUBLAS_WORKSPACE_CONFIG=:4096:8` must be set in the
/// environment, too.
#[allow(unsafe_code, reason = "calls the shim")]
pub fn set_deterministic(wanted: bool) -> Result<(), KernelError> {
    // SAFETY: takes a plain value; the shim catches what libtorch throws.
    unsafe { checked(ffi::osteon_set_deterministic(wanted)) }
}
