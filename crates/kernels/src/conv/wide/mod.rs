//! Convolution of many channels, bias, ReLU and pooling in one pass, by AVX-512.
//!
//! Forward: the sums of three windows side by side, for 32 channels, stay in 24 registers; pooling happens there. Backward: of a window
//! and channel only one position has a gradient, and none where ReLU took all; the live ones are listed, and each adds nine pixels times
//! 32 channels to nine sums in registers. That is a quarter of the dense arithmetic or less, with no zeros written or read.

mod vector;

use std::mem::size_of;

use super::lanes::WIDTH;
use super::number::{Aligned, Number};
use super::shape::{Shape, Sink};
use crate::KernelError;
use crate::parallel::{Parts, for_each_part};
pub(super) use vector::Dot;
use vector::{Gather, Tiles};

/// Channels that a pass works on.
const BLOCK: usize = 2 * WIDTH;

/// Rows of a band: those that two rows of sums see.
const BAND: usize = 4;

/// Weights as the forward pass reads them: for 32 outputs, tap by tap, and for each 32 bits of a pixel (one f32 channel, or two of
/// bfloat16), 32 outputs.
fn pack_forward<T: Dot>(kernel: &[f32], shape: &Shape) -> Aligned<T> {
    let (input, output) = (shape.input, shape.output);
    let mut packed = Aligned::new(kernel.len());
    let group = T::GROUP;
    // In the order of reading: an image alone waits for this.
    let to = packed.slice_mut();
    for (o, kernel) in kernel.chunks_exact(9 * input).enumerate() {
        let start = (o / BLOCK * 9 * input * BLOCK) + o % BLOCK * group;
        for (i, taps) in kernel.chunks_exact(9).enumerate() {
            let start = start + i / group * BLOCK * group + i % group;
            for (tap, &value) in taps.iter().enumerate() {
                to[start + tap * input * BLOCK] = T::narrow(value);
            }
        }
    }
    debug_assert_eq!(packed.slice().len(), 9 * input * output);
    packed
}

/// Weights as the backward pass reads them: output by output, tap by tap, inputs in the order that makes its sums come out in order.
fn pack_backward<T: Dot>(kernel: &[f32], shape: &Shape) -> Aligned<T> {
    let input = shape.input;
    let mut packed = Aligned::new(kernel.len());
    for (o, kernel) in kernel.chunks_exact(9 * input).enumerate() {
        for tap in 0..9 {
            for at in 0..input {
                let i = at / BLOCK * BLOCK + T::lane_of(at % BLOCK);
                packed.slice_mut()[(o * 9 + tap) * input + at] = T::narrow(kernel[i * 9 + tap]);
            }
        }
    }
    packed
}

/// Rows `from..from + BAND` of an image of H×W×I with a border of zeros around it; row 0 is the border.
fn pad<T: Number>(film: &[T], shape: &Shape, from: usize, to: &mut [T]) {
    let (row, pixel) = (shape.width * shape.input, shape.input);
    for (number, to) in to.chunks_exact_mut(row + 2 * pixel).enumerate() {
        let number = from + number;
        if number == 0 || number > shape.height {
            to.fill(T::default());
        } else {
            to[..pixel].fill(T::default());
            to[pixel..pixel + row].copy_from_slice(&film[(number - 1) * row..number * row]);
            to[pixel + row..].fill(T::default());
        }
    }
}

/// Images N×H×W×I, weights O×I×9, bias O → pooled rows into `sink`, places N×(H/2)×(W/2)×O.
#[allow(unsafe_code, reason = "shares the output out among threads")]
pub(super) fn forward<T: Dot, O: Number>(
    shape: &Shape,
    films: &[T],
    kernel: &[f32],
    bias: &[f32],
    sink: &Sink<O>,
    places: &mut [u8],
) -> Result<(), KernelError> {
    let weight = pack_forward::<T>(kernel, shape);
    let (rows, columns, channels) = (shape.rows(), shape.columns(), shape.output);
    let bands = shape.bands();
    let places = Parts::new(places);
    let pitch = (shape.width + 2) * shape.input;
    let size = shape.height * shape.width * shape.input;
    for_each_part(
        shape.films * bands.count,
        &|| {
            (
                Aligned::<T>::new(BAND * pitch),
                Aligned::<O>::new(columns * channels),
            )
        },
        &|(band, row), part| {
            let (film, number) = (part / bands.count, part % bands.count);
            for y in bands.rows(number, rows) {
                pad(
                    &films[film * size..][..size],
                    shape,
                    2 * y,
                    band.slice_mut(),
                );
                // SAFETY: one thread has this row of this image.
                let places = unsafe { places.part(film * rows + y, columns * channels) };
                sink.write(film, y, row.slice_mut(), |to| {
                    let call = Tiles {
                        band: band.slice(),
                        pitch,
                        input: shape.input,
                        weight: weight.slice(),
                        bias,
                        to,
                        places,
                    };
                    // SAFETY: `fits` has asked the processor, and the slices have the sizes that `Tiles` states.
                    unsafe { T::tiles(call) };
                });
            }
        },
    )
}

