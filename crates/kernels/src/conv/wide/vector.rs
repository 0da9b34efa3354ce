//! The inner loops, in AVX-512.

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    _mm512_unpackhi_epi16, _mm512_unpacklo_epi16,
};

use tch::Kind;

use super::{BAND, BLOCK};
use crate::conv::lanes::avx512::Avx512;
use crate::conv::lanes::{Lanes, WIDTH};
use crate::conv::number::{Bf16, Number};

/// A row of windows of the forward pass: `band` has four padded rows of `pitch` numbers, `input` a pixel; `to` and `places` have a number
/// for each window and output.
pub(in crate::conv) struct Tiles<'a, T, O> {
    pub band: &'a [T],
    pub pitch: usize,
    pub input: usize,
    pub weight: &'a [T],
    pub bias: &'a [f32],
    pub to: &'a mut [O],
    pub places: &'a mut [u8],
}

/// Sums of rows of 32 numbers, each times a number of its own: for each of nine taps, `to` += Σ value · `from`[offset + tap]. Steps are
/// from tap row to tap row and from tap to tap, in bytes for `from`, in numbers for `to`.
pub(in crate::conv) struct Gather<'a, T> {
    pub from: *const T,
    pub from_steps: [usize; 2],
    /// In bytes; an even number of them.
    pub offsets: &'a [u32],
    /// As many.
    pub values: &'a [T],
    pub to: *mut f32,
    pub to_steps: [usize; 2],
}

