//! Soft tissue: limbs as bowed elliptic cylinders. A ray at distance `d` from the middle of a limb of half width `r` passes
//! `2·depth·√(r² − d²)` cm; where two parts of a limb meet, the longer path counts, blended over [`BLEND`] cm.

use super::calc::{lerp, step};
use super::frame::{Frame, Patch};

/// Attenuation of muscle, 1/cm, at about 60 keV.
pub(super) const MUSCLE: f32 = 0.17;
/// Over how much path, cm, two parts of a limb melt into each other.
const BLEND: f32 = 1.2;
const STRIDE: f32 = 0.1;

/// One part of a limb's flesh.
#[derive(Clone, Debug)]
pub(super) struct Tube {
    pub(super) frame: Frame,
    /// `(centre, half width, depth over width)` every [`STRIDE`] cm, cm.
    stations: Vec<(f32, f32, f32)>,
    /// As for bones: what a fracture further in carries along.
    pub(super) chain: (u32, u32),
}

impl Tube {
    /// A tube whose half width runs smoothly through `knots`, pairs of `(s, half width)` with `s` rising from 0.
    pub(super) fn new(frame: Frame, knots: &[(f32, f32)], depth: f32, chain: (u32, u32)) -> Self {
        let length = knots.last().map_or(0.0, |k| k.0);
        let count = (length / STRIDE) as usize + 2;
        let stations = (0..count)
            .map(|i| {
                let s = i as f32 * STRIDE;
                let after = knots.partition_point(|k| k.0 <= s);
                let (a, b) = (
                    knots.get(after.saturating_sub(1)),
                    knots.get(after).or(knots.last()),
                );
                let width = match (a, b) {
                    (Some(a), Some(b)) if b.0 > a.0 => {
                        lerp(a.1, b.1, step((s - a.0) / (b.0 - a.0)))
                    }
                    (Some(a), _) => a.1,
                    _ => 0.0,
                };
                (0.0, width, depth)
            })
            .collect();
        Self {
            frame,
            stations,
            chain,
        }
    }

    /// Thins the tube over this much of its ends, cm, where it lies under another one.
    pub(super) fn faded(mut self, near: f32, far: f32) -> Self {
        let length = (self.stations.len() as f32 - 1.0) * STRIDE;
        for (i, station) in self.stations.iter_mut().enumerate() {
            let s = i as f32 * STRIDE;
            station.2 *= step(s / near.max(1e-3)) * step((length - s) / far.max(1e-3));
        }
        self
    }

    /// Rounds the far end over the last `cap` cm, as of a finger.
    pub(super) fn rounded(mut self, cap: f32) -> Self {
        let length = self.stations.len() as f32 * STRIDE;
        for (i, station) in self.stations.iter_mut().enumerate() {
            let q = 1.0 - ((length - i as f32 * STRIDE) / cap).clamp(0.0, 1.0);
            station.1 *= (1.0 - q * q).max(0.0).sqrt();
        }
        self
    }

    /// Bends the tube from `s` outwards: sideways by `shift` cm and by `slope` cm a cm.
    pub(super) fn kink(&mut self, s: f32, shift: f32, slope: f32) {
        for (i, station) in self.stations.iter_mut().enumerate() {
            let past = i as f32 * STRIDE - s;
            station.0 += shift * step(past / 3.0 + 0.5) + slope * past.max(0.0);
        }
    }

    /// The half width at `s`, 0 off the tube.
    pub(super) fn half_width(&self, s: f32) -> f32 {
        self.at(s).1
    }

    fn at(&self, s: f32) -> (f32, f32, f32) {
        let x = (s / STRIDE).max(0.0);
        let i = x as usize;
        match (self.stations.get(i), self.stations.get(i + 1)) {
            (Some(a), Some(b)) if s >= 0.0 => {
                let t = x - i as f32;
                (lerp(a.0, b.0, t), lerp(a.1, b.1, t), lerp(a.2, b.2, t))
            }
            _ => (0.0, 0.0, 0.0),
        }
    }

    /// Adds the tube, widened by `extra` cm, to a map of path lengths (cm).
    pub(super) fn add(&self, path: &mut [f32], size: (usize, usize), per_cm: f32, extra: f32) {
        let (mut low, mut high) = (0.0_f32, 0.0_f32);
        for &(centre, width, _) in &self.stations {
            low = low.min(centre - width);
            high = high.max(centre + width);
        }
        let patch = Patch {
            frame: self.frame,
            s: (0.0, (self.stations.len() as f32 - 1.0) * STRIDE),
            v: (low - extra, high + extra),
        };
        patch.each(size, per_cm, |i, s, v| {
            let (centre, width, depth) = self.at(s);
            let (width, d) = (width + extra, v - centre);
            let q = width * width - d * d;
            if q > 0.0 {
                let here = 2.0 * depth * q.sqrt();
                let there = path[i];
                if there == 0.0 {
                    path[i] = here;
                    return;
                }
                // Polynomial smooth maximum; no blending towards bare image, which would draw a halo.
                let near = (BLEND - (here - there).abs()).max(0.0);
                let blend = near * near / (4.0 * BLEND) * (there.min(here) / BLEND).min(1.0);
                path[i] = here.max(there) + blend;
            }
        });
    }
}
