//! The one place that knows what a network is fed: input size, fit and normalisation.

use fast_image_resize::{FilterType, Resizer};
use image::GrayImage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{GrayView, Wanted, resize};

/// How an image of any shape becomes a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Aspect kept, centred on black: a bone keeps its shape.
    Letterbox,
    /// Both sides forced to the size, as the seed project does.
    Stretch,
    /// Aspect kept, the short side scaled to the size, the middle kept of the long one.
    Crop,
}

impl Fit {
    /// What an image of `film` size is resized to for a box of `room` size, in pixels across and down: within the box
    /// ([`Fit::Letterbox`]), the box itself ([`Fit::Stretch`]), or around it ([`Fit::Crop`]).
    #[must_use]
    pub fn target(self, film: (u32, u32), room: (u32, u32)) -> (u32, u32) {
        if film.0 == 0 || film.1 == 0 {
            return room;
        }
        let ratios = [
            f64::from(room.0) / f64::from(film.0),
            f64::from(room.1) / f64::from(film.1),
        ];
        let scale = match self {
            Self::Stretch => return room,
            Self::Letterbox => ratios[0].min(ratios[1]),
            Self::Crop => ratios[0].max(ratios[1]),
        };
        let scaled = |length: u32, room: u32| {
            let scaled = (f64::from(length) * scale).round() as u32;
            match self {
                Self::Crop => scaled.max(room),
                _ => scaled.clamp(1, room),
            }
        };
        (scaled(film.0, room.0), scaled(film.1, room.1))
    }
}

/// From a decoded image to the network's input. Stored in the model file; training, evaluation, prediction and serving share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocess {
    /// Side of the square input, in pixels.
    #[schemars(range(min = 16, max = 2048))]
    pub size: u32,
    /// How the image is fitted into the square.
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
        if !(self.black().is_finite() && self.normalise(255.0).is_finite()) {
            return Err(("std", "is so small that pixels become infinite"));
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

    /// What an image is decoded for: [`Decoder::decode_with`](crate::Decoder::decode_with) need not give more.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            width: self.size,
            height: self.size,
            fit: self.fit,
        }
    }

    /// Resizes and fits an image into `out`, size×size gray levels row by row. Antialiased triangle filter, as Pillow's BILINEAR.
    ///
    /// # Panics
    /// If `out` is not exactly size×size long: the caller owns that buffer.
    pub fn fit_into<'a>(
        &self,
        film: impl Into<GrayView<'a>>,
        resizer: &mut Resizer,
        out: &mut [u8],
    ) {
        let film = film.into();
        let side = self.size;
        assert_eq!(
            out.len(),
            self.side() * self.side(),
            "the output buffer is size×size"
        );
        if film.pixels().is_empty() {
            out.fill(0);
            return;
        }
        // From the image's own size, not the one it was decoded at: the same image always lands on the same pixels.
        let target = self.fit.target(film.full_size(), (side, side));
        let (w, h) = film.extent();
        let source = match self.fit {
            Fit::Letterbox | Fit::Stretch => (0.0, 0.0, w, h),
            Fit::Crop => {
                let (keep_w, keep_h) = (
                    w * f64::from(side) / f64::from(target.0),
                    h * f64::from(side) / f64::from(target.1),
                );
                ((w - keep_w) / 2.0, (h - keep_h) / 2.0, keep_w, keep_h)
            }
        };
        let (to_w, to_h) = (target.0.min(side), target.1.min(side));
        if (to_w, to_h) != (side, side) {
            out.fill(0);
        }
        let place = ((side - to_w) / 2, (side - to_h) / 2, to_w, to_h);
        resize::into(
            film,
            source,
            FilterType::Bilinear,
            resizer,
            out,
            (side, side),
            place,
        );
    }

    /// Resizes and fits one image: a size×size picture.
    #[must_use]
    pub fn fitted<'a>(&self, film: impl Into<GrayView<'a>>) -> GrayImage {
        let mut fitted = GrayImage::new(self.size, self.size);
        self.fit_into(film, &mut Resizer::new(), &mut fitted);
        fitted
    }

    /// Resizes, fits and normalises one image: size×size values, row by row, as the network takes them.
    #[must_use]
    pub fn apply<'a>(&self, film: impl Into<GrayView<'a>>) -> Vec<f32> {
        self.normalised(&self.fitted(film))
    }

    /// Gray levels as the network takes them.
    #[must_use]
    pub fn normalised(&self, levels: &[u8]) -> Vec<f32> {
        let table = self.table();
        levels.iter().map(|&v| table[usize::from(v)]).collect()
    }

    /// The normalised value of each of the 256 gray levels.
    #[must_use]
    pub fn table(&self) -> [f32; 256] {
        std::array::from_fn(|v| self.normalise(v as f32))
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
    fn crop_keeps_the_middle_of_the_long_side() {
        // Dark thirds left and right of a bright middle as wide as the image is high.
        let film = GrayImage::from_fn(192, 64, |x, _| {
            image::Luma([if (64..128).contains(&x) { 250 } else { 10 }])
        });
        let pre = Preprocess {
            size: 32,
            fit: Fit::Crop,
            ..Preprocess::default()
        };
        let mut out = vec![0; 32 * 32];
        pre.fit_into(&film, &mut Resizer::new(), &mut out);
        for row in out.chunks(32) {
            assert!(row[1..31].iter().all(|&v| v == 250), "{row:?}");
        }
        assert_eq!(Fit::Crop.target((192, 64), (32, 32)), (96, 32));
        assert_eq!(Fit::Letterbox.target((192, 64), (32, 32)), (32, 11));
        assert_eq!(Fit::Stretch.target((192, 64), (32, 32)), (32, 32));
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