/// A number format that AVX-512 multiplies.
///
/// # Safety
/// Of the functions: the processor has the instructions (`avx512bf16` among them for [`Bf16`]), and the pointers lead where `Tiles` and
/// `Gather` say.
#[allow(unsafe_code, reason = "vector instructions")]
pub(in crate::conv) trait Dot: Number {
    /// Numbers in 32 bits.
    const GROUP: usize;
    /// sums + Σ over a group of a·b, in each of sixteen lanes of 32 bits.
    unsafe fn dot(sums: __m512, a: __m512, b: __m512) -> __m512;
    /// Which of 32 inputs has to be at place `at` for the sums of [`Dot::gather`] to come out in order.
    fn lane_of(at: usize) -> usize;
    /// Where the sum of the `i`-th of 32 inputs in order comes out.
    fn sum_of(i: usize) -> usize;
    unsafe fn tiles<O: Number>(call: Tiles<'_, Self, O>);
    unsafe fn gather(call: Gather<'_, Self>);
}

#[allow(unsafe_code, reason = "vector instructions")]
impl Dot for f32 {
    const GROUP: usize = 1;

    #[inline(always)]
    unsafe fn dot(sums: __m512, a: __m512, b: __m512) -> __m512 {
        // SAFETY: as the trait says.
        unsafe { _mm512_fmadd_ps(a, b, sums) }
    }

    fn lane_of(at: usize) -> usize {
        at
    }

    fn sum_of(i: usize) -> usize {
        i
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn tiles<O: Number>(call: Tiles<'_, Self, O>) {
        // SAFETY: as the trait says.
        unsafe { any_tiles(call) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn gather(call: Gather<'_, Self>) {
        let [down, right] = call.from_steps;
        // SAFETY: as the trait says.
        unsafe {
            let mut sums = [_mm512_setzero_ps(); 18];
            for (&offset, &value) in call.offsets.iter().zip(call.values) {
                let from = call.from.cast::<u8>().add(offset as usize);
                let value = _mm512_set1_ps(value);
                for tap in 0..9 {
                    let from = from.add(tap / 3 * down + tap % 3 * right).cast::<f32>();
                    for half in 0..2 {
                        let numbers = _mm512_loadu_ps(from.add(half * WIDTH));
                        let sum = &mut sums[2 * tap + half];
                        *sum = _mm512_fmadd_ps(numbers, value, *sum);
                    }
                }
            }
            add_sums(&sums, call.to, call.to_steps);
        }
    }
}

#[allow(unsafe_code, reason = "vector instructions")]
impl Dot for Bf16 {
    const GROUP: usize = 2;

    #[inline(always)]
    unsafe fn dot(sums: __m512, a: __m512, b: __m512) -> __m512 {
        // SAFETY: as the trait says; any bits are valid in either type.
        unsafe {
            _mm512_dpbf16_ps(
                sums,
                std::mem::transmute::<__m512, __m512bh>(a),
                std::mem::transmute::<__m512, __m512bh>(b),
            )
        }
    }

    /// Two rows are shuffled into pairs within each 128 bits, the lower half of each first.
    fn lane_of(at: usize) -> usize {
        let (quarter, rest) = (at / 8, at % 8);
        rest / 4 * WIDTH + quarter * 4 + rest % 4
    }

    fn sum_of(i: usize) -> usize {
        Self::lane_of(i)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    unsafe fn tiles<O: Number>(call: Tiles<'_, Self, O>) {
        // SAFETY: as the trait says.
        unsafe { any_tiles(call) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    unsafe fn gather(call: Gather<'_, Self>) {
        let [down, right] = call.from_steps;
        // SAFETY: as the trait says. `Bf16` has the bits alone.
        unsafe {
            let mut sums = [_mm512_setzero_ps(); 18];
            for pair in 0..call.offsets.len() / 2 {
                let from = call.from.cast::<u8>();
                let one = from.add(*call.offsets.get_unchecked(2 * pair) as usize);
                let other = from.add(*call.offsets.get_unchecked(2 * pair + 1) as usize);
                let values = call.values.as_ptr().add(2 * pair).cast::<i32>();
                let values = _mm512_set1_epi32(values.read_unaligned());
                let values = std::mem::transmute::<__m512i, __m512bh>(values);
                for tap in 0..9 {
                    let at = tap / 3 * down + tap % 3 * right;
                    let a = _mm512_loadu_si512(one.add(at).cast());
                    let b = _mm512_loadu_si512(other.add(at).cast());
                    let low = _mm512_unpacklo_epi16(a, b);
                    let high = _mm512_unpackhi_epi16(a, b);
                    let low = std::mem::transmute::<__m512i, __m512bh>(low);
                    let high = std::mem::transmute::<__m512i, __m512bh>(high);
                    sums[2 * tap] = _mm512_dpbf16_ps(sums[2 * tap], low, values);
                    sums[2 * tap + 1] = _mm512_dpbf16_ps(sums[2 * tap + 1], high, values);
                }
            }
            add_sums(&sums, call.to, call.to_steps);
        }
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn add_sums(sums: &[__m512; 18], to: *mut f32, [down, right]: [usize; 2]) {
    for tap in 0..9 {
        for half in 0..2 {
            // SAFETY: as promised by the caller.
            unsafe {
                let to = to.add(tap / 3 * down + tap % 3 * right + half * WIDTH);
                _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), sums[2 * tap + half]));
            }
        }
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn any_tiles<T: Dot, O: Number>(call: Tiles<'_, T, O>) {
    let mut call = call;
    // SAFETY: as promised by the caller. The number of 32-bit steps a pixel is known here, so that addresses are constants.
    unsafe {
        match call.input / T::GROUP {
            16 => row::<T, O, 16>(&mut call),
            32 => row::<T, O, 32>(&mut call),
            64 => row::<T, O, 64>(&mut call),
            _ => row::<T, O, 128>(&mut call),
        }
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn row<T: Dot, O: Number, const STEPS: usize>(call: &mut Tiles<'_, T, O>) {
    let outputs = call.bias.len();
    let columns = call.to.len() / outputs;
    for block in 0..outputs / BLOCK {
        let mut x = 0;
        // SAFETY: as promised by the caller.
        unsafe {
            while x + 3 <= columns {
                tile::<T, O, STEPS, 3>(call, block, x);
                x += 3;
            }
            while x < columns {
                tile::<T, O, STEPS, 1>(call, block, x);
                x += 1;
            }
        }
    }
}

/// `N` windows side by side, 32 outputs.
#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn tile<T: Dot, O: Number, const STEPS: usize, const N: usize>(
    call: &mut Tiles<'_, T, O>,
    block: usize,
    x: usize,
) {
    let outputs = call.bias.len();
    let pitch = call.pitch / T::GROUP;
    debug_assert!(call.band.len() == BAND * call.pitch && N <= 3);
    // SAFETY: as promised by the caller: all below is inside `band`, `weight`, `bias`, `to` and `places`.
    unsafe {
        let bias = call.bias.as_ptr().add(block * BLOCK);
        let bias = [_mm512_loadu_ps(bias), _mm512_loadu_ps(bias.add(WIDTH))];
        // By row of the window, column and half of the outputs; of the six columns the first 2·N are used.
        let mut sums = [[bias; 6]; 2];
        let mut weight = call
            .weight
            .as_ptr()
            .cast::<f32>()
            .add(block * 9 * STEPS * BLOCK);
        for ky in 0..3 {
            for kx in 0..3 {
                let start = call.band.as_ptr().cast::<f32>();
                let upper = start.add(ky * pitch + (2 * x + kx) * STEPS);
                let lower = upper.add(pitch);
                for step in 0..STEPS {
                    let low = _mm512_loadu_ps(weight);
                    let high = _mm512_loadu_ps(weight.add(WIDTH));
                    weight = weight.add(BLOCK);
                    for column in 0..2 * N {
                        let pixel = _mm512_set1_ps(*upper.add(column * STEPS + step));
                        sums[0][column][0] = T::dot(sums[0][column][0], pixel, low);
                        sums[0][column][1] = T::dot(sums[0][column][1], pixel, high);
                    }
                    for column in 0..2 * N {
                        let pixel = _mm512_set1_ps(*lower.add(column * STEPS + step));
                        sums[1][column][0] = T::dot(sums[1][column][0], pixel, low);
                        sums[1][column][1] = T::dot(sums[1][column][1], pixel, high);
                    }
                }
            }
        }
        for n in 0..N {
            for half in 0..2 {
                let at = (x + n) * outputs + block * BLOCK + half * WIDTH;
                let [upper, lower] = &sums;
                let (best, places) = Avx512::pool([
                    upper[2 * n][half],
                    upper[2 * n + 1][half],
                    lower[2 * n][half],
                    lower[2 * n + 1][half],
                ]);
                put(call.to.as_mut_ptr().add(at), best);
                Avx512::store_places(call.places.as_mut_ptr().add(at), places);
            }
        }
    }
}

#[inline(always)]
#[allow(unsafe_code, reason = "vector instructions")]
unsafe fn put<O: Number>(to: *mut O, values: __m512) {
    // SAFETY: as promised by the caller.
    unsafe {
        if O::KIND == Kind::BFloat16 {
            Avx512::store_bf16(to.cast(), values);
        } else {
            Avx512::store(to.cast(), values);
        }
    }
}

/// Numbers in their format; a multiple of sixteen of them.
///
/// # Safety
/// The processor has the instructions, and the lengths are equal.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[allow(unsafe_code, reason = "vector instructions")]
pub(super) unsafe fn convert<O: Number>(from: &[f32], to: &mut [O]) {
    for (from, to) in from.chunks_exact(WIDTH).zip(to.chunks_exact_mut(WIDTH)) {
        // SAFETY: sixteen numbers each.
        unsafe { put(to.as_mut_ptr(), _mm512_loadu_ps(from.as_ptr())) }
    }
}
