//! AVX2 with FMA: two registers of eight.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _CMP_LE_OQ, _CMP_NLE_UQ, _CMP_UNORD_Q, _mm_loadl_epi64, _mm_loadu_ps,
    _mm_loadu_si128, _mm_packus_epi16, _mm_packus_epi32, _mm_storel_epi64, _mm_storeu_si128,
    _mm256_add_epi32, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256, _mm256_andnot_ps,
    _mm256_blendv_epi8, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cmpgt_epi32, _mm256_cvtepu8_epi32,
    _mm256_cvtepu16_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_or_si256, _mm256_permutevar8x32_ps, _mm256_set_m128, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_storeu_ps,
};

use super::Lanes;

/// `avx2` and `fma`.
pub(in crate::conv) struct Avx2;

#[allow(unsafe_code, reason = "vector instructions, as the trait says")]
impl Lanes for Avx2 {
    type F = [__m256; 2];
    type I = [__m256i; 2];
    type Patch = [__m256; 2];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        // SAFETY: as the trait says, here and below.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::F {
        // SAFETY: as the trait says.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::F {
        // SAFETY: as the trait says.
        unsafe {
            let half = |from: *const u16| {
                let bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast::<__m128i>()));
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(bits))
            };
            [half(from), half(from.add(8))]
        }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, values: Self::F) {
        // SAFETY: as the trait says.
        unsafe {
            _mm256_storeu_ps(to, values[0]);
            _mm256_storeu_ps(to.add(8), values[1]);
        }
    }

    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, values: Self::F) {
        // SAFETY: as the trait says.
        unsafe {
            let half = |to: *mut u16, values: __m256| {
                let bits = _mm256_castps_si256(values);
                let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
                let up = _mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff));
                let rounded = _mm256_add_epi32(up, odd);
                // Rounding may carry a NaN into another number.
                let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(values, values));
                let quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
                let safe = _mm256_srli_epi32::<16>(_mm256_blendv_epi8(rounded, quiet, nan));
                let low = _mm256_castsi256_si128(safe);
                let packed = _mm_packus_epi32(low, _mm256_extracti128_si256::<1>(safe));
                _mm_storeu_si128(to.cast::<__m128i>(), packed);
            };
            half(to, values[0]);
            half(to.add(8), values[1]);
        }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // SAFETY: as the trait says.
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: as the trait says.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn pool(window: [Self::F; 4]) -> (Self::F, Self::I) {
        // SAFETY: as the trait says.
        unsafe {
            let half = |h: usize| {
                let mut best = window[0][h];
                let mut places = _mm256_set1_epi32(0);
                for (place, values) in window.iter().enumerate().skip(1) {
                    // Not "less or equal or unordered": greater, or NaN.
                    let better = _mm256_cmp_ps::<_CMP_NLE_UQ>(values[h], best);
                    best = _mm256_blendv_ps(best, values[h], better);
                    let here = _mm256_set1_epi32(place as i32);
                    places = _mm256_blendv_epi8(places, here, _mm256_castps_si256(better));
                }
                let dead = _mm256_cmp_ps::<_CMP_LE_OQ>(best, _mm256_setzero_ps());
                let four = _mm256_set1_epi32(4);
                (
                    _mm256_andnot_ps(dead, best),
                    _mm256_blendv_epi8(places, four, _mm256_castps_si256(dead)),
                )
            };
            let ((a, at), (b, bt)) = (half(0), half(1));
            ([a, b], [at, bt])
        }
    }

    #[inline(always)]
    unsafe fn store_places(to: *mut u8, places: Self::I) {
        // SAFETY: as the trait says.
        unsafe {
            for (half, places) in places.into_iter().enumerate() {
                let low = _mm256_castsi256_si128(places);
                let words = _mm_packus_epi32(low, _mm256_extracti128_si256::<1>(places));
                _mm_storel_epi64(
                    to.add(8 * half).cast::<__m128i>(),
                    _mm_packus_epi16(words, words),
                );
            }
        }
    }

    #[inline(always)]
    unsafe fn load_places(from: *const u8) -> Self::I {
        // SAFETY: as the trait says.
        unsafe {
            let half = |from: *const u8| _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
            [half(from), half(from.add(8))]
        }
    }

    #[inline(always)]
    unsafe fn living(values: Self::F, places: Self::I) -> Self::F {
        // SAFETY: as the trait says.
        unsafe {
            let half = |h: usize| {
                let alive = _mm256_cmpgt_epi32(_mm256_set1_epi32(4), places[h]);
                _mm256_and_ps(values[h], _mm256_castsi256_ps(alive))
            };
            [half(0), half(1)]
        }
    }

    #[inline(always)]
    unsafe fn patch(rows: [*const f32; 4]) -> Self::Patch {
        // SAFETY: as the trait says.
        unsafe {
            [
                _mm256_set_m128(_mm_loadu_ps(rows[1]), _mm_loadu_ps(rows[0])),
                _mm256_set_m128(_mm_loadu_ps(rows[3]), _mm_loadu_ps(rows[2])),
            ]
        }
    }

    #[inline(always)]
    unsafe fn corner(places: Self::I) -> Self::I {
        // SAFETY: as the trait says.
        unsafe {
            let half = |p| _mm256_add_epi32(p, _mm256_and_si256(p, _mm256_set1_epi32(2)));
            [half(places[0]), half(places[1])]
        }
    }

    #[inline(always)]
    unsafe fn lookup(patch: Self::Patch, corner: Self::I, step: i32) -> Self::F {
        // SAFETY: as the trait says; the instruction looks at three bits of the index, the fourth chooses between its results.
        unsafe {
            let half = |h: usize| {
                let index = _mm256_add_epi32(corner[h], _mm256_set1_epi32(step));
                let upper = _mm256_permutevar8x32_ps(patch[0], index);
                let lower = _mm256_permutevar8x32_ps(patch[1], index);
                let choice = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(index));
                _mm256_blendv_ps(upper, lower, choice)
            };
            [half(0), half(1)]
        }
    }
}
