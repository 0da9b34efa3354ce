//! The two number formats of activations, and memory for them.

use tch::Kind;

/// bfloat16, by its bits, to f32.
#[inline(always)]
pub(super) fn widen(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// f32 to the bits of the nearest bfloat16, ties to even.
#[inline(always)]
pub(super) fn narrow(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        // Rounding may carry a NaN into another number.
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// An activation's number format.
pub(super) trait Number: Copy + Send + Sync + Default + 'static {
    /// libtorch's name for it.
    const KIND: Kind;
    fn narrow(value: f32) -> Self;
}

impl Number for f32 {
    const KIND: Kind = Kind::Float;

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }
}

/// The bits of a bfloat16.
#[derive(Debug, Clone, Copy, Default)]
#[repr(transparent)]
pub(super) struct Bf16(pub u16);

impl Number for Bf16 {
    const KIND: Kind = Kind::BFloat16;

    #[inline(always)]
    fn narrow(value: f32) -> Self {
        Self(narrow(value))
    }
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zeroed memory that begins at a cache line.
pub(super) struct Aligned<T> {
    lines: Vec<Line>,
    length: usize,
    of: std::marker::PhantomData<T>,
}

#[allow(unsafe_code, reason = "looks at cache lines as numbers")]
impl<T: Number> Aligned<T> {
    /// So many zeros.
    pub fn new(length: usize) -> Self {
        let lines = (length * size_of::<T>()).div_ceil(64);
        Self {
            lines: vec![Line([0; 64]); lines],
            length,
            of: std::marker::PhantomData,
        }
    }

    pub fn slice(&self) -> &[T] {
        // SAFETY: the lines hold `length` numbers, any bits of which are valid, at a sufficient alignment.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }

    pub fn slice_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}
