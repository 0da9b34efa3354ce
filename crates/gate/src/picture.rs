//! A picture as the gate sees it: small, gray, with a sample of its colours.

use osteon_data::{ColorSample, GrayView, resized};

/// The longest side that the gate looks at, in pixels.
pub const LONGEST: u32 = 256;
/// The shortest side, however long the other is.
const SHORTEST: u32 = 32;

/// Gray levels 0..=1, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    /// Half as large, each pixel the mean of four.
    pub fn halved(&self) -> Self {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let (a, b) = (2 * y, (2 * y + 1).min(self.height - 1));
            for x in 0..width {
                let (l, r) = (2 * x, (2 * x + 1).min(self.width - 1));
                values.push(0.25 * (self.at(l, a) + self.at(r, a) + self.at(l, b) + self.at(r, b)));
            }
        }
        Self {
            width,
            height,
            values,
        }
    }
}

/// A picture as the gate sees it: its gray levels, longest side 256 pixels whatever it had, and a sample of its colours, if it has any.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    pub(crate) gray: Plane,
    pub(crate) color: Option<ColorSample>,
}

impl Picture {
    /// Of a decoded image.
    #[must_use]
    pub fn new<'a>(film: impl Into<GrayView<'a>>, color: Option<ColorSample>) -> Self {
        Self {
            gray: shrink(film.into()),
            color,
        }
    }
}

fn shrink(film: GrayView<'_>) -> Plane {
    let (full_w, full_h) = film.full_size();
    let scale = f64::from(LONGEST) / f64::from(full_w.max(full_h).max(1));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(SHORTEST, LONGEST);
    let (width, height) = (side(full_w), side(full_h));
    let levels = resized(film, (width, height)).into_raw();
    Plane {
        width: width as usize,
        height: height as usize,
        values: levels.into_iter().map(|v| f32::from(v) / 255.0).collect(),
    }
}
