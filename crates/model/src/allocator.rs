//! What the C allocator does with freed memory.

/// Tells the C allocator to keep what libtorch frees instead of giving it back to the system.
///
/// A network's activations are some tens of megabytes, allocated and freed at every step. By default glibc maps and unmaps such
/// blocks, and the page faults cost more than the arithmetic. Call it once, first thing in `main`. Elsewhere than on glibc it does nothing.
#[allow(
    unsafe_code,
    reason = "the C library's own switch, reached through libc"
)]
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes two integers, may be called at any time, and reports an unknown setting by its return value alone.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Gives what was freed, and kept as [`keep_freed_memory`] says, back to the system. Elsewhere than on glibc it does nothing.
#[allow(
    unsafe_code,
    reason = "the C library's own function, reached through libc"
)]
pub fn give_back_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim takes an integer and may be called at any time; it touches no memory that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}
