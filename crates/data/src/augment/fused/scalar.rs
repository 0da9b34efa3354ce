//! The warp in plain Rust: what the vector paths must equal, and what runs where there are none.

use super::{SHIFT, TILE, Warp};
use crate::GrayView;

pub(super) fn warp(warp: &Warp<'_>, warped: &mut [u8], stride: usize) {
    warp.each_tile(warped.len(), stride, |place, corner| {
        tile(warp, corner, &mut warped[place..], stride);
    });
}

/// One tile into `out`, whose first pixel is the tile's.
pub(super) fn tile(warp: &Warp<'_>, corner: (i32, i32), out: &mut [u8], stride: usize) {
    let (w, h) = (warp.film.width() as i32, warp.film.height() as i32);
    let ((left, right), (top, bottom)) = warp.lattice.reach(corner);
    if right < -1 || left >= w || bottom < -1 || top >= h {
        for row in out.chunks_mut(stride).take(TILE) {
            row[..TILE].fill(0);
        }
        return;
    }
    let inside = left >= 0 && right + 1 < w && top >= 0 && bottom + 1 < h;
    for (lane, (dx, dy)) in warp.lattice.dx.iter().zip(&warp.lattice.dy).enumerate() {
        let (x, y) = (corner.0 + dx, corner.1 + dy);
        let level = if inside {
            blend(warp.film, x, y, |film, x, y| {
                film.pixels()[y as usize * film.width() as usize + x as usize]
            })
        } else {
            blend(warp.film, x, y, at)
        };
        out[lane / TILE * stride + lane % TILE] = level;
    }
}

/// A level, black outside the image.
fn at(film: GrayView<'_>, x: i32, y: i32) -> u8 {
    let inside = (0..film.width() as i32).contains(&x) && (0..film.height() as i32).contains(&y);
    if inside {
        film.pixels()[y as usize * film.width() as usize + x as usize]
    } else {
        0
    }
}

/// Bilinear at (x, y) in 1/2048 pixel, weights in 1/64: across in whole numbers, down with one rounding, then a rounding to a level.
#[expect(
    clippy::inline_always,
    reason = "each instruction set compiles its own copy"
)]
#[inline(always)]
fn blend(film: GrayView<'_>, x: i32, y: i32, at: impl Fn(GrayView<'_>, i32, i32) -> u8) -> u8 {
    let weight = |v: i32| (v >> (SHIFT - 6)) & 63;
    let (fx, fy) = (weight(x), weight(y));
    let (x, y) = (x >> SHIFT, y >> SHIFT);
    let across =
        |y: i32| i32::from(at(film, x, y)) * (64 - fx) + i32::from(at(film, x + 1, y)) * fx;
    let (upper, lower) = (across(y), across(y + 1));
    // What PMULHRSW does with a weight of 1/64 as 512/32768.
    let level = upper + (((lower - upper) * (fy << 9) + (1 << 14)) >> 15);
    ((level + 32) >> 6) as u8
}
