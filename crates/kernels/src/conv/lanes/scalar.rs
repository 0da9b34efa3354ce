//! One by one: on any processor, and what the others are tested against.

use super::{Lanes, WIDTH};
use crate::conv::number;

/// No special instructions.
pub(in crate::conv) struct Scalar;

fn each<T>(mut value: impl FnMut(usize) -> T) -> [T; WIDTH] {
    std::array::from_fn(&mut value)
}

#[allow(unsafe_code, reason = "raw loads and stores, as the trait says")]
impl Lanes for Scalar {
    type F = [f32; WIDTH];
    type I = [u8; WIDTH];
    type Patch = [f32; WIDTH];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        [value; WIDTH]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::F {
        // SAFETY: as the trait says.
        unsafe { from.cast::<Self::F>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> Self::F {
        // SAFETY: as the trait says.
        let bits = unsafe { from.cast::<[u16; WIDTH]>().read_unaligned() };
        bits.map(number::widen)
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, values: Self::F) {
        // SAFETY: as the trait says.
        unsafe { to.cast::<Self::F>().write_unaligned(values) }
    }

    #[inline(always)]
    unsafe fn store_bf16(to: *mut u16, values: Self::F) {
        // SAFETY: as the trait says.
        unsafe {
            to.cast::<[u16; WIDTH]>()
                .write_unaligned(values.map(number::narrow));
        }
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        // Not `mul_add`: without the instruction it is a slow function.
        each(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        each(|i| a[i] + b[i])
    }

    #[inline(always)]
    unsafe fn pool(window: [Self::F; 4]) -> (Self::F, Self::I) {
        let mut places = [0; WIDTH];
        let values = each(|i| {
            let mut best = window[0][i];
            for (place, values) in window.iter().enumerate().skip(1) {
                if values[i] > best || values[i].is_nan() {
                    (best, places[i]) = (values[i], place as u8);
                }
            }
            if best <= 0.0 {
                (best, places[i]) = (0.0, 4);
            }
            best
        });
        (values, places)
    }

    #[inline(always)]
    unsafe fn store_places(to: *mut u8, places: Self::I) {
        // SAFETY: as the trait says.
        unsafe { to.cast::<Self::I>().write_unaligned(places) }
    }

    #[inline(always)]
    unsafe fn load_places(from: *const u8) -> Self::I {
        // SAFETY: as the trait says.
        unsafe { from.cast::<Self::I>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn living(values: Self::F, places: Self::I) -> Self::F {
        each(|i| if places[i] < 4 { values[i] } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn patch(rows: [*const f32; 4]) -> Self::Patch {
        // SAFETY: as the trait says.
        each(|i| unsafe { *rows[i / 4].add(i % 4) })
    }

    #[inline(always)]
    unsafe fn corner(places: Self::I) -> Self::I {
        // Place 4 counts for nothing; any number inside the patch will do.
        places.map(|place| (place + (place & 2)) & 5)
    }

    #[inline(always)]
    unsafe fn lookup(patch: Self::Patch, corner: Self::I, step: i32) -> Self::F {
        each(|i| patch[usize::from(corner[i]) + step as usize])
    }
}