/// What a thread needs for the backward pass.
struct Scratch<T> {
    band: Aligned<T>,
    /// Gradients of the band's pixels: four padded rows.
    back: Aligned<f32>,
    /// The live of one row of windows, output by output, for the weights' gradients.
    row: Lists<T>,
    /// The live of one window, place by place, for the input's; the fifth list takes the dead.
    window: Lists<T>,
}

/// Lists of (byte offset, gradient), each of even length once closed.
struct Lists<T> {
    offsets: Vec<u32>,
    values: Vec<T>,
    counts: Vec<usize>,
    room: usize,
}

impl<T: Number> Lists<T> {
    fn new(lists: usize, longest: usize) -> Self {
        let room = longest.next_multiple_of(2);
        Self {
            offsets: vec![0; lists * room],
            values: vec![T::default(); lists * room],
            counts: vec![0; lists],
            room,
        }
    }

    fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// Without a branch: what does not count is overwritten by the next.
    #[inline(always)]
    fn push(&mut self, list: usize, offset: u32, value: T, counts: bool) {
        let count = &mut self.counts[list];
        let at = list * self.room + *count;
        // Room is for one of each window or output, of which no more are pushed; the last may have been pushed without counting.
        self.offsets[at] = offset;
        self.values[at] = value;
        *count += usize::from(counts);
    }

    /// The list, filled up to an even length with a gradient of 0.
    #[inline(always)]
    fn closed(&mut self, list: usize) -> (&[u32], &[T]) {
        let (start, count) = (list * self.room, self.counts[list]);
        let mut end = start + count;
        if count % 2 == 1 {
            self.offsets[end] = self.offsets[end - 1];
            self.values[end] = T::default();
            end += 1;
        }
        (&self.offsets[start..end], &self.values[start..end])
    }
}

/// Gradients of weights (O×9×I) and, behind them, bias (O), from those of the pooled pixels, N×O×(H/2)×(W/2); and of the images, where
/// asked for, into `back`, N×H×W×I. Each image's sum is its own and they are added in the images' order.
#[allow(unsafe_code, reason = "shares the sums out among threads")]
pub(super) fn backward<T: Dot>(
    shape: &Shape,
    films: &[T],
    kernel: &[f32],
    grads: &[f32],
    places: &[u8],
    back: Option<&mut [T]>,
) -> Result<Vec<f32>, KernelError> {
    let weight = pack_backward::<T>(kernel, shape);
    let (input, output) = (shape.input, shape.output);
    let size = output * (9 * input + 1);
    let mut sums = vec![0.0; shape.films * size];
    let shared = Parts::new(&mut sums);
    let back = back.map(Parts::new);
    let pitch = (shape.width + 2) * input;
    let film_size = shape.height * shape.width * input;
    let pooled = shape.rows() * shape.columns() * output;
    for_each_part(
        shape.films,
        &|| Scratch {
            band: Aligned::new(BAND * pitch),
            back: Aligned::new(BAND * pitch),
            row: Lists::new(output, shape.columns() + 1),
            window: Lists::new(5, output + 1),
        },
        &|scratch: &mut Scratch<T>, film| {
            // SAFETY: one thread has this image.
            let sums = unsafe { shared.part(film, size) };
            // SAFETY: as above.
            let back = back
                .as_ref()
                .map(|back| unsafe { back.part(film, film_size) });
            let call = Film {
                shape,
                pixels: &films[film * film_size..][..film_size],
                grads: &grads[film * pooled..][..pooled],
                places: &places[film * pooled..][..pooled],
                weight: weight.slice(),
            };
            call.backward(scratch, sums, back);
        },
    )?;
    let mut total = vec![0.0; size];
    for sums in sums.chunks_exact(size) {
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    // From blocks of 32 inputs, in the order of the registers, to O×9×I.
    let mut ordered = total.clone();
    for o in 0..output {
        for tap in 0..9 {
            for i in 0..input {
                let (block, lane) = (i / BLOCK, T::sum_of(i % BLOCK));
                let from = ((o * (input / BLOCK) + block) * 9 + tap) * BLOCK + lane;
                ordered[(o * 9 + tap) * input + i] = total[from];
            }
        }
    }
    Ok(ordered)
}

/// One image of the backward pass.
struct Film<'a, T> {
    shape: &'a Shape,
    pixels: &'a [T],
    grads: &'a [f32],
    places: &'a [u8],
    weight: &'a [T],
}

