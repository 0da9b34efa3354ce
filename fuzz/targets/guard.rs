//! What every target has around its body.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    /// What the last panic of this thread said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// libfuzzer-sys aborts in the panic hook, before anyone can catch the panic. But a decoder's panic that the crate catches and turns into an
/// error is no fault: so the hook only keeps what was said, and what nobody catches ends the process in [`run`].
pub fn init() {
    std::panic::set_hook(Box::new(|panic| {
        // No backtrace: finding the lines takes more memory than a film may.
        SAID.with_borrow_mut(|last| *last = panic.to_string());
    }));
}

/// Runs a body; a panic that comes out of it is a finding, and so is memory above `most` bytes that Rust code asked for.
pub fn run(most: usize, body: impl FnOnce()) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    if catch_unwind(AssertUnwindSafe(body)).is_err() {
        SAID.with_borrow(|said| eprintln!("{said}"));
        std::process::abort();
    }
    let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    if peak > most {
        eprintln!("{peak} bytes were held at once, above the limit of {most}");
        std::process::abort();
    }
}

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
