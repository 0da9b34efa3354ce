//! The fused pass: one bilinear warp into a small scratch image, then tone and normalisation into the batch's own memory.
//!
//! The result is made in tiles of 8×8 pixels. A tile's corner is placed once, in 1/2048 pixel; its 64 pixels lie at offsets from the
//! corner that are the same for all tiles. What a tile needs of the image is a patch of at most 16×16 pixels unless the image shrinks a
//! lot, and 16×16 bytes are what four 512-bit registers hold: with AVX-512 VBMI the bilinear gather is a byte permute of registers.
//! The scalar and the AVX2 path do the same sums in the same integers, so all three give the same bits.
//!
//! Weights are in 1/64 pixel; what lies outside the image is black and is blended with its border.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod lattice;
mod scalar;

use std::sync::LazyLock;

pub use self::lattice::Lattice;
use super::Transform;
use super::tone::Tone;
use crate::GrayView;

/// Side of a tile.
const TILE: usize = Lattice::TILE;
/// Positions are in 1/2048 pixel.
const SHIFT: u32 = Lattice::UNIT.ilog2();

/// Which instructions the fused pass uses. All give the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// Plain Rust, on any machine.
    Scalar,
    /// 256-bit gathers.
    Avx2,
    /// 512-bit byte permutes (AVX-512 F, BW, DQ, VL, VBMI).
    Avx512,
}

impl Instructions {
    /// What this machine has, slowest first.
    #[must_use]
    pub fn available() -> &'static [Self] {
        static FOUND: LazyLock<Vec<Instructions>> = LazyLock::new(|| {
            let mut found = vec![Instructions::Scalar];
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") {
                    found.push(Instructions::Avx2);
                }
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
                {
                    found.push(Instructions::Avx512);
                }
            }
            found
        });
        &FOUND
    }

    /// The fastest this machine has.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self::Scalar)
    }
}

/// Applies [`Transform`]s; keeps its scratch memory from image to image.
#[derive(Debug, Clone)]
pub struct Augmenter {
    instructions: Instructions,
    /// The warped image, padded to whole tiles.
    warped: Vec<u8>,
}

impl Default for Augmenter {
    fn default() -> Self {
        Self::new()
    }
}

impl Augmenter {
    /// With the fastest instructions of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Instructions::best())
    }

    /// With the instructions named, or the fastest that this machine has below them.
    #[must_use]
    pub fn with(instructions: Instructions) -> Self {
        Self {
            instructions: instructions.min(Instructions::best()),
            warped: Vec::new(),
        }
    }

    /// Changes an image and writes it into `out`, a result of `size` (width, height) row by row, each level 0..=255 normalised as
    /// `level · scale.0 + scale.1`. The image's and the result's centres fall together; a smaller result is a crop of the middle.
    ///
    /// # Panics
    /// If `out` is not width×height long: the caller owns that buffer.
    pub fn apply(
        &mut self,
        transform: &Transform,
        film: GrayView<'_>,
        scale: (f32, f32),
        size: (u32, u32),
        out: &mut [f32],
    ) {
        let (width, height) = (size.0 as usize, size.1 as usize);
        assert_eq!(
            out.len(),
            width * height,
            "the output buffer is width×height"
        );
        if out.is_empty() {
            return;
        }
        let film_size = (film.width(), film.height());
        let stride = width.next_multiple_of(TILE);
        self.warped
            .resize(stride * height.next_multiple_of(TILE), 0);
        if transform.moves_nothing() && film_size == size {
            for (to, from) in self
                .warped
                .chunks_exact_mut(stride)
                .zip(film.pixels().chunks_exact(width))
            {
                to[..width].copy_from_slice(from);
            }
        } else {
            let warp = Warp::new(transform, film, size);
            self.warp(&warp, stride);
        }
        // Contrast is about the image's own mean, as torchvision does it.
        let film = &self.warped[..stride * height];
        let total = match self.instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::sum(film, stride, width),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::sum(film, stride, width),
            _ => sum(film, stride, width),
        };
        let mean = total as f32 / out.len() as f32;
        if let Some((left, top, right, bottom)) = transform.erased(size) {
            for row in self.warped.chunks_exact_mut(stride).take(bottom).skip(top) {
                row[left..right].fill(mean.round() as u8);
            }
        }
        let tone = Tone::new(transform, mean, scale);
        match self.instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => avx512::finish(&tone, &self.warped, stride, width, out),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => avx2::finish(&tone, &self.warped, stride, width, out),
            _ => finish(&tone, &self.warped, stride, width, out),
        }
    }

    fn warp(&mut self, warp: &Warp<'_>, stride: usize) {
        match self.instructions {
            // The vector paths count pixels in 32 bits.
            _ if warp.film.pixels().len() > 1 << 30 => scalar::warp(warp, &mut self.warped, stride),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 if warp.lattice.fits_patch() => {
                avx512::warp(warp, &mut self.warped, stride);
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 | Instructions::Avx2 => avx2::warp(warp, &mut self.warped, stride),
            _ => scalar::warp(warp, &mut self.warped, stride),
        }
    }
}

/// Sum of an image's levels.
#[expect(
    clippy::inline_always,
    reason = "each instruction set compiles its own copy"
)]
#[inline(always)]
fn sum(warped: &[u8], stride: usize, width: usize) -> u64 {
    // Rows are at most 65,535 long: a row's sum fits 32 bits, which vectorises twice as wide.
    let row = |row: &[u8]| row[..width].iter().map(|&v| u32::from(v)).sum::<u32>();
    warped.chunks_exact(stride).map(|r| u64::from(row(r))).sum()
}

#[expect(
    clippy::inline_always,
    reason = "each instruction set compiles its own copy"
)]
#[inline(always)]
fn finish(tone: &Tone, warped: &[u8], stride: usize, width: usize, out: &mut [f32]) {
    for (y, (to, from)) in out
        .chunks_exact_mut(width)
        .zip(warped.chunks_exact(stride))
        .enumerate()
    {
        tone.row(y, &from[..width], to);
    }
}

/// One warp, ready to be carried out tile by tile.
struct Warp<'a> {
    film: GrayView<'a>,
    lattice: Lattice,
}

impl<'a> Warp<'a> {
    fn new(transform: &Transform, film: GrayView<'a>, size: (u32, u32)) -> Self {
        Self {
            lattice: transform.lattice((film.width(), film.height()), size),
            film,
        }
    }

    /// Calls `tile(place, corner)` for each tile: the place of its first pixel in `warped`, and its corner in the image.
    #[expect(
        clippy::inline_always,
        reason = "each instruction set compiles its own copy"
    )]
    #[inline(always)]
    fn each_tile(&self, length: usize, stride: usize, mut tile: impl FnMut(usize, (i32, i32))) {
        for top in (0..length / stride).step_by(TILE) {
            for left in (0..stride).step_by(TILE) {
                tile(top * stride + left, self.lattice.corner(left, top));
            }
        }
    }
}
