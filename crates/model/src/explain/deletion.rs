//! The deletion test: does the score fall when what is said to matter is taken away?

use osteon_data::{Dataset, GrayView};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tch::{TchError, Tensor};

use super::Heatmap;
use crate::predictor::forward;
use crate::{ModelError, Predictor};

/// Shares of an image's cells that are masked, one after the other.
pub const DELETED_SHARES: [f64; 3] = [0.05, 0.1, 0.2];

/// Side of the square whose mean takes the place of a pixel, as a share of the image's side.
const WINDOW: f64 = 1.0 / 12.0;

/// Scores of one image with parts of it masked: after Petsiuk et al., "RISE", BMVC 2018, but with the image's local mean in place of what is
/// masked (black would be a stranger thing to see than anything on an image), and beside random cells of the same number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deleted {
    /// Of the whole image.
    pub score: f64,
    /// Without its hottest cells, for each of [`DELETED_SHARES`].
    pub hottest: [f64; 3],
    /// Without as many cells drawn at random.
    pub random: [f64; 3],
}

impl Predictor {
    /// The deletion test on an image already read; `None` for a heatmap without any heat, which says of no cell that it matters. The same `seed`
    /// draws the same cells. Cells beside the image are never counted or masked.
    pub fn delete(
        &self,
        films: &Dataset,
        film: usize,
        heatmap: &Heatmap,
        seed: u64,
    ) -> Result<Option<Deleted>, ModelError> {
        if heatmap.is_empty() {
            return Ok(None);
        }
        let side = films.preprocess().side();
        let seen = shown(films.gray(film), side);
        let (width, height) = (heatmap.width, heatmap.height);
        let inside = |cell: usize| {
            let middle = |at: usize, cells: usize| (2 * at + 1) * side / (2 * cells);
            let (x, y) = (middle(cell % width, width), middle(cell / width, height));
            (seen.left..seen.right).contains(&x) && (seen.top..seen.bottom).contains(&y)
        };
        let cells: Vec<usize> = (0..width * height).filter(|&c| inside(c)).collect();
        let [hottest, random] = orders(&cells, &heatmap.values, seed);

        let pixels = self.normalised(films, film);
        let whole = self.net.input(&pixels, 1, side)?;
        let mean = local_mean(&whole, &seen, side)?;
        let mut masked = vec![whole.shallow_clone()];
        for order in [&hottest, &random] {
            for share in DELETED_SHARES {
                let count = (share * cells.len() as f64).round().max(1.0) as usize;
                let mut mask = vec![0.0_f32; width * height];
                for &cell in order.iter().take(count) {
                    mask[cell] = 1.0;
                }
                let mask = Tensor::f_from_slice(&mask)?
                    .f_view([1, 1, height as i64, width as i64])?
                    .f_to_device(whole.device())?
                    .f_upsample_nearest2d([side as i64; 2], None, None)?;
                let gone = mean.f_sub(&whole)?.f_mul(&mask)?;
                masked.push(whole.f_add(&gone)?);
            }
        }
        let input = self.net.arrange(&Tensor::f_cat(&masked, 0)?)?;
        let logits = forward(&self.net, &input, self.net.compute().judging())?;
        let score = |n: usize| self.info.calibration.score(logits[n]);
        Ok(Some(Deleted {
            score: score(0),
            hottest: [1, 2, 3].map(score),
            random: [4, 5, 6].map(score),
        }))
    }
}

/// The part of a fitted image with something on it, right and lower edge exclusive.
struct Shown {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

/// Without the bars that make an image square: they are black to the last bit. Black edges of the image itself go with them; to mask those would
/// change nothing.
fn shown(film: GrayView<'_>, side: usize) -> Shown {
    let mut seen = Shown {
        left: side,
        top: side,
        right: 0,
        bottom: 0,
    };
    for (place, &level) in film.pixels().iter().enumerate() {
        if level > 0 {
            let (x, y) = (place % side, place / side);
            seen.left = seen.left.min(x);
            seen.top = seen.top.min(y);
            seen.right = seen.right.max(x + 1);
            seen.bottom = seen.bottom.max(y + 1);
        }
    }
    if seen.right == 0 {
        // Nothing at all is shown: then all of it is the image.
        (seen.left, seen.top, seen.right, seen.bottom) = (0, 0, side, side);
    }
    seen
}

/// The cells by falling heat, and by chance. Equally hot cells, such as all that HiResCAM leaves cold, come in random order.
fn orders(cells: &[usize], heat: &[f32], seed: u64) -> [Vec<usize>; 2] {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut hottest = cells.to_vec();
    hottest.shuffle(&mut dice);
    let mut random = hottest.clone();
    random.shuffle(&mut dice);
    // The sort is stable.
    hottest.sort_by(|&a, &b| heat[b].total_cmp(&heat[a]));
    [hottest, random]
}

/// The mean of the image around each pixel, of what of it is shown.
fn local_mean(film: &Tensor, seen: &Shown, side: usize) -> Result<Tensor, TchError> {
    let window = ((side as f64 * WINDOW) as i64 / 2 * 2 + 1).max(3);
    let mut there = vec![0.0_f32; side * side];
    for y in seen.top..seen.bottom {
        there[y * side + seen.left..y * side + seen.right].fill(1.0);
    }
    let there = Tensor::f_from_slice(&there)?
        .f_view([1, 1, side as i64, side as i64])?
        .f_to_device(film.device())?;
    // A mean over a square is one over its columns of one over its rows; beyond the edge counts as 0 in both, so it cancels.
    let mean = |x: &Tensor| {
        let (high, wide) = ([window, 1], [1, window]);
        x.f_avg_pool2d(high, [1, 1], [window / 2, 0], false, true, None)?
            .f_avg_pool2d(wide, [1, 1], [0, window / 2], false, true, None)
    };
    let shown = mean(&there)?.f_clamp_min(1e-6)?;
    mean(&film.f_mul(&there)?)?.f_div(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn the_hottest_come_first_and_the_same_seed_draws_the_same() {
        let heat = [0.0, 0.9, 0.0, 0.5, 0.0, 0.0];
        let cells = [0, 1, 2, 3, 4];
        let [hottest, random] = orders(&cells, &heat, 7);
        assert_eq!(hottest[..2], [1, 3]);
        assert_eq!(orders(&cells, &heat, 7), [hottest, random.clone()]);
        let mut sorted = random;
        sorted.sort_unstable();
        assert_eq!(sorted, cells, "each once");
    }

    #[test]
    fn bars_are_neither_shown_nor_in_the_mean() {
        // 24×24 with the middle 8 columns lit.
        let levels: Vec<u8> = (0..24 * 24)
            .map(|i| if (8..16).contains(&(i % 24)) { 200 } else { 0 })
            .collect();
        let view = GrayView::new(24, 24, &levels).expect("a view");
        let seen = shown(view, 24);
        assert_eq!(
            (seen.left, seen.top, seen.right, seen.bottom),
            (8, 0, 16, 24)
        );
        let film: Vec<f32> = levels.iter().map(|&v| f32::from(v)).collect();
        let film = Tensor::from_slice(&film).view([1, 1, 24, 24]);
        let mean = local_mean(&film, &seen, 24).expect("computes");
        let middle = mean.narrow(3, 8, 8);
        let far = (&middle - 200.0).abs().max();
        assert!(far.double_value(&[]) < 1e-3);
        assert_eq!(mean.size(), [1, 1, 24, 24]);
        assert_eq!((mean.kind(), mean.device()), (Kind::Float, Device::Cpu));
    }
}
