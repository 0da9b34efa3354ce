//! What every target has around its body.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use peak_alloc::PeakAlloc;

thread_local! {
    /// What the last panic of this thread said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// libfuzzer-sys aborts in the panic hook, before anyone can catch the panic. But a decoder's panic that the crate catches and turns into an
/// error is no fault: so the hook only keeps what was said, and what nobody catches ends the process in [`run`].
pub fn init() {
    std::panic::set_hook(Box::new(|panic| {
        // No backtrace: finding the lines takes more memory than an image may.
        SAID.with_borrow_mut(|last| *last = panic.to_string());
    }));
}

/// Runs a body; a panic that comes out of it is a finding, and so is memory above `most` bytes that Rust code asked for.
pub fn run(most: usize, body: impl FnOnce()) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    if catch_unwind(AssertUnwindSafe(body)).is_err() {
        SAID.with_borrow(|said| eprintln!("{said}"));
        std::process::abort();
    }
    let peak = MEMORY.peak_usage().saturating_sub(before);
    if peak > most {
        eprintln!("{peak} bytes were held at once, above the limit of {most}");
        std::process::abort();
    }
}

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
