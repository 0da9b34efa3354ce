//! Where the fractures are, on the images as the network sees them.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::reader::FilmReader;
use crate::{DataError, Dataset, Decoder, Entry, Fit, Preprocess, RelativeBox, Wanted};

/// A box on a fitted image, in its pixels; whole numbers are the middles of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedBox {
    /// Its middle, from the left.
    pub cx: f32,
    /// Its middle, from the top.
    pub cy: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

/// Side at which an image is decoded to learn its full size.
const GLANCE: Wanted = Wanted {
    width: 16,
    height: 16,
    fit: Fit::Letterbox,
};

impl FittedBox {
    /// Where a box of an image of `full` size (width, height) lies after it was fitted.
    #[must_use]
    pub fn new(relative: RelativeBox, full: (u32, u32), preprocess: &Preprocess) -> Self {
        let side = preprocess.size;
        let (w, h) = preprocess.fit.target(full, (side, side));
        // Letterboxed images begin on a whole pixel; what is cropped off an image's left and right is the same.
        let start = |length: u32| match preprocess.fit {
            Fit::Crop => (f64::from(side) - f64::from(length)) / 2.0,
            Fit::Letterbox | Fit::Stretch => f64::from((side - length) / 2),
        };
        let at = |relative: f32, length: u32| {
            (start(length) + f64::from(relative) * f64::from(length) - 0.5) as f32
        };
        Self {
            cx: at(relative.cx, w),
            cy: at(relative.cy, h),
            w: relative.w * w as f32,
            h: relative.h * h as f32,
        }
    }
}

impl Dataset {
    /// Takes the boxes of the images from the entries they were read from, by their ids: images that have boxes are looked at once more, for
    /// their full size.
    ///
    /// # Errors
    /// If an image with boxes does not read any more.
    pub fn locate(&mut self, entries: &[Entry], decoder: &Decoder) -> Result<(), DataError> {
        let known: HashMap<&str, &Entry> = entries
            .iter()
            .filter(|entry| !entry.boxes.is_empty())
            .map(|entry| (entry.id.as_str(), entry))
            .collect();
        let boxes = self
            .ids
            .par_iter()
            .map_init(FilmReader::default, |reader, id| {
                let Some(entry) = known.get(id.as_str()) else {
                    return Ok(Vec::new());
                };
                let full = reader.full_size(&entry.path, decoder, GLANCE)?;
                let fitted = |&relative| FittedBox::new(relative, full, &self.preprocess);
                Ok(entry.boxes.iter().map(fitted).collect())
            })
            .collect::<Result<Vec<_>, DataError>>()?;
        self.boxes = Arc::new(boxes);
        Ok(())
    }

    /// As [`Dataset::locate`], with the full sizes (width, height) of the images known, in their order: no file is read.
    pub fn locate_at(&mut self, entries: &[Entry], sizes: &[(u32, u32)]) {
        let known: HashMap<&str, &Entry> = entries
            .iter()
            .map(|entry| (entry.id.as_str(), entry))
            .collect();
        let boxes = self.ids.iter().zip(sizes).map(|(id, &full)| {
            let fitted = |&relative| FittedBox::new(relative, full, &self.preprocess);
            let entry = known.get(id.as_str());
            entry.map_or_else(Vec::new, |entry| entry.boxes.iter().map(fitted).collect())
        });
        self.boxes = Arc::new(boxes.collect());
    }

    /// The boxes of an image; none where none are known.
    #[must_use]
    pub fn boxes(&self, index: usize) -> &[FittedBox] {
        self.boxes.get(index).map_or(&[], Vec::as_slice)
    }

    /// Images with boxes, as far as [`Dataset::locate`] was told.
    #[must_use]
    pub fn located(&self) -> usize {
        self.boxes.iter().filter(|boxes| !boxes.is_empty()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image twice as wide as high, a box in the middle of its right half.
    #[test]
    fn boxes_follow_the_fit() {
        let relative = RelativeBox::new(0.75, 0.5, 0.1, 0.2).expect("a box");
        let fitted = |fit| {
            let preprocess = Preprocess {
                size: 100,
                fit,
                ..Preprocess::default()
            };
            let FittedBox { cx, cy, w, h } = FittedBox::new(relative, (400, 200), &preprocess);
            // In tenths of a pixel.
            [cx, cy, w, h].map(|v| (v * 10.0).round() as i32)
        };
        assert_eq!(fitted(Fit::Letterbox), [745, 495, 100, 100]);
        assert_eq!(fitted(Fit::Stretch), [745, 495, 100, 200]);
        // 200×100, of which 50 pixels are cut off on either side: what is left begins at −50.
        assert_eq!(fitted(Fit::Crop), [995, 495, 200, 200]);
    }
}
