//! What has colour, apart from one tint that the whole picture has.

use osteon_data::ColorSample;

/// How many numbers [`measure`] gives.
pub const COUNT: usize = 11;

/// Steps of luma for each of which the picture's own tint is taken.
const STEPS: usize = 16;
/// Levels of 0..=255 between a pixel's colour and the tint at its luma from which it counts as coloured, and as strongly coloured.
const COLORED: f32 = 28.0;
const STRONG: f32 = 60.0;

/// What is coloured on a picture that has none of its own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Strokes {
    /// Share of the pixels that are strongly coloured against the picture's tint.
    pub strong: f32,
    /// Mean distance of all others from the tint, in levels.
    pub rest: f32,
    /// Share of strongly coloured pixels that have such a neighbour on the left or above.
    pub compact: f32,
    /// How many there are.
    pub pixels: u32,
}

pub fn measure(color: Option<&ColorSample>, out: &mut Vec<f32>) {
    let Some(color) = color.filter(|c| !c.pixels().is_empty()) else {
        out.extend([0.0; COUNT]);
        return;
    };
    let chroma: Vec<[f32; 2]> = color.pixels().iter().map(|&p| chroma(p)).collect();
    let distances = from_tint(color, &chroma);
    let count = chroma.len() as f32;
    let share =
        |values: &[f32], limit: f32| values.iter().filter(|&&v| v > limit).count() as f32 / count;
    let strength: Vec<f32> = chroma.iter().map(|[a, b]| a.hypot(*b)).collect();
    let mut hues = [0.0_f32; 12];
    for ([a, b], &s) in chroma.iter().zip(&strength) {
        if s > 12.0 {
            let turn = b.atan2(*a) / std::f32::consts::TAU + 0.5;
            hues[((turn * 12.0) as usize).min(11)] += s;
        }
    }
    let sum: f32 = hues.iter().sum::<f32>().max(1e-3);
    let entropy: f32 = hues
        .iter()
        .map(|h| h / sum)
        .filter(|&p| p > 0.0)
        .map(|p| -p * p.ln())
        .sum();
    let mean = |values: &[f32]| values.iter().sum::<f32>() / count;
    let log = |share: f32| (share + 3e-4).ln() - 3e-4_f32.ln();
    let coloured = share(&distances, COLORED);
    out.extend([
        (mean(&strength) / 255.0 * 8.0).min(2.0),
        share(&strength, 20.0),
        (mean(&distances) / 255.0 * 16.0).min(2.0),
        log(share(&distances, 14.0)),
        share(&distances, 14.0),
        log(coloured),
        coloured,
        log(share(&distances, STRONG)),
        share(&distances, STRONG),
        if sum > 0.01 * count { entropy } else { 0.0 },
        (hues.iter().filter(|&&h| h > 0.03 * sum).count() as f32) / 12.0,
    ]);
}

/// What is coloured on top of a picture.
pub fn strokes(color: &ColorSample) -> Strokes {
    let chroma: Vec<[f32; 2]> = color.pixels().iter().map(|&p| chroma(p)).collect();
    let distances = from_tint(color, &chroma);
    let width = color.width() as usize;
    let (mut strong, mut beside, mut rest, mut others) = (0_u32, 0_u32, 0.0, 0_u32);
    for (i, &distance) in distances.iter().enumerate() {
        if distance <= STRONG {
            if distance <= COLORED {
                rest += distance;
                others += 1;
            }
            continue;
        }
        strong += 1;
        let left = i % width > 0 && distances[i - 1] > STRONG;
        let above = i >= width && distances[i - width] > STRONG;
        beside += u32::from(left || above);
    }
    Strokes {
        strong: strong as f32 / distances.len().max(1) as f32,
        rest: rest / others.max(1) as f32,
        compact: beside as f32 / strong.max(1) as f32,
        pixels: strong,
    }
}

/// How a pixel differs from gray: red and blue less luma.
fn chroma(rgb: [u8; 3]) -> [f32; 2] {
    let [r, g, b] = rgb.map(f32::from);
    let luma = 0.299 * r + 0.587 * g + 0.114 * b;
    [r - luma, b - luma]
}

/// How far each pixel's colour is from the picture's tint at its luma: the median colour of the pixels about as bright.
fn from_tint(color: &ColorSample, chroma: &[[f32; 2]]) -> Vec<f32> {
    let step = |rgb: [u8; 3]| {
        let [r, g, b] = rgb.map(u32::from);
        ((r * 77 + g * 150 + b * 29) >> 8) as usize * STEPS / 256
    };
    let steps: Vec<usize> = color.pixels().iter().map(|&rgb| step(rgb)).collect();
    let mut by_step = vec![[Vec::new(), Vec::new()]; STEPS];
    for (&step, &[a, b]) in steps.iter().zip(chroma) {
        by_step[step][0].push(a);
        by_step[step][1].push(b);
    }
    let enough = chroma.len() / 100;
    let all: [f32; 2] = [0, 1].map(|c| {
        let mut values: Vec<f32> = chroma.iter().map(|v| v[c]).collect();
        median(&mut values)
    });
    let tints: Vec<[f32; 2]> = by_step
        .iter_mut()
        .map(|[a, b]| {
            if a.len() > enough {
                [median(a), median(b)]
            } else {
                // Too few pixels to have a tint of their own: a stroke on a dark image is all there is of its brightness.
                all
            }
        })
        .collect();
    steps
        .iter()
        .zip(chroma)
        .map(|(&step, &[a, b])| (a - tints[step][0]).hypot(b - tints[step][1]))
        .collect()
}

fn median(values: &mut [f32]) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}
