//! Where the bright and the busy parts lie: border and middle, blocks, symmetry, coarse frequencies. On the stretched picture.

use super::{correlation, deviation, mean, quantiles};
use crate::picture::Plane;

/// How many numbers [`measure`] gives.
pub const COUNT: usize = 16 + BLOCKS + 5 + 4 + 7 + 1;

const BLOCKS: usize = 12;
/// Side of the small square that symmetry and frequencies are taken from.
const SIDE: usize = 32;
/// Side of a block, in pixels.
const BLOCK: usize = 16;

pub fn measure(plane: &Plane, out: &mut Vec<f32>) {
    border(plane, out);
    blocks(plane, out);
    let small = small(plane);
    rings(&small, out);
    symmetry(&small, out);
    frequencies(&small, out);
    let (w, h) = (plane.width as f32, plane.height as f32);
    out.push((w / h).ln().abs());
}

/// The four edges, a sixteenth wide, against the middle.
fn border(plane: &Plane, out: &mut Vec<f32>) {
    let (w, h) = (plane.width, plane.height);
    let (bw, bh) = ((w / 16).max(1), (h / 16).max(1));
    let part = |xs: std::ops::Range<usize>, ys: std::ops::Range<usize>| -> Vec<f32> {
        ys.flat_map(|y| xs.clone().map(move |x| plane.at(x, y)))
            .collect()
    };
    let sides = [
        part(0..w, 0..bh),
        part(0..w, h - bh..h),
        part(0..bw, 0..h),
        part(w - bw..w, 0..h),
    ];
    let mut means = sides.each_ref().map(|side| mean(side));
    let mut spreads = sides.each_ref().map(|side| deviation(side));
    let ring: Vec<f32> = sides.concat();
    let middle = part(w / 4..w - w / 4, h / 4..h - h / 4);
    let mut corners = [
        mean(&part(0..bw, 0..bh)),
        mean(&part(w - bw..w, 0..bh)),
        mean(&part(0..bw, h - bh..h)),
        mean(&part(w - bw..w, h - bh..h)),
    ];
    for values in [&mut means, &mut spreads, &mut corners] {
        values.sort_unstable_by(f32::total_cmp);
    }
    let share = |test: &dyn Fn(f32) -> bool| {
        ring.iter().filter(|&&v| test(v)).count() as f32 / ring.len().max(1) as f32
    };
    out.extend(means);
    out.extend(spreads);
    out.extend([corners[0], corners[3]]);
    out.extend([
        mean(&middle),
        deviation(&middle),
        mean(&middle) - mean(&ring),
        deviation(&ring),
        share(&|v| v < 0.12),
        share(&|v| v > 0.88),
    ]);
}

/// How much blocks vary, and how that hangs on how bright they are.
fn blocks(plane: &Plane, out: &mut Vec<f32>) {
    let (mut means, mut spreads) = (Vec::new(), Vec::new());
    for top in (0..plane.height.saturating_sub(BLOCK - 1)).step_by(BLOCK) {
        for left in (0..plane.width.saturating_sub(BLOCK - 1)).step_by(BLOCK) {
            let (mut sum, mut squares) = (0.0_f32, 0.0_f32);
            for y in top..top + BLOCK {
                for &v in &plane.values[y * plane.width + left..][..BLOCK] {
                    sum += v;
                    squares += v * v;
                }
            }
            let n = (BLOCK * BLOCK) as f32;
            means.push(sum / n);
            spreads.push((squares / n - (sum / n).powi(2)).max(0.0).sqrt());
        }
    }
    let hangs = correlation(means.iter().copied().zip(spreads.iter().copied()));
    let count = spreads.len().max(1) as f32;
    let under = |limit: f32| spreads.iter().filter(|&&s| s < limit).count() as f32 / count;
    let quiet = [under(0.01), under(0.03), under(0.08), under(0.15)];
    let spread_of_means = deviation(&means);
    out.extend(quantiles(&mut spreads, [0.05, 0.25, 0.5, 0.75, 0.95, 1.0]));
    out.extend(quiet);
    out.extend([hangs, spread_of_means]);
}

