//! The warp with 256-bit gathers: a tile's row of eight pixels at a time.
#![expect(
    unsafe_code,
    clippy::cast_ptr_alignment,
    reason = "gathers read by address, and code for an instruction set may only run where it is: both are checked beside each use"
)]

use std::arch::x86_64::{
    __m256i, _mm_cvtsi128_si64, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256,
    _mm256_castsi256_si128, _mm256_i32gather_epi32, _mm256_loadu_si256, _mm256_maddubs_epi16,
    _mm256_mulhrs_epi16, _mm256_mullo_epi32, _mm256_or_si256, _mm256_permutevar8x32_epi32,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi32,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srai_epi16, _mm256_srai_epi32,
    _mm256_srli_epi32, _mm256_sub_epi16, _mm256_sub_epi32,
};

use super::super::tone::Tone;
use super::{TILE, Warp, scalar};

pub(super) fn finish(tone: &Tone, warped: &[u8], stride: usize, width: usize, out: &mut [f32]) {
    #[target_feature(enable = "avx2")]
    fn inner(tone: &Tone, warped: &[u8], stride: usize, width: usize, out: &mut [f32]) {
        super::finish(tone, warped, stride, width, out);
    }
    // SAFETY: `Instructions::Avx2` and above are only ever chosen where AVX2 was detected.
    unsafe { inner(tone, warped, stride, width, out) }
}

pub(super) fn sum(warped: &[u8], stride: usize, width: usize) -> u64 {
    #[target_feature(enable = "avx2")]
    fn inner(warped: &[u8], stride: usize, width: usize) -> u64 {
        super::sum(warped, stride, width)
    }
    // SAFETY: as above.
    unsafe { inner(warped, stride, width) }
}

pub(super) fn warp(warp: &Warp<'_>, warped: &mut [u8], stride: usize) {
    // SAFETY: as above.
    unsafe { warp_inner(warp, warped, stride) }
}

#[target_feature(enable = "avx2")]
fn warp_inner(warp: &Warp<'_>, warped: &mut [u8], stride: usize) {
    let (w, h) = (warp.film.width() as i32, warp.film.height() as i32);
    warp.each_tile(warped.len(), stride, |place, corner| {
        let out = &mut warped[place..];
        let ((left, right), (top, bottom)) = warp.lattice.reach(corner);
        // A gather reads four bytes where two are needed: three columns to the right of the last must be there.
        if left >= 0 && right + 3 < w && top >= 0 && bottom + 1 < h {
            for row in 0..TILE {
                // SAFETY: the check above holds for every pixel of the tile, as the spans are those of all its offsets.
                let levels = unsafe { row_of(warp, corner, row) };
                out[row * stride..row * stride + TILE].copy_from_slice(&levels.to_le_bytes());
            }
        } else {
            scalar::tile(warp, corner, out, stride);
        }
    });
}

/// Eight levels of a tile's row.
///
/// # Safety
/// For each of the eight places, (x, y) to (x + 3, y + 1) must lie inside the image.
#[target_feature(enable = "avx2")]
unsafe fn row_of(warp: &Warp<'_>, corner: (i32, i32), row: usize) -> u64 {
    let load = |from: &[i32]| {
        let eight: &[i32] = &from[..TILE];
        // SAFETY: the slice is eight values of 32 bits long.
        unsafe { _mm256_loadu_si256(eight.as_ptr().cast::<__m256i>()) }
    };
    let x = _mm256_add_epi32(
        load(&warp.lattice.dx[row * TILE..]),
        _mm256_set1_epi32(corner.0),
    );
    let y = _mm256_add_epi32(
        load(&warp.lattice.dy[row * TILE..]),
        _mm256_set1_epi32(corner.1),
    );
    let mask = _mm256_set1_epi32(63);
    let fx = _mm256_and_si256(_mm256_srli_epi32::<5>(x), mask);
    let fy = _mm256_and_si256(_mm256_srli_epi32::<5>(y), mask);
    let width = _mm256_set1_epi32(warp.film.width() as i32);
    let index = _mm256_add_epi32(
        _mm256_mullo_epi32(_mm256_srai_epi32::<11>(y), width),
        _mm256_srai_epi32::<11>(x),
    );
    // Bytes of a lane: (64 − fx, fx, 0, 0): the two bytes beyond the pair weigh nothing.
    let weights = _mm256_or_si256(
        _mm256_sub_epi32(_mm256_set1_epi32(64), fx),
        _mm256_slli_epi32::<8>(fx),
    );
    let base = warp.film.pixels().as_ptr().cast::<i32>();
    // SAFETY: the caller's promise, for this row and the next.
    let (upper, lower) = unsafe {
        (
            _mm256_i32gather_epi32::<1>(base, index),
            _mm256_i32gather_epi32::<1>(base, _mm256_add_epi32(index, width)),
        )
    };
    let upper = _mm256_maddubs_epi16(upper, weights);
    let lower = _mm256_maddubs_epi16(lower, weights);
    let down = _mm256_mulhrs_epi16(_mm256_sub_epi16(lower, upper), _mm256_slli_epi32::<9>(fy));
    let level = _mm256_add_epi16(_mm256_add_epi16(upper, down), _mm256_set1_epi16(32));
    let level = _mm256_srai_epi16::<6>(level);
    // The low byte of each 32-bit lane, gathered: four to the low dword of each half, then the two dwords side by side.
    let low_bytes = _mm256_set1_epi64x(0x8080_8080_0c08_0400_u64 as i64);
    let packed = _mm256_shuffle_epi8(level, low_bytes);
    let packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
    _mm_cvtsi128_si64(_mm256_castsi256_si128(packed)) as u64
}
