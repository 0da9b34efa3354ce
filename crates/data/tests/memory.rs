//! Images cost no allocation once the loader runs. A program of its own: it counts for the whole process.
#![expect(
    unsafe_code,
    reason = "an allocator that counts, and else does what the system's does"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use osteon_data::{
    Augment, Catalog, DataLoader, Dataset, Decoder, LoadOptions, Preprocess, Sampler, Split,
};
use osteon_synth::write_synth;

static CALLS: AtomicUsize = AtomicUsize::new(0);
/// Of a megabyte or more: a batch's pixels.
static LARGE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        if layout.size() >= 1_000_000 {
            LARGE.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations a batch once `warm` batches were made, and large ones in all.
fn count(make: impl FnOnce() -> DataLoader, warm: usize) -> (f64, usize) {
    LARGE.store(0, Ordering::Relaxed);
    let mut batches = 0;
    for (number, batch) in make().enumerate() {
        assert!(!batch.expect("reads").is_empty());
        if number < warm {
            CALLS.store(0, Ordering::Relaxed);
        } else {
            batches += 1;
        }
    }
    let calls = CALLS.load(Ordering::Relaxed) as f64 / f64::from(batches);
    (calls, LARGE.load(Ordering::Relaxed))
}

#[test]
fn films_cost_no_allocation_once_the_loader_runs() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("set");
    write_synth(&root, 92, 1, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let (decoder, preprocess) = (Decoder::default(), Preprocess::default());
    let films = Dataset::load(entries, &decoder, &preprocess, &|| {}).expect("loads");
    let options = LoadOptions {
        augment: Some(Augment {
            gamma: 0.2,
            noise: 5.0,
            erase: 0.5,
            ..Augment::default()
        }),
        sampler: Sampler::Shuffled,
        epochs: 0..20,
        threads: 2,
        ..LoadOptions::plain(32)
    };
    // One in the hands of each of two threads, two ready, one lent; not one for each of the 60 batches.
    let at_once = 5;
    let films = Arc::new(films);
    let (calls, large) = count(|| films.loader(options.clone()), 20);
    // Labels, places and the queue: a few a batch of 32 images, and a table where gamma bends the line.
    assert!(calls < 64.0, "{calls} allocations a batch");
    assert!(large <= at_once, "{large} batches' memory");
    let stream = || DataLoader::stream(entries.to_vec(), &decoder, &preprocess, false, options);
    let (_, large) = count(stream, 20);
    assert!(large <= at_once, "{large} batches' memory");
}
