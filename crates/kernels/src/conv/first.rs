//! Convolution of a one-channel image, bias, ReLU and pooling in one pass: the activation before pooling, the network's largest, never
//! reaches memory.
//!
//! The gradient of a pooled pixel goes to one position of four, so the backward pass looks at the 4×4 pixels around each window, holds
//! them in one register, and lets every channel pick its nine.

use tch::Kind;

use super::lanes::{Lanes, WIDTH, scalar::Scalar};
use super::number::{Aligned, Number};
use super::shape::{Shape, Sink};
use crate::parallel::{Parts, for_each_part};
use crate::{Instructions, KernelError};

/// Nine taps and the bias.
pub(super) const GRADS: usize = 10;

/// Sums that a pass over one row of windows adds to: blocks of sixteen channels.
const PAIR: usize = 2;

/// Weights block by block: nine taps of sixteen channels.
fn pack(weight: &[f32], channels: usize) -> Aligned<f32> {
    let mut packed = Aligned::new(channels * 9);
    for channel in 0..channels {
        for tap in 0..9 {
            let at = (channel / WIDTH * 9 + tap) * WIDTH + channel % WIDTH;
            packed.slice_mut()[at] = weight[channel * 9 + tap];
        }
    }
    packed
}

/// Rows `from..from + count` of an image with a border of zeros around it; row 0 is the border.
fn pad(film: &[f32], shape: &Shape, from: usize, count: usize, to: &mut [f32]) {
    let (width, padded) = (shape.width, shape.width + 2);
    for (row, to) in to.chunks_exact_mut(padded).take(count).enumerate() {
        let row = from + row;
        if row == 0 || row > shape.height {
            to.fill(0.0);
        } else {
            to[0] = 0.0;
            to[1..=width].copy_from_slice(&film[(row - 1) * width..row * width]);
            to[padded - 1] = 0.0;
        }
    }
}

/// Images N×H×W, weights C×9, bias C → pooled rows into `sink`, places N×(H/2)×(W/2)×C. C is a multiple of sixteen.
#[allow(unsafe_code, reason = "shares the output out among threads")]
pub(super) fn forward<O: Number>(
    shape: &Shape,
    films: &[f32],
    weight: &[f32],
    bias: &[f32],
    sink: &Sink<O>,
    places: &mut [u8],
    instructions: Instructions,
) -> Result<(), KernelError> {
    let (weight, channels) = (pack(weight, shape.output), shape.output);
    let (rows, columns) = (shape.rows(), shape.columns());
    let bands = shape.bands();
    let places = Parts::new(places);
    let padded = shape.width + 2;
    let run = pick_forward::<O>(instructions);
    for_each_part(
        shape.films * bands.count,
        &|| (vec![0.0; 4 * padded], Aligned::<O>::new(columns * channels)),
        &|(band, row), part| {
            let (film, number) = (part / bands.count, part % bands.count);
            let pixels = &films[film * shape.height * shape.width..][..shape.height * shape.width];
            for y in bands.rows(number, rows) {
                pad(pixels, shape, 2 * y, 4, band);
                // SAFETY: one thread has this row of this image.
                let places = unsafe { places.part(film * rows + y, columns * channels) };
                sink.write(film, y, row.slice_mut(), |to| {
                    let call = Row {
                        band,
                        padded,
                        weight: weight.slice(),
                        bias,
                        places,
                        to,
                    };
                    // SAFETY: the processor has the instructions, and the slices have the sizes that `Row` states.
                    unsafe { run(call) };
                });
            }
        },
    )
}

/// One row of windows: `band` has four padded rows; `to` and `places` have a number for each window and channel.
struct Row<'a, O> {
    band: &'a [f32],
    padded: usize,
    weight: &'a [f32],
    bias: &'a [f32],
    places: &'a mut [u8],
    to: &'a mut [O],
}

