//! The one place that knows what a network is fed: input size, fit and normalisation.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::GrayImage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a film of any shape becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Aspect kept, centred on black: a bone keeps its shape.
    Letterbox,
    /// Both sides forced to the size, as the seed project does.
    Stretch,
}

/// From a decoded film to the network's input. Stored in the model file; training, evaluation, prediction and serving share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocess {
    /// Side of the square input, in pixels.
    #[schemars(range(min = 16, max = 2048))]
    pub size: u32,
    /// How the film is fitted into the square.
    pub fit: Fit,
    /// Subtracted from a pixel in 0..=1.
    pub mean: f32,
    /// Divides what is left; above 0.
    pub std: f32,
}

impl Default for Preprocess {
    fn default() -> Self {
        Self {
            size: 224,
            fit: Fit::Letterbox,
            mean: 0.5,
            std: 0.5,
        }
    }
}

impl Preprocess {
    /// The first setting that makes no sense, as (key, what it must be).
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !(16..=2048).contains(&self.size) {
            return Err(("size", "must be from 16 to 2048 pixels"));
        }
        if !self.mean.is_finite() {
            return Err(("mean", "must be a finite number"));
        }
        if !(self.std.is_finite() && self.std > 0.0) {
            return Err(("std", "must be above 0"));
        }
        Ok(())
    }

    /// Side of the square as an index type.
    #[must_use]
    pub fn side(&self) -> usize {
        self.size as usize
    }

    /// The value of a black pixel after normalisation.
    #[must_use]
    pub fn black(&self) -> f32 {
        -self.mean / self.std
    }

    /// A gray level 0..=255 as the network sees it: `(v / 255 − mean) / std`.
    #[must_use]
    pub fn normalise(&self, gray: f32) -> f32 {
        (gray / 255.0 - self.mean) / self.std
    }

    /// Resizes and fits a film into `out`, size×size gray levels row by row. Antialiased triangle filter, as Pillow's BILINEAR.
    ///
    /// # Panics
    /// If `out` is not exactly size×size long: the caller owns that buffer.
    pub fn fit_into(&self, film: &GrayImage, resizer: &mut Resizer, out: &mut [u8]) {
        let side = self.size;
        assert_eq!(
            out.len(),
            self.side() * self.side(),
            "the output buffer is size×size"
        );
        let (w, h) = film.dimensions();
        if w == 0 || h == 0 {
            out.fill(0);
            return;
        }
        let (to_w, to_h) = match self.fit {
            Fit::Stretch => (side, side),
            Fit::Letterbox => {
                let scale = f64::from(side) / f64::from(w.max(h));
                let scaled =
                    |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
                (scaled(w), scaled(h))
            }
        };
        if (to_w, to_h) == (side, side) {
            resize(film, resizer, side, side, out);
            return;
        }
        let mut small = vec![0; to_w as usize * to_h as usize];
        resize(film, resizer, to_w, to_h, &mut small);
        out.fill(0);
        let (left, top) = (((side - to_w) / 2) as usize, ((side - to_h) / 2) as usize);
        for (y, row) in small.chunks_exact(to_w as usize).enumerate() {
            let start = (top + y) * side as usize + left;
            out[start..start + row.len()].copy_from_slice(row);
        }
    }

    /// Resizes, fits and normalises one film: size×size values, row by row, as the network takes them.
    #[must_use]
    pub fn apply(&self, film: &GrayImage) -> Vec<f32> {
        let mut gray = vec![0; self.side() * self.side()];
        self.fit_into(film, &mut Resizer::new(), &mut gray);
        let table = self.table();
        gray.into_iter().map(|v| table[usize::from(v)]).collect()
    }

    /// The normalised value of each of the 256 gray levels.
    #[must_use]
    pub fn table(&self) -> [f32; 256] {
        std::array::from_fn(|v| self.normalise(v as f32))
    }
}

fn resize(film: &GrayImage, resizer: &mut Resizer, to_w: u32, to_h: u32, out: &mut [u8]) {
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let source = ImageRef::new(film.width(), film.height(), film.as_raw(), PixelType::U8);
    let target = Image::from_slice_u8(to_w, to_h, out, PixelType::U8);
    // Invariant: both buffers were sized from these very dimensions and types, so neither step can refuse.
    if let (Ok(source), Ok(mut target)) = (source, target) {
        let done = resizer.resize(&source, &mut target, &options);
        debug_assert!(done.is_ok(), "{done:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letterbox_centres_on_black_and_stretch_fills() {
        let film = GrayImage::from_pixel(40, 80, image::Luma([200]));
        let mut out = vec![9; 32 * 32];
        let mut pre = Preprocess {
            size: 32,
            ..Preprocess::default()
        };
        pre.fit_into(&film, &mut Resizer::new(), &mut out);
        for (i, &v) in out.iter().enumerate() {
            let x = i % 32;
            assert_eq!(v, if (8..24).contains(&x) { 200 } else { 0 }, "column {x}");
        }
        pre.fit = Fit::Stretch;
        pre.fit_into(&film, &mut Resizer::new(), &mut out);
        assert!(out.iter().all(|&v| v == 200));
    }

    #[test]
    fn normalisation_is_linear() {
        let pre = Preprocess {
            mean: 0.5,
            std: 0.25,
            ..Preprocess::default()
        };
        assert!((pre.normalise(255.0) - 2.0).abs() < 1e-6);
        assert!((pre.black() + 2.0).abs() < 1e-6);
        assert!((pre.table()[128] - pre.normalise(128.0)).abs() < 1e-9);
    }

    #[test]
    fn nonsense_is_refused_by_key() {
        assert_eq!(
            Preprocess {
                size: 3,
                ..Preprocess::default()
            }
            .check()
            .expect_err("3")
            .0,
            "size"
        );
        assert_eq!(
            Preprocess {
                std: 0.0,
                ..Preprocess::default()
            }
            .check()
            .expect_err("0")
            .0,
            "std"
        );
    }
}
