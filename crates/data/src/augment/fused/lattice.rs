//! Where each pixel of a result lies in the image, in whole numbers: the same on every machine.

use super::Transform;

/// The places that a [`Transform`] takes a result's pixels from, in 1/2048 pixel of the image; whole pixels are the middles of pixels.
///
/// The pixel at (x, y) lies at `corner(x0, y0) + offset`, where (x0, y0) is the first pixel of its 8×8 tile and the offset that of its
/// place within the tile. Bilinear weights are in 1/64 pixel: the last five bits of a place are cut off.
#[derive(Debug, Clone)]
pub struct Lattice {
    /// From a pixel of the result to its place in the image, in 1/2³² pixel: whole numbers, so that no path rounds differently.
    backward: [i64; 6],
    /// Where a tile's 64 pixels lie from its first one, row by row, in 1/2048 pixel.
    pub(super) dx: [i32; 64],
    pub(super) dy: [i32; 64],
    /// The least and greatest of them.
    x_span: (i32, i32),
    y_span: (i32, i32),
}

impl Transform {
    /// Where the pixels of a `to`-sized result (width, height) lie in a `from`-sized image.
    #[must_use]
    pub fn lattice(&self, from: (u32, u32), to: (u32, u32)) -> Lattice {
        let backward = self.backward(from, to);
        let [a, b, _, d, e, _] = backward;
        // Saturates far outside any image, where all is black.
        let backward =
            backward.map(|v| (v.clamp(-1e5, 1e5) * f64::from(1_u32 << 16).powi(2)).round() as i64);
        let offsets = |along: f64, down: f64| {
            std::array::from_fn(|lane| {
                let (x, y) = ((lane % Lattice::TILE) as f64, (lane / Lattice::TILE) as f64);
                fixed(along * x + down * y)
            })
        };
        let (dx, dy) = (offsets(a, b), offsets(d, e));
        let span = |all: &[i32; 64]| {
            all.iter()
                .fold((0, 0), |(low, high), &v| (v.min(low), v.max(high)))
        };
        Lattice {
            backward,
            x_span: span(&dx),
            y_span: span(&dy),
            dx,
            dy,
        }
    }
}

impl Lattice {
    /// Side of a tile, in pixels.
    pub const TILE: usize = 8;
    /// Steps a pixel.
    pub const UNIT: u32 = 1 << 11;
    /// Steps of a bilinear weight a pixel.
    pub const WEIGHTS: u32 = 64;

    /// Where the pixel (x, y) of the result lies, the first of a tile: (right, down).
    #[must_use]
    pub fn corner(&self, x: usize, y: usize) -> (i32, i32) {
        const FINER: u32 = 32 - Lattice::UNIT.ilog2();
        let [a, b, c, d, e, f] = self.backward;
        // Below 10⁵ · 2³² · 65,535 in size, which 64 bits hold.
        let (x, y) = (x as i64, y as i64);
        let place = |along: i64, down: i64, from: i64| {
            let fine = from + along * x + down * y + (1 << (FINER - 1));
            (fine >> FINER).clamp(-1_000_000_000, 1_000_000_000) as i32
        };
        (place(a, b, c), place(d, e, f))
    }

    /// Where the 64 pixels of a tile lie from its first, row by row: right, and down.
    #[must_use]
    pub fn offsets(&self) -> (&[i32; 64], &[i32; 64]) {
        (&self.dx, &self.dy)
    }

    /// The least and greatest pixel of the image that a tile's pixels fall upon: (left, right), (top, bottom). Each is blended with the
    /// one to its right and the one below.
    #[inline(always)] // Each instruction set compiles its own copy.
    pub(super) fn reach(&self, corner: (i32, i32)) -> ((i32, i32), (i32, i32)) {
        const SHIFT: u32 = Lattice::UNIT.ilog2();
        let span =
            |from: i32, span: (i32, i32)| ((from + span.0) >> SHIFT, (from + span.1) >> SHIFT);
        (span(corner.0, self.x_span), span(corner.1, self.y_span))
    }

    /// Whether each tile needs no more of the image than 16×16 pixels.
    pub(super) fn fits_patch(&self) -> bool {
        let fits = |(low, high): (i32, i32)| high - low <= 14 * Self::UNIT as i32;
        fits(self.x_span) && fits(self.y_span)
    }
}

fn fixed(pixels: f64) -> i32 {
    (pixels * f64::from(Lattice::UNIT)).round().clamp(-1e9, 1e9) as i32
}