#[allow(unsafe_code, reason = "functions for processors that have them")]
fn pick_forward<O: Number>(instructions: Instructions) -> unsafe fn(Row<'_, O>) {
    match instructions.at_most() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx512Bf16 => forward_avx512::<O>,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => forward_avx2::<O>,
        _ => forward_row::<Scalar, O>,
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "for processors that have the instructions")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn forward_avx512<O: Number>(row: Row<'_, O>) {
    // SAFETY: as promised by the caller.
    unsafe { forward_row::<super::lanes::avx512::Avx512, O>(row) }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "for processors that have the instructions")]
#[target_feature(enable = "avx2,fma")]
unsafe fn forward_avx2<O: Number>(row: Row<'_, O>) {
    // SAFETY: as promised by the caller.
    unsafe { forward_row::<super::lanes::avx2::Avx2, O>(row) }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn forward_row<L: Lanes, O: Number>(row: Row<'_, O>) {
    let blocks = row.bias.len() / WIDTH;
    let mut block = 0;
    // SAFETY: as promised by the caller.
    unsafe {
        let mut row = row;
        while block + PAIR <= blocks {
            forward_blocks::<L, O, PAIR>(&mut row, block);
            block += PAIR;
        }
        if block < blocks {
            forward_blocks::<L, O, 1>(&mut row, block);
        }
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn forward_blocks<L: Lanes, O: Number, const B: usize>(row: &mut Row<'_, O>, block: usize) {
    let channels = row.bias.len();
    let columns = row.to.len() / channels;
    let first = block * WIDTH;
    // SAFETY: as promised by the caller: all indices below are inside what `Row` holds.
    unsafe {
        let weight = row.weight.as_ptr().add(first * 9);
        let mut taps = [[L::splat(0.0); 9]; B];
        let mut bias = [L::splat(0.0); B];
        for b in 0..B {
            for tap in 0..9 {
                taps[b][tap] = L::load(weight.add((b * 9 + tap) * WIDTH));
            }
            bias[b] = L::load(row.bias.as_ptr().add(first + b * WIDTH));
        }
        for x in 0..columns {
            let corner = row.band.as_ptr().add(2 * x);
            let mut sums = [[L::splat(0.0); 4]; B];
            for b in 0..B {
                sums[b] = [bias[b]; 4];
            }
            for py in 0..4 {
                for px in 0..4 {
                    let pixel = L::splat(*corner.add(py * row.padded + px));
                    for (place, (dy, dx)) in
                        [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate()
                    {
                        if py >= dy && py - dy < 3 && px >= dx && px - dx < 3 {
                            let tap = (py - dy) * 3 + px - dx;
                            for b in 0..B {
                                sums[b][place] = L::fma(pixel, taps[b][tap], sums[b][place]);
                            }
                        }
                    }
                }
            }
            for b in 0..B {
                let at = x * channels + first + b * WIDTH;
                let (best, places) = L::pool(sums[b]);
                put::<L, O>(row.to.as_mut_ptr().add(at), best);
                L::store_places(row.places.as_mut_ptr().add(at), places);
            }
        }
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn put<L: Lanes, O: Number>(to: *mut O, values: L::F) {
    // SAFETY: as promised by the caller.
    unsafe {
        if O::KIND == Kind::BFloat16 {
            L::store_bf16(to.cast(), values);
        } else {
            L::store(to.cast(), values);
        }
    }
}

/// Gradients of weights and bias, C×10 (nine taps, then the bias), from those of the pooled pixels, N×(H/2)×(W/2)×C. Each image's sum is
/// its own and they are added in the images' order: the same bits on any number of threads.
#[allow(unsafe_code, reason = "shares the sums out among threads")]
pub(super) fn backward<G: Number>(
    shape: &Shape,
    films: &[f32],
    grads: &[G],
    places: &[u8],
    instructions: Instructions,
) -> Result<Vec<f32>, KernelError> {
    let channels = shape.output;
    let (rows, columns) = (shape.rows(), shape.columns());
    let padded = shape.width + 2;
    let size = channels * GRADS;
    let mut sums = vec![0.0; shape.films * size];
    let shared = Parts::new(&mut sums);
    let run = pick_backward::<G>(instructions);
    for_each_part(shape.films, &|| vec![0.0; 4 * padded], &|band, film| {
        let pixels = &films[film * shape.height * shape.width..][..shape.height * shape.width];
        // SAFETY: one thread has this image.
        let sums = unsafe { shared.part(film, size) };
        for y in 0..rows {
            pad(pixels, shape, 2 * y, 4, band);
            let at = (film * rows + y) * columns * channels..;
            let call = BackRow {
                band,
                padded,
                grads: &grads[at.clone()][..columns * channels],
                places: &places[at][..columns * channels],
                sums,
            };
            // SAFETY: the processor has the instructions, and the slices have the sizes that `BackRow` states.
            unsafe { run(call) };
        }
    })?;
    let mut total = vec![0.0; size];
    for sums in sums.chunks_exact(size) {
        for (total, sum) in total.iter_mut().zip(sums) {
            *total += sum;
        }
    }
    // From blocks of ten times sixteen to channels of ten.
    let mut grads = vec![0.0; size];
    for channel in 0..channels {
        for tap in 0..GRADS {
            let at = (channel / WIDTH * GRADS + tap) * WIDTH + channel % WIDTH;
            grads[channel * GRADS + tap] = total[at];
        }
    }
    Ok(grads)
}

/// One row of windows: `band` has four padded rows; `grads` and `places` have a number for each window and channel; `sums` has ten
/// numbers for each channel, in blocks of sixteen channels.
struct BackRow<'a, G> {
    band: &'a [f32],
    padded: usize,
    grads: &'a [G],
    places: &'a [u8],
    sums: &'a mut [f32],
}

#[allow(unsafe_code, reason = "functions for processors that have them")]
fn pick_backward<G: Number>(instructions: Instructions) -> unsafe fn(BackRow<'_, G>) {
    match instructions.at_most() {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx512Bf16 => backward_avx512::<G>,
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => backward_avx2::<G>,
        _ => backward_row::<Scalar, G>,
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "for processors that have the instructions")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn backward_avx512<G: Number>(row: BackRow<'_, G>) {
    // SAFETY: as promised by the caller.
    unsafe { backward_row::<super::lanes::avx512::Avx512, G>(row) }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "for processors that have the instructions")]
#[target_feature(enable = "avx2,fma")]
unsafe fn backward_avx2<G: Number>(row: BackRow<'_, G>) {
    // SAFETY: as promised by the caller.
    unsafe { backward_row::<super::lanes::avx2::Avx2, G>(row) }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn backward_row<L: Lanes, G: Number>(row: BackRow<'_, G>) {
    let channels = row.sums.len() / GRADS;
    let columns = row.grads.len() / channels;
    for block in 0..channels / WIDTH {
        // SAFETY: as promised by the caller: all indices below are inside what `BackRow` holds.
        unsafe {
            let to = row.sums.as_mut_ptr().add(block * GRADS * WIDTH);
            let mut sums = [L::splat(0.0); GRADS];
            for (tap, sum) in sums.iter_mut().enumerate() {
                *sum = L::load(to.add(tap * WIDTH));
            }
            for x in 0..columns {
                let at = x * channels + block * WIDTH;
                let places = L::load_places(row.places.as_ptr().add(at));
                let from = row.grads.as_ptr().add(at);
                let grad = if G::KIND == Kind::BFloat16 {
                    L::load_bf16(from.cast())
                } else {
                    L::load(from.cast())
                };
                let grad = L::living(grad, places);
                let corner = L::corner(places);
                let start = row.band.as_ptr().add(2 * x);
                let patch = L::patch([0, 1, 2, 3].map(|y| start.add(y * row.padded)));
                for ky in 0..3 {
                    for kx in 0..3 {
                        let pixel = L::lookup(patch, corner, (4 * ky + kx) as i32);
                        sums[3 * ky + kx] = L::fma(grad, pixel, sums[3 * ky + kx]);
                    }
                }
                sums[9] = L::add(sums[9], grad);
            }
            for (tap, sum) in sums.iter().enumerate() {
                L::store(to.add(tap * WIDTH), *sum);
            }
        }
    }
}
