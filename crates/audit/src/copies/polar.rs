//! The polar view of an image: a disc around its middle as rings, each ring as its angular Fourier series.
//!
//! Turning an image about its middle shifts every ring by the same angle, which changes the phases of the series and leaves the
//! magnitudes; mirroring it conjugates the series. So the magnitudes are one descriptor for all turned and mirrored copies, and
//! the angle is where the rings' cross-correlation, one inverse transform, peaks. By Parseval and the triangle inequality, the distance of two
//! descriptors bounds from below the distance of the (band-limited) views at every angle: see [`View::descriptor`].
//!
//! The idea is the Fourier–Mellin descriptor's (Casasent & Psaltis 1976; Reddy & Chatterji 1996), with rings linear in radius and scale
//! tried outright, because what is known of a copy is that its middle stayed the middle.

use std::f32::consts::TAU;
use std::sync::Arc;

use image::GrayImage;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Rings of a view, from the middle out.
pub(super) const RINGS: usize = 16;
/// Samples along a ring.
const ANGLES: usize = 128;
/// Harmonics kept of a ring: 0 (its mean) to 23. Finer detail is what re-encoding changes.
const HARMONICS: usize = 24;
/// Harmonics that enter the descriptor.
const DESCRIBED: usize = 8;
/// Numbers in a descriptor.
pub(super) const DIMENSIONS: usize = RINGS * DESCRIBED;

/// The part of an image that a view shows: an ellipse about the middle, half axes relative to the half width and half height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    pub x: f32,
    pub y: f32,
}

impl Window {
    /// The disc that fits into an image of this size, shrunk to `scale`.
    pub fn disc(w: u32, h: u32, scale: f32) -> Self {
        let least = w.min(h) as f32;
        Self {
            x: least / w as f32 * scale,
            y: least / h as f32 * scale,
        }
    }

    /// The ellipse that touches all four sides, shrunk to `scale`: a disc of an image that was squeezed into a square.
    pub fn ellipse(scale: f32) -> Self {
        Self { x: scale, y: scale }
    }
}

/// Harmonics of all rings, ring by ring, each weighted by the root of its area: the squared norm of the whole is 1.
#[derive(Debug, Clone)]
pub(super) struct View {
    rings: Vec<Complex<f32>>,
}

/// Transforms and tables shared by all views.
pub(super) struct PolarMap {
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    directions: Vec<(f32, f32)>,
}

/// How two views lie best: the second, mirrored left to right first if `mirrored`, then turned by `angle` (radians), is the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub angle: f32,
    pub mirrored: bool,
    /// Correlation there, −1 to 1.
    pub correlation: f32,
}

impl PolarMap {
    pub fn new() -> Self {
        let mut planner = FftPlanner::new();
        Self {
            forward: planner.plan_fft_forward(ANGLES),
            inverse: planner.plan_fft_inverse(ANGLES),
            directions: (0..ANGLES)
                .map(|a| (a as f32 * TAU / ANGLES as f32).sin_cos())
                .map(|(sin, cos)| (cos, sin))
                .collect(),
        }
    }

