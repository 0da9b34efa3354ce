//! Sizes of a fused layer, and where its rows go.

use std::ops::Range;

use super::number::Number;

/// Sizes of a fused layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub films: usize,
    pub input: usize,
    pub height: usize,
    pub width: usize,
    pub output: usize,
}

/// Rows of windows shared out so that few images keep all threads busy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bands {
    pub count: usize,
}

impl Shape {
    /// Of pooled pixels: an odd last row is left out.
    pub fn rows(&self) -> usize {
        self.height / 2
    }

    /// Of pooled pixels.
    pub fn columns(&self) -> usize {
        self.width / 2
    }

    pub fn bands(&self) -> Bands {
        let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1);
        // The cut changes no sum, so it may follow the number of threads.
        let count = if threads == 1 {
            1
        } else {
            (4 * threads).div_ceil(self.films)
        };
        Bands {
            count: count.clamp(1, self.rows().max(1)),
        }
    }
}

impl Bands {
    pub fn rows(self, number: usize, rows: usize) -> Range<usize> {
        rows * number / self.count..rows * (number + 1) / self.count
    }
}

/// Where pooled rows go: N×H×W×C, or, transposed on the way, N×C×H×W.
pub(super) struct Sink<O> {
    start: *mut O,
    length: usize,
    rows: usize,
    columns: usize,
    channels: usize,
    channels_last: bool,
}

#[allow(unsafe_code, reason = "states what `write` promises")]
// SAFETY: `write` touches only the row that it is called for, and its callers write each row once.
unsafe impl<O: Send> Sync for Sink<O> {}

impl<O: Number> Sink<O> {
    /// Borrows the output for as long as it is used; the callers keep the borrow alive.
    pub fn new(output: &mut [O], shape: &Shape, channels_last: bool) -> Self {
        Self {
            start: output.as_mut_ptr(),
            length: output.len(),
            rows: shape.rows(),
            columns: shape.columns(),
            channels: shape.output,
            channels_last,
        }
    }

    /// Lets `make` write one row of pooled pixels, W×C, and takes it where it belongs. `scratch` has room for it.
    #[allow(unsafe_code, reason = "threads write to one output")]
    pub fn write(&self, film: usize, y: usize, scratch: &mut [O], make: impl FnOnce(&mut [O])) {
        let size = self.columns * self.channels;
        assert!(
            (film + 1) * self.rows * size <= self.length && y < self.rows,
            "Invariant: inside"
        );
        if self.channels_last {
            let at = (film * self.rows + y) * size;
            // SAFETY: inside, as asserted; no other thread has this row.
            make(unsafe { std::slice::from_raw_parts_mut(self.start.add(at), size) });
            return;
        }
        let scratch = &mut scratch[..size];
        make(scratch);
        for channel in 0..self.channels {
            let at = ((film * self.channels + channel) * self.rows + y) * self.columns;
            // SAFETY: inside, as asserted; no other thread has this row.
            let to = unsafe { std::slice::from_raw_parts_mut(self.start.add(at), self.columns) };
            for (to, from) in to
                .iter_mut()
                .zip(scratch.iter().skip(channel).step_by(self.channels))
            {
                *to = *from;
            }
        }
    }
}
