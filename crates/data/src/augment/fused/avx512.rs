//! The warp with AVX-512 VBMI: a tile's 16×16 patch lies in four registers, and a byte permute fetches a corner of all its 64
//! pixels at once.
#![expect(
    unsafe_code,
    reason = "registers are loaded by address, and code for an instruction set may only run where it is: both are checked beside each use"
)]

use std::arch::x86_64::{
    __m128i, __m512i, _mm_loadu_si128, _mm_maskz_loadu_epi8, _mm_setzero_si128, _mm_storel_epi64,
    _mm_unpackhi_epi64, _mm512_add_epi8, _mm512_add_epi16, _mm512_and_si512,
    _mm512_castsi128_si512, _mm512_castsi512_si128, _mm512_extracti32x4_epi32, _mm512_inserti32x4,
    _mm512_loadu_si512, _mm512_maddubs_epi16, _mm512_mask_blend_epi8, _mm512_movepi8_mask,
    _mm512_mulhrs_epi16, _mm512_mullo_epi16, _mm512_or_si512, _mm512_packus_epi16,
    _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_slli_epi16,
    _mm512_srai_epi16, _mm512_srli_epi16, _mm512_sub_epi16, _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi8,
};

use super::super::tone::Tone;
use super::{SHIFT, TILE, Warp, scalar};
use crate::GrayView;

/// Rows and columns of a patch.
const PATCH: i32 = 16;

pub(super) fn finish(tone: &Tone, warped: &[u8], stride: usize, width: usize, out: &mut [f32]) {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn inner(tone: &Tone, warped: &[u8], stride: usize, width: usize, out: &mut [f32]) {
        super::finish(tone, warped, stride, width, out);
    }
    // SAFETY: `Instructions::Avx512` is only ever chosen where these were detected.
    unsafe { inner(tone, warped, stride, width, out) }
}

pub(super) fn sum(warped: &[u8], stride: usize, width: usize) -> u64 {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn inner(warped: &[u8], stride: usize, width: usize) -> u64 {
        super::sum(warped, stride, width)
    }
    // SAFETY: as above.
    unsafe { inner(warped, stride, width) }
}

/// `warp.lattice.fits_patch()` must hold.
pub(super) fn warp(warp: &Warp<'_>, warped: &mut [u8], stride: usize) {
    // SAFETY: as above.
    unsafe { warp_inner(warp, warped, stride) }
}

