//! Sixteen numbers at once: by AVX-512, by pairs of AVX2 registers, or one by one.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
pub(super) mod scalar;

/// How many.
pub(super) const WIDTH: usize = 16;

/// What the first layer's kernels are written in. A window's values are numbered row by row: 0 1 / 2 3; 4 says that ReLU took all.
///
/// # Safety
/// Every method: the processor has the instructions, and pointers lead to as many numbers as the method's name says. Where nothing is
/// said, to sixteen.
#[allow(
    unsafe_code,
    reason = "vector instructions and raw loads, checked by the callers"
)]
pub(super) trait Lanes {
    /// Sixteen f32.
    type F: Copy;
    /// Sixteen small integers.
    type I: Copy;
    /// Four rows of four f32.
    type Patch: Copy;

    unsafe fn splat(value: f32) -> Self::F;
    unsafe fn load(from: *const f32) -> Self::F;
    unsafe fn load_bf16(from: *const u16) -> Self::F;
    unsafe fn store(to: *mut f32, values: Self::F);
    /// Rounds to nearest, ties to even.
    unsafe fn store_bf16(to: *mut u16, values: Self::F);
    /// a·b + c.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    /// The greatest of a window and where it is; of equals the first, and NaN above all, as libtorch has it. Then ReLU, which makes the place 4.
    unsafe fn pool(window: [Self::F; 4]) -> (Self::F, Self::I);
    /// As bytes.
    unsafe fn store_places(to: *mut u8, places: Self::I);
    unsafe fn load_places(from: *const u8) -> Self::I;
    /// 0 where the place is 4.
    unsafe fn living(values: Self::F, places: Self::I) -> Self::F;
    unsafe fn patch(rows: [*const f32; 4]) -> Self::Patch;
    /// The number in a patch of a window's place's upper left neighbour.
    unsafe fn corner(places: Self::I) -> Self::I;
    /// For each lane the patch's value `step` after its corner.
    unsafe fn lookup(patch: Self::Patch, corner: Self::I, step: i32) -> Self::F;
}