    /// The view of one window of an image (its coarse level).
    pub fn view(&self, film: &GrayImage, window: Window) -> View {
        let (half_w, half_h) = (film.width() as f32 / 2.0, film.height() as f32 / 2.0);
        let mut samples = vec![Complex::new(0.0, 0.0); RINGS * ANGLES];
        for (ring, row) in samples.chunks_exact_mut(ANGLES).enumerate() {
            let radius = (ring as f32 + 0.5) / RINGS as f32;
            let (rx, ry) = (radius * window.x * half_w, radius * window.y * half_h);
            for (sample, &(cos, sin)) in row.iter_mut().zip(&self.directions) {
                sample.re = bilinear(film, half_w + rx * cos - 0.5, half_h + ry * sin - 0.5);
            }
        }
        let mut scratch = vec![Complex::new(0.0, 0.0); self.forward.get_inplace_scratch_len()];
        self.forward
            .process_with_scratch(&mut samples, &mut scratch);
        let mut rings = Vec::with_capacity(RINGS * HARMONICS);
        let total: f32 = (0..RINGS).map(area).sum();
        // The disc's mean is the area-weighted mean of the rings' means.
        let mean = (0..RINGS)
            .map(|r| samples[r * ANGLES].re * area(r))
            .sum::<f32>()
            / total;
        for (ring, row) in samples.chunks_exact(ANGLES).enumerate() {
            let weight = area(ring).sqrt();
            rings.push(Complex::new((row[0].re - mean) * weight, 0.0));
            // A real ring has each harmonic twice, at k and −k.
            let twice = weight * 2.0_f32.sqrt();
            rings.extend(row[1..HARMONICS].iter().map(|&c| c * twice));
        }
        let norm = rings.iter().map(Complex::norm_sqr).sum::<f32>().sqrt();
        if norm > 1e-3 {
            for c in &mut rings {
                *c /= norm;
            }
        } else {
            rings.fill(Complex::new(0.0, 0.0));
        }
        View { rings }
    }

    /// The turn, of the second view, at which two views agree best.
    pub fn best_turn(&self, a: &View, b: &View) -> Turn {
        let mut best = Turn {
            angle: 0.0,
            mirrored: false,
            correlation: f32::NEG_INFINITY,
        };
        let mut scratch = vec![Complex::new(0.0, 0.0); self.inverse.get_inplace_scratch_len()];
        for mirrored in [false, true] {
            let mut cross = vec![Complex::new(0.0, 0.0); ANGLES];
            for (ring_a, ring_b) in a
                .rings
                .chunks_exact(HARMONICS)
                .zip(b.rings.chunks_exact(HARMONICS))
            {
                for (sum, (&x, &y)) in cross.iter_mut().zip(ring_a.iter().zip(ring_b)) {
                    // Mirrored left to right is the angle φ → π − φ: conjugate, and every odd harmonic negated; the sign is put in below.
                    *sum += if mirrored { x * y } else { x * y.conj() };
                }
            }
            if mirrored {
                cross[1..].iter_mut().step_by(2).for_each(|c| *c = -*c);
            }
            self.inverse.process_with_scratch(&mut cross, &mut scratch);
            for (step, value) in cross.iter().enumerate() {
                if value.re > best.correlation {
                    best = Turn {
                        angle: step as f32 * TAU / ANGLES as f32,
                        mirrored,
                        correlation: value.re,
                    };
                }
            }
        }
        best
    }
}

fn area(ring: usize) -> f32 {
    ring as f32 + 0.5
}

impl View {
    /// What turning and mirroring leave alone: the rings' means and the magnitudes of their first harmonics.
    ///
    /// If two views correlate to `c` at some angle, their descriptors are at most `√(2 − 2c)` apart.
    pub fn descriptor(&self) -> [f32; DIMENSIONS] {
        let mut out = [0.0; DIMENSIONS];
        for (row, ring) in out
            .chunks_exact_mut(DESCRIBED)
            .zip(self.rings.chunks_exact(HARMONICS))
        {
            row[0] = ring[0].re;
            for (value, harmonic) in row[1..].iter_mut().zip(&ring[1..]) {
                *value = harmonic.norm();
            }
        }
        out
    }
}

fn bilinear(film: &GrayImage, x: f32, y: f32) -> f32 {
    let (w, h) = (film.width() as usize, film.height() as usize);
    let x = x.clamp(0.0, (w - 1) as f32);
    let y = y.clamp(0.0, (h - 1) as f32);
    let (x0, y0) = ((x as usize).min(w - 2), (y as usize).min(h - 2));
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let at = |x: usize, y: usize| f32::from(film.as_raw()[y * w + x]);
    let top = at(x0, y0) + (at(x0 + 1, y0) - at(x0, y0)) * fx;
    let bottom = at(x0, y0 + 1) + (at(x0 + 1, y0 + 1) - at(x0, y0 + 1)) * fx;
    top + (bottom - top) * fy
}
