//! The functions of `shim.cpp`.
#![allow(unsafe_code, reason = "calls of the C++ shim; tch binds none of c10d")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use tch::Tensor;
use torch_sys::C_tensor;

use super::{OnGradient, Progress};

type Take = extern "C" fn(to: *mut c_void, value: *const u8, length: usize);
type OnGradientC = extern "C" fn(context: *mut c_void, index: usize, gradient: *mut C_tensor);

#[repr(C)]
struct CStore(c_void);
#[repr(C)]
struct CGroup(c_void);
#[repr(C)]
struct CWork(c_void);

unsafe extern "C" {
    fn collective_free(text: *mut c_char);
    fn collective_store_open(
        host: *const c_char,
        port: u16,
        serve: bool,
        prefix: *const c_char,
        timeout_ms: i64,
        out: *mut *mut CStore,
    ) -> *mut c_char;
    fn collective_store_close(store: *mut CStore);
    fn collective_store_set(
        store: *mut CStore,
        key: *const c_char,
        value: *const u8,
        length: usize,
    ) -> *mut c_char;
    fn collective_store_add(
        store: *mut CStore,
        key: *const c_char,
        value: i64,
        out: *mut i64,
    ) -> *mut c_char;
    fn collective_store_check(
        store: *mut CStore,
        key: *const c_char,
        out: *mut bool,
    ) -> *mut c_char;
    fn collective_store_get(
        store: *mut CStore,
        key: *const c_char,
        take: Take,
        to: *mut c_void,
    ) -> *mut c_char;
    fn collective_store_get_many(
        store: *mut CStore,
        keys: *const *const c_char,
        count: usize,
        take: Take,
        to: *mut c_void,
    ) -> *mut c_char;
    fn collective_store_set_once(
        store: *mut CStore,
        key: *const c_char,
        value: *const u8,
        length: usize,
    ) -> *mut c_char;
    fn collective_group_open(
        store: *mut CStore,
        nccl: bool,
        rank: c_int,
        size: c_int,
        host: *const c_char,
        timeout_ms: i64,
        out: *mut *mut CGroup,
    ) -> *mut c_char;
    fn collective_group_close(group: *mut CGroup);
    fn collective_group_abort(group: *mut CGroup);
    fn collective_all_reduce(
        group: *mut CGroup,
        tensor: *const C_tensor,
        out: *mut *mut CWork,
    ) -> *mut c_char;
    fn collective_broadcast(
        group: *mut CGroup,
        tensor: *const C_tensor,
        root: c_int,
        out: *mut *mut CWork,
    ) -> *mut c_char;
    fn collective_all_gather(
        group: *mut CGroup,
        whole: *const C_tensor,
        part: *const C_tensor,
        out: *mut *mut CWork,
    ) -> *mut c_char;
    fn collective_work_wait(work: *mut CWork, timeout_ms: i64, error: *mut *mut c_char) -> c_int;
    fn collective_work_free(work: *mut CWork);
    fn collective_on_gradient(
        leaf: *const C_tensor,
        call: OnGradientC,
        drop: extern "C" fn(*mut c_void),
        context: *mut c_void,
        index: usize,
    ) -> *mut c_char;
    fn collective_no_gradient_hook(leaf: *const C_tensor);
}

/// A message of the shim: its first line, or `Ok` for none.
fn checked(message: *mut c_char) -> Result<(), String> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: not null, so a string of the shim's, terminated, ours until it is freed once, here.
    let text = unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        collective_free(message);
        text
    };
    Err(text.lines().next().unwrap_or_default().to_owned())
}

/// What a function of the shim has put out.
fn opened<T>(message: *mut c_char, out: *mut T) -> Result<NonNull<T>, String> {
    checked(message)?;
    NonNull::new(out).ok_or_else(|| "libtorch gave nothing".to_owned())
}

fn c_string(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| format!("{text:?} holds a NUL"))
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

/// Pushes a value onto a `Vec<Vec<u8>>`.
extern "C" fn push(to: *mut c_void, value: *const u8, length: usize) {
    // SAFETY: `to` is the vector that `get` or `get_many` lends for the call; `value` has `length` bytes (any pointer for none).
    unsafe {
        let value = if length == 0 {
            Vec::new()
        } else {
            std::slice::from_raw_parts(value, length).to_vec()
        };
        (*to.cast::<Vec<Vec<u8>>>()).push(value);
    }
}

/// A connection to the key-value store, or its server. Every key lies under the prefix.
pub(crate) struct Store(NonNull<CStore>);

