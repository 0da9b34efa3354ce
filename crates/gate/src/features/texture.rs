//! How smooth, how sharp, in which directions: on one octave of a picture.

use crate::picture::Plane;

/// How many numbers [`measure`] gives.
pub const COUNT: usize = 32;

/// Below this difference of stretched gray levels two pixels are alike.
const ALIKE: f32 = 0.012;

/// Shares of the pixels with a gradient above each of these.
const STEEP: [f32; 5] = [0.015, 0.04, 0.08, 0.16, 0.32];

pub fn measure(plane: &Plane, out: &mut Vec<f32>) {
    let (w, h) = (plane.width, plane.height);
    let mut all = Sums::default();
    // Mean gradient in the dark, the middle and the bright third.
    let mut thirds = [(0.0_f32, 0.0_f32); 3];
    let mut patterns = [0_u32; 10];
    for y in 1..h.saturating_sub(1) {
        for x in 1..w.saturating_sub(1) {
            let c = plane.at(x, y);
            let around = [
                plane.at(x - 1, y - 1),
                plane.at(x, y - 1),
                plane.at(x + 1, y - 1),
                plane.at(x + 1, y),
                plane.at(x + 1, y + 1),
                plane.at(x, y + 1),
                plane.at(x - 1, y + 1),
                plane.at(x - 1, y),
            ];
            let gx = 0.5 * (around[3] - around[7]);
            let gy = 0.5 * (around[5] - around[1]);
            let steep = all.gradient(gx, gy);
            all.laplace(around[1] + around[3] + around[5] + around[7] - 4.0 * c);
            let third = usize::from(c > 0.33) + usize::from(c > 0.66);
            thirds[third].0 += steep;
            thirds[third].1 += 1.0;
            let bits = around
                .iter()
                .enumerate()
                .fold(0_u32, |bits, (i, &v)| bits | u32::from(v > c + ALIKE) << i);
            let turned = (bits >> 1) | ((bits & 1) << 7);
            let changes = (bits ^ turned).count_ones();
            let pattern = if changes <= 2 { bits.count_ones() } else { 9 };
            patterns[pattern as usize] += 1;
            let (low, high) = around
                .iter()
                .fold((c, c), |(low, high), &v| (low.min(v), high.max(v)));
            all.flat += f32::from(u8::from(high - low < ALIKE));
        }
    }
    let total = all.count.max(1.0);
    let g = all.sum / total;
    let l = all.laplace_sum / total;
    out.extend([
        (g + 1e-3).ln(),
        g / ((all.squares / total).sqrt() + 1e-4),
        (l + 1e-3).ln(),
        l / (g + 1e-3),
        l / ((all.laplace_squares / total).sqrt() + 1e-4),
        all.flat / total,
    ]);
    out.extend(all.above.map(|count| (count / total + 1e-3).ln()));
    // Steep pixels among those with a gradient at all.
    out.push((all.above[3] + 1.0) / (all.above[0] + 20.0));
    let weight = all.squares.max(1e-6);
    let [c2, s2, c4, s4] = all.directions.map(|sum| sum / weight);
    out.extend([c2.abs(), c4, c2.hypot(s2), c4.hypot(s4)]);
    out.extend(thirds.map(|(sum, count)| sum / (count + 0.01 * total) / (g + 0.004)));
    // Pixels on an exact horizontal or vertical edge among the steep ones.
    out.push(all.straight / (all.above[2] + 20.0));
    out.push((all.straight / total + 1e-3).ln());
    out.push(l / (g + 1e-3) * (1.0 - all.flat / total));
    out.extend(patterns.map(|count| count as f32 / total));
}

#[derive(Default)]
struct Sums {
    count: f32,
    sum: f32,
    squares: f32,
    laplace_sum: f32,
    laplace_squares: f32,
    flat: f32,
    above: [f32; 5],
    /// Σ g² of cos 2θ, sin 2θ, cos 4θ, sin 4θ.
    directions: [f32; 4],
    straight: f32,
}

impl Sums {
    fn gradient(&mut self, gx: f32, gy: f32) -> f32 {
        let square = gx * gx + gy * gy;
        let g = square.sqrt();
        self.count += 1.0;
        self.sum += g;
        self.squares += square;
        for (count, limit) in self.above.iter_mut().zip(STEEP) {
            *count += f32::from(u8::from(g > limit));
        }
        if square > 1e-8 {
            let (c2, s2) = ((gx * gx - gy * gy) / square, 2.0 * gx * gy / square);
            let (c4, s4) = (c2 * c2 - s2 * s2, 2.0 * c2 * s2);
            for (sum, v) in self.directions.iter_mut().zip([c2, s2, c4, s4]) {
                *sum += square * v;
            }
        }
        if g > STEEP[2] && gx.abs().min(gy.abs()) < 0.04 * g {
            self.straight += 1.0;
        }
        g
    }

    fn laplace(&mut self, value: f32) {
        self.laplace_sum += value.abs();
        self.laplace_squares += value * value;
    }
}
