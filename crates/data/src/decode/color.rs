//! A small picture in colour, taken beside the luma of a file that has any: enough to tell what was coloured, not to look at.

/// The longest side of a [`ColorSample`] at most, in pixels.
const LONGEST: u32 = 256;

/// A sample of an image's pixels in colour: every so many across and down, none of them averaged, so that a thin coloured stroke keeps its colour.
/// As stored: not turned by EXIF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColorSample {
    width: u32,
    height: u32,
    pixels: Vec<[u8; 3]>,
}

impl ColorSample {
    /// Samples a picture of `width`×`height`, longest side 256 at most; `at` gives the colour at an index, row by row.
    #[must_use]
    pub fn of(width: u32, height: u32, at: impl Fn(usize) -> [u8; 3]) -> Self {
        let step = width.max(height).div_ceil(LONGEST).max(1);
        let (w, h) = (width.div_ceil(step), height.div_ceil(step));
        let mut pixels = Vec::with_capacity(w as usize * h as usize);
        for y in (0..height).step_by(step as usize) {
            let row = y as usize * width as usize;
            pixels.extend(
                (0..width)
                    .step_by(step as usize)
                    .map(|x| at(row + x as usize)),
            );
        }
        Self {
            width: w,
            height: h,
            pixels,
        }
    }

    /// Pixels across.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Red, green and blue, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }
}

/// Red, green and blue of JPEG's luma and chroma (JFIF: BT.601, full range).
pub(super) fn from_ybr([y, b, r]: [u8; 3]) -> [u8; 3] {
    let (y, b, r) = (f32::from(y), f32::from(b) - 128.0, f32::from(r) - 128.0);
    [
        y + 1.402 * r,
        y - 0.344_136 * b - 0.714_136 * r,
        y + 1.772 * b,
    ]
    .map(|v| v.round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_keeps_colours_as_they_are() {
        let sample = ColorSample::of(600, 3, |i| [(i % 600 / 3) as u8, (i / 600) as u8, 7]);
        assert_eq!((sample.width(), sample.height()), (200, 1));
        assert_eq!(sample.pixels()[..2], [[0, 0, 7], [1, 0, 7]]);
        let small = ColorSample::of(2, 2, |i| [i as u8; 3]);
        assert_eq!(small.pixels(), [[0; 3], [1; 3], [2; 3], [3; 3]]);
        assert_eq!(ColorSample::of(0, 0, |_| [0; 3]).pixels().len(), 0);
    }

    #[test]
    fn jpeg_s_colours() {
        assert_eq!(from_ybr([100, 128, 128]), [100; 3]);
        assert_eq!(from_ybr([76, 85, 255]), [254, 0, 0]);
    }
}
