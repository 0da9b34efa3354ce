//! The same changes by imageproc, one step after another: slow, plain, and written by others. The fused pass is tested against it.

use image::{GrayImage, ImageBuffer, Luma};
use imageproc::drawing::draw_filled_rect_mut;
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp_into};
use imageproc::rect::Rect;

use super::Transform;
use super::tone::Tone;
use crate::GrayView;

impl Transform {
    /// What [`super::Augmenter::apply`] does, by imageproc: each level `level · scale.0 + scale.1`, row by row. Differs from it by less
    /// than half a gray level in the mean, most of it at the image's border, which imageproc does not blend with the black outside.
    #[must_use]
    pub fn apply_reference(
        &self,
        film: GrayView<'_>,
        scale: (f32, f32),
        size: (u32, u32),
    ) -> Vec<f32> {
        let from = (film.width(), film.height());
        let mut warped = GrayImage::new(size.0, size.1);
        if self.moves_nothing() && from == size {
            warped.copy_from_slice(film.pixels());
        } else {
            let [a, b, c, d, e, f] = self.forward(from, size).map(|v| v as f32);
            // Invariant: the determinant is ±zoom², and zoom is at least 0.1, so the matrix can be inverted.
            let projection = Projection::from_matrix([a, b, c, d, e, f, 0.0, 0.0, 1.0])
                .unwrap_or_else(|| Projection::translate(0.0, 0.0));
            // In f32, as imageproc cuts what is behind the point when it warps bytes.
            let plain = film.pixels().iter().map(|&v| f32::from(v)).collect();
            let plain =
                ImageBuffer::<Luma<f32>, _>::from_raw(from.0, from.1, plain).unwrap_or_default();
            let mut exact = ImageBuffer::new(size.0, size.1);
            let black = Border::Constant(Luma([0.0]));
            warp_into(
                &plain,
                projection,
                Interpolation::Bilinear,
                black,
                &mut exact,
            );
            for (to, from) in warped.iter_mut().zip(exact.iter()) {
                *to = from.round() as u8;
            }
        }
        let sum: u64 = warped.as_raw().iter().map(|&v| u64::from(v)).sum();
        let mean = sum as f32 / warped.as_raw().len().max(1) as f32;
        if let Some((left, top, right, bottom)) = self.erased(size)
            && right > left
            && bottom > top
        {
            let (w, h) = ((right - left) as u32, (bottom - top) as u32);
            let rect = Rect::at(left as i32, top as i32).of_size(w, h);
            draw_filled_rect_mut(&mut warped, rect, Luma([mean.round() as u8]));
        }
        let tone = Tone::new(self, mean, scale);
        let mut out = vec![0.0; warped.as_raw().len()];
        let rows = out.chunks_exact_mut(size.0.max(1) as usize);
        for (y, (to, from)) in rows
            .zip(warped.as_raw().chunks_exact(size.0.max(1) as usize))
            .enumerate()
        {
            tone.row(y, from, to);
        }
        out
    }
}
