//! What is left of a picture when its contrast curve is taken away: each pixel is its rank among all. Texture and ridges of that, and a small square of
//! it, turned and mirrored to one of eight ways, for what is shown at all.

use super::texture;
use crate::picture::Plane;

/// How many numbers [`measure`] gives.
pub const COUNT: usize = OCTAVES * (texture::COUNT + RIDGES) + SIDE * SIDE + 8;

/// Octaves that are looked at, from half the size on.
const OCTAVES: usize = 3;
/// Numbers of [`ridges`].
const RIDGES: usize = 8;
/// Side of the small square.
const SIDE: usize = 12;

pub fn measure(gray: &Plane, out: &mut Vec<f32>) {
    let mut plane = ranked(&gray.halved());
    for number in 0..OCTAVES {
        if number > 0 {
            plane = plane.halved();
        }
        texture::measure(&plane, out);
        ridges(&plane, out);
        if number == 0 {
            square(&plane, out);
        }
    }
}

/// The picture with its levels spread evenly over 0..=1.
fn ranked(gray: &Plane) -> Plane {
    const STEPS: usize = 1024;
    let step = |v: f32| ((v * (STEPS - 1) as f32) as usize).min(STEPS - 1);
    let mut counts = vec![0.0_f32; STEPS];
    for &v in &gray.values {
        counts[step(v)] += 1.0;
    }
    let total = gray.values.len().max(1) as f32;
    let mut below = 0.0;
    for count in &mut counts {
        let here = *count;
        *count = (below + 0.5 * here) / total;
        below += here;
    }
    Plane {
        values: gray.values.iter().map(|&v| counts[step(v)]).collect(),
        ..gray.clone()
    }
}

/// How the levels curve: along one direction more than along the other (bones, their edges), upwards or downwards.
fn ridges(plane: &Plane, out: &mut Vec<f32>) {
    let (mut strong, mut weak, mut signed, mut count) = (0.0_f32, 0.0_f32, 0.0_f32, 1.0_f32);
    let (mut squares, mut lines, mut bright, mut dark, mut spots) = (0.0_f32, 0.0, 0.0, 0.0, 0.0);
    for y in 1..plane.height.saturating_sub(1) {
        for x in 1..plane.width.saturating_sub(1) {
            let c = 2.0 * plane.at(x, y);
            let xx = plane.at(x - 1, y) + plane.at(x + 1, y) - c;
            let yy = plane.at(x, y - 1) + plane.at(x, y + 1) - c;
            let xy = 0.25
                * (plane.at(x - 1, y - 1) + plane.at(x + 1, y + 1)
                    - plane.at(x + 1, y - 1)
                    - plane.at(x - 1, y + 1));
            let (mean, far) = (0.5 * (xx + yy), (0.5 * (xx - yy)).hypot(xy));
            let (a, b) = if mean > 0.0 {
                (mean + far, mean - far)
            } else {
                (mean - far, mean + far)
            };
            count += 1.0;
            strong += a.abs();
            squares += a * a;
            weak += b.abs();
            signed += a;
            if a.abs() > 0.03 {
                lines += f32::from(u8::from(b.abs() < 0.3 * a.abs()));
                spots += f32::from(u8::from(b.abs() > 0.6 * a.abs()));
                bright += f32::from(u8::from(a < 0.0));
                dark += f32::from(u8::from(a > 0.0));
            }
        }
    }
    let curved = bright + dark;
    out.extend([
        (strong / count + 1e-3).ln(),
        weak / (strong + 1e-3),
        signed / (strong + 1e-3),
        strong / count / ((squares / count).sqrt() + 1e-4),
        lines / (curved + 5.0),
        spots / (curved + 5.0),
        (bright - dark) / (curved + 5.0),
        (curved / count + 1e-3).ln(),
    ]);
}

/// A small square of the picture: upright, its brighter half below and to the right; and how its halves and its middle differ.
fn square(plane: &Plane, out: &mut Vec<f32>) {
    let mut cells = vec![(0.0_f32, 0.0_f32); SIDE * SIDE];
    let tall = plane.height >= plane.width;
    for y in 0..plane.height {
        for x in 0..plane.width {
            let (cx, cy) = (x * SIDE / plane.width, y * SIDE / plane.height);
            let cell = &mut cells[if tall { cy * SIDE + cx } else { cx * SIDE + cy }];
            cell.0 += plane.at(x, y);
            cell.1 += 1.0;
        }
    }
    let means: Vec<f32> = cells.into_iter().map(|(sum, n)| sum / n.max(1.0)).collect();
    let half = |test: &dyn Fn(usize, usize) -> bool| -> f32 {
        let part = (0..SIDE * SIDE).filter(|i| test(i % SIDE, i / SIDE));
        part.map(|i| means[i]).sum::<f32>() / (SIDE * SIDE / 2) as f32
    };
    let across = half(&|x, _| x >= SIDE / 2) - half(&|x, _| x < SIDE / 2);
    let down = half(&|_, y| y >= SIDE / 2) - half(&|_, y| y < SIDE / 2);
    let turned = |x: usize, y: usize| {
        let x = if across < 0.0 { SIDE - 1 - x } else { x };
        let y = if down < 0.0 { SIDE - 1 - y } else { y };
        means[y * SIDE + x]
    };
    out.extend((0..SIDE * SIDE).map(|i| turned(i % SIDE, i / SIDE)));
    let line = |test: &dyn Fn(usize) -> usize, from: usize| -> f32 {
        (from..SIDE - from).map(|i| means[test(i)]).sum::<f32>() / (SIDE - 2 * from) as f32
    };
    let middle = SIDE / 2;
    out.extend([
        across.abs(),
        down.abs(),
        line(&|i| i * SIDE + middle, 1) - line(&|i| i * SIDE, 1),
        line(&|i| middle * SIDE + i, 1) - line(&|i| i, 1),
        line(&|i| i * SIDE + middle, 1) - line(&|i| i * SIDE + middle / 2, 1),
        line(&|i| middle * SIDE + i, 1) - line(&|i| middle / 2 * SIDE + i, 1),
        line(&|i| i * SIDE + i, 0),
        line(&|i| i * SIDE + SIDE - 1 - i, 0),
    ]);
}