// SAFETY: c10d's TCPStore locks itself around every operation.
unsafe impl Send for Store {}
// SAFETY: as above.
unsafe impl Sync for Store {}

impl Store {
    /// A client keeps trying to connect until `timeout`.
    pub(crate) fn open(
        host: &str,
        port: u16,
        serve: bool,
        prefix: &str,
        timeout: Duration,
    ) -> Result<Self, String> {
        let (host, prefix) = (c_string(host)?, c_string(prefix)?);
        let mut out = std::ptr::null_mut();
        // SAFETY: terminated strings that live through the call, and a place for the result.
        let message = unsafe {
            collective_store_open(
                host.as_ptr(),
                port,
                serve,
                prefix.as_ptr(),
                milliseconds(timeout),
                &raw mut out,
            )
        };
        opened(message, out).map(Self)
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        let key = c_string(key)?;
        // SAFETY: an open store; key and value live through the call.
        checked(unsafe {
            collective_store_set(self.0.as_ptr(), key.as_ptr(), value.as_ptr(), value.len())
        })
    }

    /// Adds to a counter, which begins at 0, and gives its value.
    pub(crate) fn add(&self, key: &str, value: i64) -> Result<i64, String> {
        let key = c_string(key)?;
        let mut out = 0;
        // SAFETY: an open store; the key lives through the call.
        checked(unsafe {
            collective_store_add(self.0.as_ptr(), key.as_ptr(), value, &raw mut out)
        })?;
        Ok(out)
    }

    pub(crate) fn has(&self, key: &str) -> Result<bool, String> {
        let key = c_string(key)?;
        let mut out = false;
        // SAFETY: an open store; the key lives through the call.
        checked(unsafe { collective_store_check(self.0.as_ptr(), key.as_ptr(), &raw mut out) })?;
        Ok(out)
    }

    /// Waits for the key up to the store's timeout.
    pub(crate) fn get(&self, key: &str) -> Result<Vec<u8>, String> {
        let key = c_string(key)?;
        let mut values: Vec<Vec<u8>> = Vec::new();
        // SAFETY: an open store; `push` gets the vector that it expects, for the call alone.
        checked(unsafe {
            collective_store_get(
                self.0.as_ptr(),
                key.as_ptr(),
                push,
                (&raw mut values).cast(),
            )
        })?;
        Ok(values.pop().unwrap_or_default())
    }

    /// The values of keys that are all there, in one round trip.
    pub(crate) fn get_many(&self, keys: &[CString]) -> Result<Vec<Vec<u8>>, String> {
        let pointers: Vec<_> = keys.iter().map(|key| key.as_ptr()).collect();
        let mut values: Vec<Vec<u8>> = Vec::new();
        // SAFETY: an open store; `keys` outlive the call; `push` gets the vector that it expects.
        checked(unsafe {
            collective_store_get_many(
                self.0.as_ptr(),
                pointers.as_ptr(),
                pointers.len(),
                push,
                (&raw mut values).cast(),
            )
        })?;
        Ok(values)
    }

    /// Sets a key unless it is there.
    pub(crate) fn set_once(&self, key: &str, value: &[u8]) -> Result<(), String> {
        let key = c_string(key)?;
        // SAFETY: an open store; key and value live through the call.
        checked(unsafe {
            collective_store_set_once(self.0.as_ptr(), key.as_ptr(), value.as_ptr(), value.len())
        })
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { collective_store_close(self.0.as_ptr()) }
    }
}

/// A process group's backend: the connections to every other rank.
pub(crate) struct Backend(NonNull<CGroup>);

// SAFETY: c10d's process groups lock their queue; the crate issues operations from one thread at a time.
unsafe impl Send for Backend {}
// SAFETY: as above.
unsafe impl Sync for Backend {}

impl Backend {
    /// Whether this build holds NCCL: as far as its feature says; a libtorch without CUDA still refuses in `open`.
    pub(crate) const HAS_NCCL: bool = cfg!(feature = "nccl");

    /// Why there is no engine in this build at all.
    pub(crate) const ABSENT: Option<&'static str> = None;

    /// `host`: the local name or address that gloo binds to, empty for c10d's own choice.
    pub(crate) fn open(
        store: &Store,
        nccl: bool,
        rank: usize,
        size: usize,
        host: &str,
        timeout: Duration,
    ) -> Result<Self, String> {
        let host = c_string(host)?;
        let mut out = std::ptr::null_mut();
        // SAFETY: an open store (the group takes a reference of its own); rank and size fit, as the environment was checked.
        let message = unsafe {
            collective_group_open(
                store.0.as_ptr(),
                nccl,
                rank as c_int,
                size as c_int,
                host.as_ptr(),
                milliseconds(timeout),
                &raw mut out,
            )
        };
        opened(message, out).map(Self)
    }

