//! Value noise: a tile of random numbers, read with bilinear interpolation and repeated without end.

use super::calc::floor;
use super::dice::Dice;

const SIDE: usize = 64;

/// A 64 × 64 tile of about standard normal values.
#[derive(Clone, Debug)]
pub(super) struct Texture(Vec<f32>);

impl Texture {
    pub(super) fn new(dice: &mut Dice) -> Self {
        Self((0..SIDE * SIDE).map(|_| dice.bell()).collect())
    }

    /// The value at `(x, y)`, in cells.
    pub(super) fn at(&self, x: f32, y: f32) -> f32 {
        let (ix, iy) = (floor(x), floor(y));
        let (tx, ty) = (x - ix as f32, y - iy as f32);
        let mask = SIDE - 1;
        let (x0, y0) = (ix as usize & mask, iy as usize & mask);
        let (x1, y1) = ((x0 + 1) & mask, ((y0 + 1) & mask) * SIDE);
        let y0 = y0 * SIDE;
        let upper = self.0[y0 + x0] + (self.0[y0 + x1] - self.0[y0 + x0]) * tx;
        let lower = self.0[y1 + x0] + (self.0[y1 + x1] - self.0[y1 + x0]) * tx;
        upper + (lower - upper) * ty
    }
}
