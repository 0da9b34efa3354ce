//! A node of the autograd graph whose backward pass is a Rust closure.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::Tensor;
use torch_sys::C_tensor;

use crate::KernelError;
use crate::ffi::{self, checked, pointers};

/// From the gradient of the output to the gradients of the inputs, `None` where an input needs none. Runs without a graph.
pub type Backward = Box<dyn Fn(&Tensor) -> Result<Vec<Option<Tensor>>, KernelError> + Send>;

struct Context {
    backward: Backward,
    inputs: usize,
}

/// Makes `output`, computed without a graph from `inputs`, a node of the graph whose backward pass is `backward`; where gradients are
/// off or no input wants one, `output` stays as it is. `backward` must not hold `output` (the two would keep each other alive), and
/// what it holds must not be changed in place before the backward pass: libtorch does not see it.
///
/// An error or a panic of `backward` comes back from `f_backward` as an error.
#[allow(
    unsafe_code,
    reason = "hands a closure through libtorch's C++ and calls the shim"
)]
pub fn with_backward(
    output: Tensor,
    inputs: &[&Tensor],
    backward: Backward,
) -> Result<Tensor, KernelError> {
    let context = Box::new(Context {
        backward,
        inputs: inputs.len(),
    });
    // SAFETY: the shim takes the context over in any case and drops it once by `drop_context`; the tensors are live.
    unsafe {
        checked(ffi::osteon_with_backward(
            output.as_ptr(),
            pointers(inputs.iter().copied()).as_ptr(),
            inputs.len() as i64,
            Box::into_raw(context).cast::<c_void>(),
            run_backward,
            drop_context,
        ))?;
    }
    Ok(output)
}

#[allow(unsafe_code, reason = "called by the shim with what it was given")]
unsafe extern "C" fn run_backward(
    context: *mut c_void,
    grad: *const C_tensor,
    grads: *mut *mut C_tensor,
) -> *mut c_char {
    let work = || -> Result<(), String> {
        // SAFETY: the context is the one of `with_backward`, not yet dropped; libtorch runs a node on one thread at a time.
        let context = unsafe { &*context.cast::<Context>() };
        // SAFETY: a live tensor, copied as a further reference to it.
        let grad = unsafe { Tensor::clone_from_ptr(grad.cast_mut()) };
        let found = (context.backward)(&grad).map_err(|error| error.to_string())?;
        if found.len() != context.inputs {
            let (found, inputs) = (found.len(), context.inputs);
            return Err(format!(
                "a backward pass gave {found} gradients for {inputs} inputs"
            ));
        }
        for (slot, tensor) in found.into_iter().enumerate() {
            if let Some(mut tensor) = tensor {
                // SAFETY: `grads` has a slot for each input. The tensor's own handle is given away: it must not be dropped here.
                unsafe { *grads.add(slot) = tensor.as_mut_ptr() };
                std::mem::forget(tensor);
            }
        }
        Ok(())
    };
    let message = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return std::ptr::null_mut(),
        Ok(Err(message)) => message,
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            format!("a backward pass panicked: {}", text.unwrap_or("no message"))
        }
    };
    // SAFETY: copies so many bytes.
    unsafe { ffi::osteon_message(message.as_ptr(), message.len()) }
}

#[allow(unsafe_code, reason = "called by the shim with what it was given")]
unsafe extern "C" fn drop_context(context: *mut c_void) {
    // A panic in a drop must not reach C++ either; there is nobody to tell.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: made by `Box::into_raw` in `with_backward` and dropped once.
        drop(unsafe { Box::from_raw(context.cast::<Context>()) });
    }));
}
