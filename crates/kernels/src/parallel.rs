//! Work shared out among libtorch's own threads: a second set of threads would fight with them for the cores.

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::KernelError;
use crate::ffi::{self, checked};

struct Shared<'a, S, I, W> {
    next: AtomicUsize,
    parts: usize,
    init: &'a I,
    work: &'a W,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    state: std::marker::PhantomData<fn() -> S>,
}

/// Calls `work(scratch, part)` for every part below `parts`, on as many threads as libtorch uses (`tch::get_num_threads`), whoever is free
/// taking the next. `init` makes each thread's scratch. A panic in one part is passed on when all have ended.
#[allow(unsafe_code, reason = "hands a closure through the shim")]
pub(crate) fn for_each_part<S, I, W>(parts: usize, init: &I, work: &W) -> Result<(), KernelError>
where
    I: Fn() -> S + Sync,
    W: Fn(&mut S, usize) + Sync,
{
    let threads = usize::try_from(tch::get_num_threads())
        .unwrap_or(1)
        .clamp(1, parts.max(1));
    let shared = Shared {
        next: AtomicUsize::new(0),
        parts,
        init,
        work,
        panic: Mutex::new(None),
        state: std::marker::PhantomData,
    };
    if threads == 1 {
        run(&shared);
    } else {
        // SAFETY: `trampoline` gets this same struct, which outlives the call; it may be shared since all its parts may.
        unsafe {
            checked(ffi::osteon_parallel(
                threads as i64,
                (&raw const shared).cast_mut().cast::<c_void>(),
                trampoline::<S, I, W>,
            ))?;
        }
    }
    let panic = shared.panic.into_inner();
    match panic.unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(panic) => resume_unwind(panic),
        None => Ok(()),
    }
}

#[allow(unsafe_code, reason = "called by the shim with what it was given")]
unsafe extern "C" fn trampoline<S, I, W>(context: *mut c_void, _part: i64)
where
    I: Fn() -> S + Sync,
    W: Fn(&mut S, usize) + Sync,
{
    // SAFETY: see `for_each_part`.
    run(unsafe { &*context.cast::<Shared<'_, S, I, W>>() });
}

fn run<S, I, W>(shared: &Shared<'_, S, I, W>)
where
    I: Fn() -> S + Sync,
    W: Fn(&mut S, usize) + Sync,
{
    let all = || {
        let mut scratch = None;
        loop {
            let part = shared.next.fetch_add(1, Ordering::Relaxed);
            if part >= shared.parts {
                break;
            }
            (shared.work)(scratch.get_or_insert_with(shared.init), part);
        }
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(all))
        && let Ok(mut first) = shared.panic.lock()
    {
        first.get_or_insert(panic);
    }
}

/// A slice whose disjoint parts are written by several threads.
pub(crate) struct Parts<T> {
    start: *mut T,
    length: usize,
}

#[allow(unsafe_code, reason = "states what `part` asks of its callers")]
// SAFETY: only `part` gives access, and its callers promise that no two parts overlap.
unsafe impl<T: Send> Sync for Parts<T> {}

impl<T> Parts<T> {
    /// Borrows a slice for as long as the value is used; the callers keep the borrow alive.
    pub fn new(slice: &mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            length: slice.len(),
        }
    }

    /// The `index`-th of the parts of `size` elements.
    ///
    /// # Safety
    /// No two living parts have the same index, all are asked for with one size, and the slice is still borrowed.
    #[allow(unsafe_code, reason = "the one door to shared writing")]
    #[allow(clippy::mut_from_ref, reason = "the parts do not overlap")]
    pub unsafe fn part(&self, index: usize, size: usize) -> &mut [T] {
        assert!((index + 1) * size <= self.length, "Invariant: inside");
        // SAFETY: inside the slice, as asserted, and not aliased, as promised.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(index * size), size) }
    }
}