    fn start(call: impl FnOnce(*mut *mut CWork) -> *mut c_char) -> Result<Work, String> {
        let mut out = std::ptr::null_mut();
        let message = call(&raw mut out);
        opened(message, out).map(Work)
    }

    pub(crate) fn all_reduce(&self, tensor: &Tensor) -> Result<Work, String> {
        // SAFETY: an open group and a live tensor, of which the work keeps a reference.
        Self::start(|out| unsafe { collective_all_reduce(self.0.as_ptr(), tensor.as_ptr(), out) })
    }

    pub(crate) fn broadcast(&self, tensor: &Tensor, root: usize) -> Result<Work, String> {
        // SAFETY: as above.
        Self::start(|out| unsafe {
            collective_broadcast(self.0.as_ptr(), tensor.as_ptr(), root as c_int, out)
        })
    }

    pub(crate) fn all_gather(&self, whole: &Tensor, part: &Tensor) -> Result<Work, String> {
        // SAFETY: as above.
        Self::start(|out| unsafe {
            collective_all_gather(self.0.as_ptr(), whole.as_ptr(), part.as_ptr(), out)
        })
    }

    /// Breaks the connections where the backend can.
    pub(crate) fn abort(&self) {
        // SAFETY: an open group.
        unsafe { collective_group_abort(self.0.as_ptr()) }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { collective_group_close(self.0.as_ptr()) }
    }
}

/// An operation under way. It holds references of its own to what it reads and writes.
pub(crate) struct Work(NonNull<CWork>);

// SAFETY: c10d's Work locks itself.
unsafe impl Send for Work {}

impl Work {
    pub(crate) fn wait(&self, at_most: Duration) -> Progress {
        let mut error = std::ptr::null_mut();
        // SAFETY: an open work and a place for its message. 0 ms would mean "for ever".
        let state = unsafe {
            collective_work_wait(
                self.0.as_ptr(),
                milliseconds(at_most).max(1),
                &raw mut error,
            )
        };
        match checked(error) {
            Err(message) => Progress::Failed(message),
            Ok(()) if state == 1 => Progress::Done,
            Ok(()) => Progress::Pending,
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { collective_work_free(self.0.as_ptr()) }
    }
}

/// Hooks on leaves, taken off when this is dropped.
pub(crate) struct GradHooks(Vec<Tensor>);

extern "C" fn call(context: *mut c_void, index: usize, gradient: *mut C_tensor) {
    // A panic must not unwind into C++.
    let _ = std::panic::catch_unwind(|| {
        // SAFETY: `context` is the box made in `GradHooks::new`, alive until `forget`; the gradient is live, and a reference is taken.
        let (target, gradient) = unsafe {
            (
                &*context.cast::<Arc<dyn OnGradient>>(),
                Tensor::clone_from_ptr(gradient),
            )
        };
        target.on_gradient(index, &gradient);
    });
}

extern "C" fn forget(context: *mut c_void) {
    // SAFETY: the box made in `GradHooks::new`, given back once by the hook's destructor.
    drop(unsafe { Box::from_raw(context.cast::<Arc<dyn OnGradient>>()) });
}

impl GradHooks {
    /// Calls `target` when the gradient of `leaves[index]` has been accumulated. Replaces such a hook that is there already.
    pub(crate) fn new(leaves: &[&Tensor], target: &Arc<dyn OnGradient>) -> Result<Self, String> {
        let mut hooks = Self(Vec::with_capacity(leaves.len()));
        for (index, leaf) in leaves.iter().enumerate() {
            let context = Box::into_raw(Box::new(Arc::clone(target)));
            // SAFETY: a live tensor; `context` belongs to the hook from here on, which gives it to `forget`, also on failure.
            checked(unsafe {
                collective_on_gradient(leaf.as_ptr(), call, forget, context.cast(), index)
            })?;
            hooks.0.push(leaf.shallow_clone());
        }
        Ok(hooks)
    }
}

impl Drop for GradHooks {
    fn drop(&mut self) {
        for leaf in &self.0 {
            // SAFETY: a live tensor.
            unsafe { collective_no_gradient_hook(leaf.as_ptr()) }
        }
    }
}
