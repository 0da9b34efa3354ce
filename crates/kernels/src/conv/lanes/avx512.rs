//! AVX-512.

use std::arch::x86_64::{
    __m128i, __m256i, __m512, __m512i, _CMP_LE_OQ, _CMP_NLE_UQ, _CMP_UNORD_Q, _MM_CMPINT_LT,
    _mm_loadu_ps, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256, _mm256_storeu_si256,
    _mm512_add_epi32, _mm512_add_ps, _mm512_and_si512, _mm512_castps_si512, _mm512_castps128_ps512,
    _mm512_castsi512_ps, _mm512_cmp_epi32_mask, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi8,
    _mm512_cvtepi32_epi16, _mm512_cvtepu8_epi32, _mm512_cvtepu16_epi32, _mm512_fmadd_ps,
    _mm512_insertf32x4, _mm512_loadu_ps, _mm512_mask_mov_epi32, _mm512_mask_mov_ps,
    _mm512_mask_or_epi32, _mm512_maskz_mov_ps, _mm512_permutexvar_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32, _mm512_srli_epi32, _mm512_storeu_ps,
};

use super::Lanes;

/// `avx512f`, `avx512bw`, `avx512dq` and `avx512vl`.
pub(in crate::conv) struct Avx512;

#[allow(unsafe_code, reason = "vector instructions, as the trait says")]
impl Lanes for Avx512 {
    type F = __m512;
    type I = __m512i;
    type Patch = __m512;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: as the trait says, here and below.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        // SAFETY: as the trait says.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> __m512 {
        // SAFETY: as the trait says.
        unsafe {
            let bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast::<__m256i>()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(bits))
        }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, values: __m512) {
        // SAFETY: as the trait says.
        unsafe { _mm512_storeu_ps(to, values) }
    }

    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, values: __m512) {
        // SAFETY: as the trait says.
        unsafe {
            let bits = _mm512_castps_si512(values);
            let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
            // Rounding may carry a NaN into another number.
            let quiet = _mm512_set1_epi32(0x40_0000);
            let safe = _mm512_mask_or_epi32(rounded, nan, bits, quiet);
            let half = _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(safe));
            _mm256_storeu_si256(to.cast::<__m256i>(), half);
        }
    }

    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: as the trait says.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: as the trait says.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn pool(window: [__m512; 4]) -> (__m512, __m512i) {
        // SAFETY: as the trait says.
        unsafe {
            let mut best = window[0];
            let mut places = _mm512_set1_epi32(0);
            for place in 1..4 {
                // Not "less or equal or unordered": greater, or NaN.
                let better = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(window[place], best);
                best = _mm512_mask_mov_ps(best, better, window[place]);
                let here = _mm512_set1_epi32(place as i32);
                places = _mm512_mask_mov_epi32(places, better, here);
            }
            let dead = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(best, _mm512_setzero_ps());
            (
                _mm512_maskz_mov_ps(!dead, best),
                _mm512_mask_mov_epi32(places, dead, _mm512_set1_epi32(4)),
            )
        }
    }

    #[inline(always)]
    unsafe fn store_places(to: *mut u8, places: __m512i) {
        // SAFETY: as the trait says.
        unsafe { _mm_storeu_si128(to.cast::<__m128i>(), _mm512_cvtepi32_epi8(places)) }
    }

    #[inline(always)]
    unsafe fn load_places(from: *const u8) -> __m512i {
        // SAFETY: as the trait says.
        unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast::<__m128i>())) }
    }

    #[inline(always)]
    unsafe fn living(values: __m512, places: __m512i) -> __m512 {
        // SAFETY: as the trait says.
        unsafe {
            let alive = _mm512_cmp_epi32_mask::<_MM_CMPINT_LT>(places, _mm512_set1_epi32(4));
            _mm512_maskz_mov_ps(alive, values)
        }
    }

    #[inline(always)]
    unsafe fn patch(rows: [*const f32; 4]) -> __m512 {
        // SAFETY: as the trait says.
        unsafe {
            let patch = _mm512_castps128_ps512(_mm_loadu_ps(rows[0]));
            let patch = _mm512_insertf32x4::<1>(patch, _mm_loadu_ps(rows[1]));
            let patch = _mm512_insertf32x4::<2>(patch, _mm_loadu_ps(rows[2]));
            _mm512_insertf32x4::<3>(patch, _mm_loadu_ps(rows[3]))
        }
    }

    #[inline(always)]
    unsafe fn corner(places: __m512i) -> __m512i {
        // SAFETY: as the trait says.
        unsafe { _mm512_add_epi32(places, _mm512_and_si512(places, _mm512_set1_epi32(2))) }
    }

    #[inline(always)]
    unsafe fn lookup(patch: __m512, corner: __m512i, step: i32) -> __m512 {
        // SAFETY: as the trait says; the instruction looks at four bits of the index.
        unsafe {
            let index = _mm512_add_epi32(corner, _mm512_set1_epi32(step));
            _mm512_permutexvar_ps(index, patch)
        }
    }
}
