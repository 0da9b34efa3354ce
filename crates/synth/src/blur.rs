//! Blurs: a small one for focal spot and detector, a broad one for scatter.

use super::calc::lerp;

/// Convolves rows and columns with `[side, 1 − 2·side, side]`; the edge repeats.
pub(super) fn fine(map: &mut [f32], width: usize, side: f32) {
    let middle = 1.0 - 2.0 * side;
    for row in map.chunks_exact_mut(width) {
        let mut before = row.first().copied().unwrap_or(0.0);
        for x in 0..width {
            let here = row[x];
            let after = row[(x + 1).min(width - 1)];
            row[x] = side * (before + after) + middle * here;
            before = here;
        }
    }
    let mut before: Vec<f32> = map[..width].to_vec();
    let height = map.len() / width;
    for y in 0..height {
        let (upper, lower) = map.split_at_mut((y + 1) * width);
        let row = &mut upper[y * width..];
        let last = y + 1 == height;
        for x in 0..width {
            let here = row[x];
            let after = if last { here } else { lower[x] };
            row[x] = side * (before[x] + after) + middle * here;
            before[x] = here;
        }
    }
}

/// A broad, smooth average, computed on blocks of `block` pixels and interpolated back: a kernel of about `4·block` pixels.
pub(super) struct Broad {
    cells: Vec<f32>,
    /// For each column of pixels: the cell to its left and the share of the next one.
    columns: Vec<(u32, f32)>,
    across: usize,
    block: usize,
    /// One row of cells, interpolated between rows; one value longer, so that the last cell has a next one.
    between: Vec<f32>,
}

impl Broad {
    pub(super) fn new(map: &[f32], width: usize, block: usize) -> Self {
        let height = map.len() / width;
        let (across, down) = (width.div_ceil(block), height.div_ceil(block));
        let mut cells = vec![0.0; across * down];
        for (y, row) in map.chunks_exact(width).enumerate() {
            let out = &mut cells[y / block * across..][..across];
            for (cell, part) in out.iter_mut().zip(row.chunks(block)) {
                *cell += part.iter().sum::<f32>();
            }
        }
        for (i, cell) in cells.iter_mut().enumerate() {
            let (x, y) = (i % across * block, i / across * block);
            let count = block.min(width - x) * block.min(height - y);
            *cell /= count as f32;
        }
        for _ in 0..3 {
            fine(&mut cells, across, 0.3);
        }
        let columns = (0..width)
            .map(|x| {
                let (cell, share) = split(x, block, across);
                (cell as u32, share)
            })
            .collect();
        Self {
            cells,
            columns,
            across,
            block,
            between: vec![0.0; across + 1],
        }
    }

    /// The average around each pixel of row `y`.
    pub(super) fn row(&mut self, y: usize) -> impl Iterator<Item = f32> {
        let down = self.cells.len() / self.across;
        let (first, share) = split(y, self.block, down);
        let upper = &self.cells[first * self.across..][..self.across];
        let lower = &self.cells[(first + 1).min(down - 1) * self.across..][..self.across];
        for ((value, a), b) in self.between.iter_mut().zip(upper).zip(lower) {
            *value = lerp(*a, *b, share);
        }
        self.between[self.across] = self.between[self.across - 1];
        let between = &self.between;
        self.columns.iter().map(move |&(cell, share)| {
            let cell = cell as usize;
            lerp(between[cell], between[cell + 1], share)
        })
    }
}

/// The block before a pixel's centre, of `count`, and the share of the next.
fn split(pixel: usize, block: usize, count: usize) -> (usize, f32) {
    let place = ((pixel as f32 + 0.5) / block as f32 - 0.5).max(0.0);
    let first = (place as usize).min(count - 1);
    (first, (place - first as f32).min(1.0))
}
