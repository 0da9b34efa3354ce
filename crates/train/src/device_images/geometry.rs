//! The warp: where each pixel comes from, and its level there.

use osteon_data::Lattice;
use tch::{TchError, Tensor};

use super::Job;
use super::sheet::{Part, Sent, Sheet};

/// The places of a batch's pixels, tile by tile as the fused pass has them.
pub(super) struct Places {
    /// Of each tile's first pixel: N×T×1×T×1×2, (right, down), in steps of the lattice.
    corners: Part,
    /// Of a tile's pixels from its first: N×1×8×1×8×2.
    offsets: Part,
    from: f64,
    to: i64,
    /// Side of the result in whole tiles.
    padded: i64,
}

/// Corners beyond this are far outside any image, and what is within it 32-bit floats count without a gap.
const FAR: i32 = 1 << 23;

impl Places {
    /// Writes where the images' pixels lie; `None` if all of them stay where they are.
    pub fn write(jobs: &[Job<'_>], from: u32, to: u32, sheet: &mut Sheet) -> Option<Self> {
        if from == to && jobs.iter().all(|job| job.transform.moves_nothing()) {
            return None;
        }
        let lattices: Vec<Lattice> = jobs
            .iter()
            .map(|job| job.transform.lattice((from, from), (to, to)))
            .collect();
        let (count, tile) = (jobs.len() as i64, Lattice::TILE as i64);
        let tiles = (to as usize).div_ceil(Lattice::TILE) as i64;
        let starts = || (0..to as usize).step_by(Lattice::TILE);
        let corners = lattices.iter().flat_map(|lattice| {
            starts().flat_map(move |y| {
                starts().flat_map(move |x| {
                    let (right, down) = lattice.corner(x, y);
                    [right, down].map(|v| v.clamp(-FAR, FAR) as f32)
                })
            })
        });
        let corners = sheet.put([count, tiles, 1, tiles, 1, 2], corners);
        let offsets = lattices.iter().flat_map(|lattice| {
            let (right, down) = lattice.offsets();
            let pairs = right.iter().zip(down);
            pairs.flat_map(|(&right, &down)| [right, down].map(|v| v.clamp(-FAR, FAR) as f32))
        });
        Some(Self {
            corners,
            offsets: sheet.put([count, 1, tile, 1, tile, 2], offsets),
            from: f64::from(from),
            to: i64::from(to),
            padded: tiles * tile,
        })
    }

    /// N×1×H×W levels at these places of N×1×S×S levels, rounded to whole levels; black outside the images, and blended with their
    /// border, as padding with zeros does it.
    pub fn sample(&self, sheet: &Sent, levels: &Tensor) -> Result<Tensor, TchError> {
        let steps = f64::from(Lattice::UNIT / Lattice::WEIGHTS);
        let mut places = sheet
            .take(&self.corners)?
            .f_add(&sheet.take(&self.offsets)?)?
            .f_reshape([-1, self.padded, self.padded, 2])?
            .f_narrow(1, 0, self.to)?
            .f_narrow(2, 0, self.to)?;
        // In 1/64 pixel, as the weights are. Then as grid_sampler counts without align_corners: −1 is the left edge of the first
        // pixel and 1 the right edge of the last.
        let mut places = places.f_mul_scalar_(1.0 / steps)?.f_floor_()?;
        let mut places = places.f_mul_scalar_(2.0 / (f64::from(Lattice::WEIGHTS) * self.from))?;
        let places = places.f_add_scalar_(1.0 / self.from - 1.0)?;
        let (bilinear, zeros) = (0, 0);
        let mut levels = levels.f_grid_sampler(&places, bilinear, zeros, false)?;
        levels.f_add_scalar_(0.5)?.f_floor_()
    }
}