/// The picture stretched to a small square, each pixel the mean of what it stands for.
fn small(plane: &Plane) -> Vec<f32> {
    let mut sums = vec![(0.0_f32, 0.0_f32); SIDE * SIDE];
    for y in 0..plane.height {
        let row = y * SIDE / plane.height * SIDE;
        for x in 0..plane.width {
            let cell = &mut sums[row + x * SIDE / plane.width];
            cell.0 += plane.at(x, y);
            cell.1 += 1.0;
        }
    }
    sums.into_iter().map(|(sum, n)| sum / n.max(1.0)).collect()
}

/// Mean brightness from the middle outwards.
fn rings(small: &[f32], out: &mut Vec<f32>) {
    let mut sums = [(0.0_f32, 0.0_f32); 5];
    let middle = (SIDE as f32 - 1.0) / 2.0;
    for (i, v) in small.iter().enumerate() {
        let (x, y) = ((i % SIDE) as f32 - middle, (i / SIDE) as f32 - middle);
        let ring = ((x.hypot(y) / middle) * 4.0) as usize;
        let cell = &mut sums[ring.min(4)];
        cell.0 += v;
        cell.1 += 1.0;
    }
    out.extend(sums.map(|(sum, n)| sum / n.max(1.0)));
}

/// Correlation with the picture mirrored, turned half and turned over its diagonal.
fn symmetry(small: &[f32], out: &mut Vec<f32>) {
    let with = |other: &dyn Fn(usize, usize) -> usize| {
        correlation((0..SIDE * SIDE).map(|i| (small[i], small[other(i % SIDE, i / SIDE)])))
    };
    let last = SIDE - 1;
    let (across, down) = (
        with(&|x, y| y * SIDE + last - x),
        with(&|x, y| (last - y) * SIDE + x),
    );
    out.extend([
        across.max(down),
        across.min(down),
        with(&|x, y| (last - y) * SIDE + last - x),
        with(&|x, y| x * SIDE + y),
    ]);
}

/// Shares of the energy by frequency, of a cosine transform of the small square.
fn frequencies(small: &[f32], out: &mut Vec<f32>) {
    let n = SIDE as f32;
    let mut basis = vec![0.0_f32; SIDE * SIDE];
    for k in 0..SIDE {
        for x in 0..SIDE {
            basis[k * SIDE + x] = (std::f32::consts::PI * k as f32 * (x as f32 + 0.5) / n).cos();
        }
    }
    let mut rows = vec![0.0_f32; SIDE * SIDE];
    for y in 0..SIDE {
        for k in 0..SIDE {
            rows[y * SIDE + k] = (0..SIDE)
                .map(|x| small[y * SIDE + x] * basis[k * SIDE + x])
                .sum();
        }
    }
    let mut bands = [0.0_f32; 6];
    let (mut across, mut total) = (0.0_f32, 0.0_f32);
    for ky in 0..SIDE {
        for kx in 0..SIDE {
            if kx + ky == 0 {
                continue;
            }
            let sum: f32 = (0..SIDE)
                .map(|y| rows[y * SIDE + kx] * basis[ky * SIDE + y])
                .sum();
            let energy = sum * sum;
            let far = kx.max(ky);
            let band = match far {
                1 => 0,
                2 => 1,
                3..=4 => 2,
                5..=8 => 3,
                9..=16 => 4,
                _ => 5,
            };
            bands[band] += energy;
            total += energy;
            if kx == 0 || ky == 0 {
                across += energy;
            }
        }
    }
    let total = total.max(1e-6);
    out.extend(bands.map(|band| (band / total + 1e-5).ln()));
    out.push(across / total);
}
