//! From an image to 512 bits that neither turning nor mirroring changes.
//!
//! The image's *detail* (see [`Detail`]) is laid out in rings about its middle, each ring as its angular Fourier series z(r, k). Turning the image by φ
//! multiplies every z(r, k) by e^{−ikφ}; so z(r, k)·z̄(r+1, k), how far the k-th wave of one ring is turned against that of the next, stays as it is, and
//! mirroring only conjugates it. A bit each is kept of its real and imaginary part: the sign.

use std::f32::consts::TAU;
use std::sync::{Arc, LazyLock};

use fast_image_resize::Resizer;
use image::GrayImage;
use image::imageops::crop_imm;
use osteon_data::GrayView;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::copies::{Detail, Thumb, Window};

/// Pairs of neighbouring rings.
const PAIRS: usize = 16;
const RINGS: usize = PAIRS + 1;
/// Waves round a ring: 1 to 16. The mean is light and shade; finer waves are what re-encoding changes.
const WAVES: usize = 16;
/// Samples along a ring.
const ANGLES: usize = 128;
/// Bits of the real parts, and as many of the imaginary parts.
const BITS: usize = PAIRS * WAVES;
/// Radius of the surroundings that detail is told from, in pixels of 64.
const SURROUND: usize = 4;
/// Shares of its own disc by which an image asks: a canvas that grew when it was turned shows its image smaller, and the image that is remembered may be
/// the one on the grown canvas. Steps of 7 %, half of which the bits forgive.
const SCALES: [f32; 15] = [
    1.0, 0.93, 0.86, 0.8, 0.74, 0.69, 0.63, 0.57, 1.08, 1.16, 1.25, 1.35, 1.45, 1.6, 1.75,
];
/// Those of them by which an image that is not square asks as it would look squeezed into a square.
const SQUEEZED: usize = 8;

/// Signs of the real and of the imaginary parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Code {
    pub real: [u64; BITS / 64],
    pub imaginary: [u64; BITS / 64],
}

impl Code {
    /// Bits that differ, 0–512; of the imaginary parts all the same way or all the other, for a mirrored image.
    pub fn differing(&self, other: &Self) -> u32 {
        let count = |a: &[u64], b: &[u64]| -> u32 {
            a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
        };
        let imaginary = count(&self.imaginary, &other.imaginary);
        count(&self.real, &other.real) + imaginary.min(BITS as u32 - imaginary)
    }

    /// Whether there was nothing on the image to tell it by.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }
}

/// All bits of a code.
pub(super) const ALL: u32 = 2 * BITS as u32;

/// An image as it is looked at: its detail, without the black that pads it.
pub(super) struct Looked {
    detail: Detail,
}

impl Looked {
    pub fn new(film: GrayView<'_>, resizer: &mut Resizer) -> Self {
        let film = trimmed(&film.to_image());
        let detail = Detail::new(&Thumb::new(&film, resizer).coarse, SURROUND);
        Self { detail }
    }

    /// What is remembered of the image.
    pub fn code(&self) -> Code {
        self.seen_through(Window::disc(
            self.detail.w as u32,
            self.detail.h as u32,
            1.0,
        ))
    }

    /// What is looked for among the images remembered.
    pub fn asked(&self) -> Vec<Code> {
        let (w, h) = (self.detail.w as u32, self.detail.h as u32);
        let discs = SCALES.iter().map(|&s| Window::disc(w, h, s));
        let oblong = w.abs_diff(h) > 2;
        let squeezed = SCALES[..SQUEEZED].iter().filter(|_| oblong);
        let mut codes: Vec<Code> = discs
            .chain(squeezed.map(|&s| Window::ellipse(s)))
            .map(|window| self.seen_through(window))
            .filter(|code| !code.is_blank())
            .collect();
        codes.dedup();
        codes
    }

    fn seen_through(&self, window: Window) -> Code {
        let (w, h) = (self.detail.w as f32, self.detail.h as f32);
        let mut waves = vec![Complex::new(0.0, 0.0); RINGS * ANGLES];
        for (ring, row) in waves.chunks_exact_mut(ANGLES).enumerate() {
            let radius = (ring as f32 + 0.5) / RINGS as f32;
            let (rx, ry) = (radius * window.x * w / 2.0, radius * window.y * h / 2.0);
            for (sample, &(cos, sin)) in row.iter_mut().zip(&POLAR.directions) {
                sample.re = self.at(w / 2.0 + rx * cos - 0.5, h / 2.0 + ry * sin - 0.5);
            }
        }
        POLAR.forward.process(&mut waves);
        let mut code = Code::default();
        for pair in 0..PAIRS {
            for wave in 0..WAVES {
                let at = |ring: usize| waves[ring * ANGLES + 1 + wave];
                let turned = at(pair) * at(pair + 1).conj();
                let bit = pair * WAVES + wave;
                code.real[bit / 64] |= u64::from(turned.re > 0.0) << (bit % 64);
                code.imaginary[bit / 64] |= u64::from(turned.im > 0.0) << (bit % 64);
            }
        }
        code
    }

    /// Detail between pixels; none outside of the image.
    fn at(&self, x: f32, y: f32) -> f32 {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (w, h) = (self.detail.w as i32, self.detail.h as i32);
        let value = |x: i32, y: i32| {
            if (0..w).contains(&x) && (0..h).contains(&y) {
                self.detail.values[(y * w + x) as usize]
            } else {
                0.0
            }
        };
        let (x0, y0) = (x0 as i32, y0 as i32);
        let top = value(x0, y0) * (1.0 - fx) + value(x0 + 1, y0) * fx;
        let bottom = value(x0, y0 + 1) * (1.0 - fx) + value(x0 + 1, y0 + 1) * fx;
        top * (1.0 - fy) + bottom * fy
    }
}

/// The transform and the directions of a ring's samples.
struct Polar {
    forward: Arc<dyn Fft<f32>>,
    directions: Vec<(f32, f32)>,
}

static POLAR: LazyLock<Polar> = LazyLock::new(|| Polar {
    forward: FftPlanner::new().plan_fft_forward(ANGLES),
    directions: (0..ANGLES)
        .map(|a| (a as f32 * TAU / ANGLES as f32).sin_cos())
        .map(|(sin, cos)| (cos, sin))
        .collect(),
});

/// The image without black rows and columns, as many from either side, so that its middle stays the middle: what a letterbox adds.
fn trimmed(film: &GrayImage) -> GrayImage {
    let (w, h) = film.dimensions();
    if w == 0 || h == 0 {
        return GrayImage::new(1, 1);
    }
    let column = |x: u32| (0..h).all(|y| film.get_pixel(x, y).0[0] == 0);
    let row = |y: u32| (0..w).all(|x| film.get_pixel(x, y).0[0] == 0);
    let margin = |length: u32, black: &dyn Fn(u32) -> bool| {
        (0..length / 2)
            .take_while(|&i| black(i) && black(length - 1 - i))
            .count() as u32
    };
    let (left, top) = (margin(w, &column), margin(h, &row));
    // All black: whatever is left of it says nothing.
    let (w, h) = ((w - 2 * left).max(1), (h - 2 * top).max(1));
    crop_imm(film, left, top, w, h).to_image()
}