/// Offsets of the 64 pixels in two registers of 16-bit lanes, ordered so that packing both to bytes gives them row by row.
#[target_feature(enable = "avx512f")]
fn halves(offsets: &[i32; 64]) -> (__m512i, __m512i) {
    let half = |second: usize| -> [i16; 32] {
        // Within each 128 bits: eight lanes of the tile's even rows in the first register, of its odd rows in the second.
        std::array::from_fn(|lane| offsets[lane / 8 * 16 + second * 8 + lane % 8] as i16)
    };
    let (first, second) = (half(0), half(1));
    // SAFETY: both arrays are 64 bytes long.
    unsafe {
        (
            _mm512_loadu_si512(first.as_ptr().cast()),
            _mm512_loadu_si512(second.as_ptr().cast()),
        )
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
fn warp_inner(warp: &Warp<'_>, warped: &mut [u8], stride: usize) {
    let (w, h) = (warp.film.width() as i32, warp.film.height() as i32);
    let (dx, dy) = (halves(&warp.lattice.dx), halves(&warp.lattice.dy));
    warp.each_tile(warped.len(), stride, |place, corner| {
        let out = &mut warped[place..];
        let ((left, _), (top, _)) = warp.lattice.reach(corner);
        let inside = left >= 0 && top >= 0 && left + PATCH <= w && top + PATCH <= h;
        let patch = if inside {
            // SAFETY: sixteen columns from `left` and sixteen rows from `top` are inside the image.
            unsafe { patch_inside(warp.film, left, top) }
        } else if left >= w || top >= h || left <= -PATCH || top <= -PATCH {
            // Nothing of the image: black, as the scalar path says quickest.
            scalar::tile(warp, corner, out, stride);
            return;
        } else {
            patch_at_border(warp.film, left, top)
        };
        // Below 16 pixels, so 16 bits hold it.
        let x = (corner.0 - (left << SHIFT)) as i16;
        let y = (corner.1 - (top << SHIFT)) as i16;
        store(tile(&patch, dx, dy, x, y), out, stride);
    });
}

/// Writes a tile's eight rows of eight levels.
#[target_feature(enable = "avx512f")]
#[inline]
fn store(levels: __m512i, out: &mut [u8], stride: usize) {
    assert!(out.len() >= (TILE - 1) * stride + TILE, "a whole tile");
    let pairs = [
        _mm512_castsi512_si128(levels),
        _mm512_extracti32x4_epi32::<1>(levels),
        _mm512_extracti32x4_epi32::<2>(levels),
        _mm512_extracti32x4_epi32::<3>(levels),
    ];
    let mut row = out.as_mut_ptr();
    for pair in pairs {
        // SAFETY: eight bytes at the start of each of a tile's eight rows, which the check above allows for.
        unsafe {
            _mm_storel_epi64(row.cast(), pair);
            row = row.wrapping_add(stride);
            _mm_storel_epi64(row.cast(), _mm_unpackhi_epi64(pair, pair));
            row = row.wrapping_add(stride);
        }
    }
}

/// # Safety
/// Columns `left..left + 16` and rows `top..top + 16` must lie inside the image.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn patch_inside(film: GrayView<'_>, left: i32, top: i32) -> [__m512i; 4] {
    let stride = film.width() as usize;
    let mut row = film
        .pixels()
        .as_ptr()
        .wrapping_add(top as usize * stride + left as usize);
    four(|_| {
        // SAFETY: the caller's promise; rows are asked for from the first to the last.
        let bytes = unsafe { _mm_loadu_si128(row.cast()) };
        row = row.wrapping_add(stride);
        bytes
    })
}

/// A patch that lies partly outside the image, with black there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline(never)]
fn patch_at_border(film: GrayView<'_>, left: i32, top: i32) -> [__m512i; 4] {
    let (w, h) = (film.width() as i32, film.height() as i32);
    let columns = (0..PATCH)
        .filter(|column| (0..w).contains(&(left + column)))
        .fold(0_u16, |mask, column| mask | 1 << column);
    four(|row| {
        let y = top + row as i32;
        if !(0..h).contains(&y) {
            return _mm_setzero_si128();
        }
        let place = y as isize * w as isize + left as isize;
        let address = film.pixels().as_ptr().wrapping_offset(place);
        // SAFETY: bytes whose bit is not set are neither read nor fault; those whose bit is set lie inside the image.
        unsafe { _mm_maskz_loadu_epi8(columns, address.cast()) }
    })
}

/// Sixteen rows of sixteen bytes in four registers.
#[target_feature(enable = "avx512f")]
#[inline]
fn four(mut row: impl FnMut(usize) -> __m128i) -> [__m512i; 4] {
    let mut rows = |first: usize| {
        let all = _mm512_castsi128_si512(row(first));
        let all = _mm512_inserti32x4::<1>(all, row(first + 1));
        let all = _mm512_inserti32x4::<2>(all, row(first + 2));
        _mm512_inserti32x4::<3>(all, row(first + 3))
    };
    [rows(0), rows(4), rows(8), rows(12)]
}

/// The 64 levels of a tile, row by row. `x` and `y` place its corner within the patch, in 1/2048 pixel.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn tile(
    patch: &[__m512i; 4],
    dx: (__m512i, __m512i),
    dy: (__m512i, __m512i),
    x: i16,
    y: i16,
) -> __m512i {
    let (x, y) = (_mm512_set1_epi16(x), _mm512_set1_epi16(y));
    let (x0, x1) = (_mm512_add_epi16(dx.0, x), _mm512_add_epi16(dx.1, x));
    let (y0, y1) = (_mm512_add_epi16(dy.0, y), _mm512_add_epi16(dy.1, y));
    // The place in the patch: row · 16 + column.
    let place = |x, y| {
        let row = _mm512_and_si512(_mm512_srli_epi16::<7>(y), _mm512_set1_epi16(0xf0));
        _mm512_or_si512(row, _mm512_srli_epi16::<11>(x))
    };
    let index = _mm512_packus_epi16(place(x0, y0), place(x1, y1));
    let corner = |step: i8| {
        let index = _mm512_add_epi8(index, _mm512_set1_epi8(step));
        _mm512_mask_blend_epi8(
            _mm512_movepi8_mask(index),
            _mm512_permutex2var_epi8(patch[0], index, patch[1]),
            _mm512_permutex2var_epi8(patch[2], index, patch[3]),
        )
    };
    let (upper_left, upper_right) = (corner(0), corner(1));
    let (lower_left, lower_right) = (corner(16), corner(17));
    let sixty_three = _mm512_set1_epi16(63);
    // Bytes (64 − fx, fx): 64 − fx + 256·fx.
    let across = |x| {
        let fx = _mm512_and_si512(_mm512_srli_epi16::<5>(x), sixty_three);
        let both = _mm512_mullo_epi16(fx, _mm512_set1_epi16(255));
        _mm512_add_epi16(both, _mm512_set1_epi16(64))
    };
    let down = |y| {
        let fy = _mm512_and_si512(_mm512_srli_epi16::<5>(y), sixty_three);
        _mm512_slli_epi16::<9>(fy)
    };
    let blend = |upper, lower, across, down| {
        let upper = _mm512_maddubs_epi16(upper, across);
        let lower = _mm512_maddubs_epi16(lower, across);
        let step = _mm512_mulhrs_epi16(_mm512_sub_epi16(lower, upper), down);
        let level = _mm512_add_epi16(_mm512_add_epi16(upper, step), _mm512_set1_epi16(32));
        _mm512_srai_epi16::<6>(level)
    };
    let first = blend(
        _mm512_unpacklo_epi8(upper_left, upper_right),
        _mm512_unpacklo_epi8(lower_left, lower_right),
        across(x0),
        down(y0),
    );
    let second = blend(
        _mm512_unpackhi_epi8(upper_left, upper_right),
        _mm512_unpackhi_epi8(lower_left, lower_right),
        across(x1),
        down(y1),
    );
    _mm512_packus_epi16(first, second)
}