impl<T: Dot> Film<'_, T> {
    fn backward(&self, scratch: &mut Scratch<T>, sums: &mut [f32], mut back: Option<&mut [T]>) {
        let shape = self.shape;
        let pitch = (shape.width + 2) * shape.input;
        scratch.back.slice_mut().fill(0.0);
        for y in 0..shape.rows() {
            pad(self.pixels, shape, 2 * y, scratch.band.slice_mut());
            self.windows(y, scratch, sums, back.is_some());
            self.weights(scratch, sums);
            if let Some(back) = back.as_deref_mut() {
                let strip = scratch.back.slice_mut();
                // The upper two rows are complete; the lower two get more from the next row of windows, if there is one.
                let complete = if y + 1 == shape.rows() { BAND } else { 2 };
                for (number, strip) in strip.chunks_exact(pitch).take(complete).enumerate() {
                    let row = 2 * y + number;
                    if row >= 1 && row <= shape.height {
                        let size = shape.width * shape.input;
                        let to = &mut back[(row - 1) * size..row * size];
                        // SAFETY: `fits` has asked the processor; the lengths are equal and multiples of 32.
                        #[allow(unsafe_code, reason = "vector instructions")]
                        unsafe {
                            vector::convert(&strip[shape.input..][..size], to);
                        }
                    }
                }
                strip.copy_within(2 * pitch.., 0);
                strip[2 * pitch..].fill(0.0);
            }
        }
    }

    /// Lists the live of a row of windows, and adds what they give to the gradients of the band's pixels.
    #[allow(unsafe_code, reason = "vector instructions")]
    fn windows(&self, y: usize, scratch: &mut Scratch<T>, sums: &mut [f32], wants_back: bool) {
        let shape = self.shape;
        let (input, output, columns) = (shape.input, shape.output, shape.columns());
        let pixel = input * size_of::<T>();
        let pitch = (shape.width + 2) * input;
        let corner = |place: usize| (place >> 1 & 1) * pitch + (place & 1) * input;
        let offsets: [u32; 5] = std::array::from_fn(|p| (corner(p) * size_of::<T>()) as u32);
        let bias = sums.len() - output;
        let plane = shape.rows() * columns;
        let Scratch { row, window, .. } = scratch;
        row.clear();
        for x in 0..columns {
            let at = y * columns + x;
            let places = &self.places[at * output..][..output];
            window.clear();
            for (o, &place) in places.iter().enumerate() {
                let grad = self.grads[o * plane + at];
                let alive = place < 4 && grad != 0.0;
                let place = if alive { usize::from(place) } else { 4 };
                let value = T::narrow(grad);
                row.push(o, offsets[place] + (2 * x * pixel) as u32, value, alive);
                window.push(place, (o * 9 * pixel) as u32, value, true);
                sums[bias + o] += if alive { grad } else { 0.0 };
            }
            if !wants_back {
                continue;
            }
            for place in 0..4 {
                let (offsets, values) = window.closed(place);
                if values.is_empty() {
                    continue;
                }
                for block in 0..input / BLOCK {
                    let start = corner(place) + 2 * x * input + block * BLOCK;
                    let call = Gather {
                        from: self.weight.as_ptr().wrapping_add(block * BLOCK),
                        from_steps: [3 * pixel, pixel],
                        offsets,
                        values,
                        to: scratch.back.slice_mut()[start..].as_mut_ptr(),
                        to_steps: [pitch, input],
                    };
                    // SAFETY: nine taps of 32 weights from each output's first, and nine pixels of 32 numbers from the window's corner.
                    unsafe { T::gather(call) };
                }
            }
        }
    }

    /// Adds what a row of windows gives to the weights' gradients.
    #[allow(unsafe_code, reason = "vector instructions")]
    fn weights(&self, scratch: &mut Scratch<T>, sums: &mut [f32]) {
        let (input, output) = (self.shape.input, self.shape.output);
        let pixel = input * size_of::<T>();
        let blocks = input / BLOCK;
        for block in 0..blocks {
            for o in 0..output {
                let (offsets, values) = scratch.row.closed(o);
                if values.is_empty() {
                    continue;
                }
                let start = (o * blocks + block) * 9 * BLOCK;
                let call = Gather {
                    from: scratch.band.slice().as_ptr().wrapping_add(block * BLOCK),
                    from_steps: [(self.shape.width + 2) * pixel, pixel],
                    offsets,
                    values,
                    to: sums[start..start + 9 * BLOCK].as_mut_ptr(),
                    to_steps: [3 * BLOCK, BLOCK],
                };
                // SAFETY: nine pixels of 32 numbers from each window's corner inside the band, and nine sums of 32.
                unsafe { T::gather(call) };
            }
        }
    }
}
