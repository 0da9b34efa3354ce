//! How the gray levels lie, as they are in the file.

use super::{mean, quantiles};
use crate::picture::Plane;

/// How many numbers [`measure`] gives.
pub const COUNT: usize = 24;

const AT: [f32; 9] = [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0];

/// `window` is where the stretched picture has 0, and how far from there it has 1.
pub fn measure(gray: &Plane, window: (f32, f32), out: &mut Vec<f32>) {
    let mut counts = [0_f32; 256];
    for &v in &gray.values {
        counts[(v * 255.0 + 0.5) as usize & 255] += 1.0;
    }
    let total = gray.values.len().max(1) as f32;
    let shares = counts.map(|count| count / total);
    let mut sorted = gray.values.clone();
    let found = quantiles(&mut sorted, AT);
    out.extend(found);
    out.push(window.0);
    out.push(window.1);
    // The middle quantiles relative to the window: the histogram's shape.
    out.extend([found[3], found[4], found[5]].map(|v| (v - window.0) / window.1.max(0.05)));
    let entropy: f32 = shares
        .iter()
        .filter(|&&p| p > 0.0)
        .map(|p| -p * p.log2())
        .sum();
    out.push(entropy / 8.0);
    let mut by_share = shares;
    by_share.sort_unstable_by(|a, b| b.total_cmp(a));
    out.push(by_share[0]);
    out.push(by_share[..4].iter().sum());
    out.push(by_share[..16].iter().sum());
    out.push(by_share[..64].iter().sum());
    out.push(shares[..3].iter().sum());
    out.push(shares[253..].iter().sum());
    // Levels that stand out from their neighbours: flat colours.
    let spikes: f32 = (2..254)
        .map(|i| {
            let near = (shares[i - 2] + shares[i - 1] + shares[i + 1] + shares[i + 2]) / 4.0;
            (shares[i] - 3.0 * near - 0.002).max(0.0)
        })
        .sum();
    out.push(spikes);
    out.push(counts.iter().filter(|&&count| count > 0.0).count() as f32 / 256.0);
    out.push(otsu(&shares, mean(&gray.values)));
}

/// The share of the variance that lies between two classes of levels, divided where it is largest.
fn otsu(shares: &[f32; 256], mean: f32) -> f32 {
    let variance: f32 = shares
        .iter()
        .enumerate()
        .map(|(i, p)| p * (i as f32 / 255.0 - mean).powi(2))
        .sum();
    let (mut below, mut sum, mut best) = (0.0, 0.0, 0.0_f32);
    for (i, p) in shares.iter().enumerate() {
        below += p;
        sum += p * i as f32 / 255.0;
        if below > 1e-6 && below < 1.0 - 1e-6 {
            let between = (mean * below - sum).powi(2) / (below * (1.0 - below));
            best = best.max(between);
        }
    }
    best / variance.max(1e-6)
}
