//! How well a heatmap says where: the pointing game, overlap and heat inside boxes; the rank correlation of two maps.
//!
//! Boxes are in cells from the grid's upper left corner: cell (x, y) reaches from x to x + 1 and from y to y + 1.

use crate::Rect;

/// Heat in cells, row by row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeatGrid<'a> {
    width: usize,
    height: usize,
    values: &'a [f32],
}

impl<'a> HeatGrid<'a> {
    /// A grid of `width`×`height` cells; `None` unless there are exactly that many, at least one, and all are finite and not negative.
    #[must_use]
    pub fn new(width: usize, height: usize, values: &'a [f32]) -> Option<Self> {
        let fine = width.checked_mul(height) == Some(values.len())
            && !values.is_empty()
            && values.iter().all(|heat| heat.is_finite() && *heat >= 0.0);
        fine.then_some(Self {
            width,
            height,
            values,
        })
    }

    /// The hottest cell (x, y), the first of equals; `None` if all are cold.
    #[must_use]
    pub fn peak(&self) -> Option<(usize, usize)> {
        let (mut best, mut most) = (None, 0.0);
        for (cell, &heat) in self.values.iter().enumerate() {
            if heat > most {
                (best, most) = (Some((cell % self.width, cell / self.width)), heat);
            }
        }
        best
    }

    /// The pointing game: whether the middle of the hottest cell lies in a box, or at most `tolerance` cells beside one. `None` without boxes;
    /// a map that is cold everywhere points nowhere, which is a miss.
    ///
    /// Source: Zhang et al., "Top-Down Neural Attention by Excitation Backprop", IJCV 126 (2018) 1084.
    #[must_use]
    pub fn points_inside(&self, boxes: &[Rect], tolerance: f64) -> Option<bool> {
        if boxes.is_empty() {
            return None;
        }
        let Some((x, y)) = self.peak() else {
            return Some(false);
        };
        let (x, y) = (x as f64 + 0.5, y as f64 + 0.5);
        Some(boxes.iter().any(|b| {
            (b.left - tolerance..=b.right + tolerance).contains(&x)
                && (b.top - tolerance..=b.bottom + tolerance).contains(&y)
        }))
    }

    /// Intersection over union of the cells with at least `share` of the peak's heat and the boxes taken together, by area. `None` where the
    /// boxes cover nothing of the grid; 0 for a map that is cold everywhere.
    #[must_use]
    pub fn overlap(&self, boxes: &[Rect], share: f32) -> Option<f64> {
        let whole = covered(boxes, 0, 0, self.width, self.height);
        if whole <= 0.0 {
            return None;
        }
        let Some((x, y)) = self.peak() else {
            return Some(0.0);
        };
        let least = share * self.values[y * self.width + x];
        let (mut hot, mut both) = (0.0, 0.0);
        for (cell, &heat) in self.values.iter().enumerate() {
            if heat >= least {
                let (x, y) = (cell % self.width, cell / self.width);
                hot += 1.0;
                both += covered(boxes, x, y, x + 1, y + 1);
            }
        }
        Some(both / (hot + whole - both))
    }

    /// Of the sum of heat, the share that lies inside the boxes (Wang et al., "Score-CAM", CVPRW 2020, call it the energy-based pointing
    /// game). `None` without boxes on the grid, or without heat.
    #[must_use]
    pub fn heat_inside(&self, boxes: &[Rect]) -> Option<f64> {
        if covered(boxes, 0, 0, self.width, self.height) <= 0.0 {
            return None;
        }
        let (mut all, mut inside) = (0.0, 0.0);
        for (cell, &heat) in self.values.iter().enumerate() {
            if heat > 0.0 {
                let (x, y) = (cell % self.width, cell / self.width);
                all += f64::from(heat);
                inside += f64::from(heat) * covered(boxes, x, y, x + 1, y + 1);
            }
        }
        (all > 0.0).then(|| inside / all)
    }
}

/// The area that the boxes together cover of what reaches from `left`, `top` to `right`, `bottom`, in cells.
fn covered(boxes: &[Rect], left: usize, top: usize, right: usize, bottom: usize) -> f64 {
    let (x, y) = ((left as f64, right as f64), (top as f64, bottom as f64));
    let cut: Vec<Rect> = boxes
        .iter()
        .map(|b| Rect {
            left: b.left.clamp(x.0, x.1),
            top: b.top.clamp(y.0, y.1),
            right: b.right.clamp(x.0, x.1),
            bottom: b.bottom.clamp(y.0, y.1),
        })
        .filter(|b| b.right > b.left && b.bottom > b.top)
        .collect();
    union_area(&cut)
}

/// The area of boxes taken together: over the rectangles that all their edges cut the plane into.
fn union_area(boxes: &[Rect]) -> f64 {
    let edges = |of: fn(&Rect) -> [f64; 2]| {
        let mut all: Vec<f64> = boxes.iter().flat_map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (xs, ys) = (edges(|b| [b.left, b.right]), edges(|b| [b.top, b.bottom]));
    let mut area = 0.0;
    for x in xs.windows(2) {
        for y in ys.windows(2) {
            let inside =
                |b: &Rect| b.left <= x[0] && x[1] <= b.right && b.top <= y[0] && y[1] <= b.bottom;
            if boxes.iter().any(inside) {
                area += (x[1] - x[0]) * (y[1] - y[0]);
            }
        }
    }
    area
}

/// Spearman's rank correlation of two maps (or any two rows of numbers), −1..=1; equal values share the mean of their ranks. `None` for rows
/// of different lengths, where one is constant, and where a value is NaN.
#[must_use]
pub fn rank_correlation(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len() != b.len() || a.iter().chain(b).any(|v| v.is_nan()) {
        return None;
    }
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let sum = |x: &[f64], y: &[f64]| -> f64 {
        let pairs = x.iter().zip(y);
        pairs.map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    let (own, other) = (sum(&a, &a), sum(&b, &b));
    (own > 0.0 && other > 0.0).then(|| sum(&a, &b) / (own * other).sqrt())
}

/// Places from 0 in rising order.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start]];
        // −0 and 0 are equal, and next to each other.
        let same = order[start..]
            .iter()
            .take_while(|&&i| values[i] <= value)
            .count();
        let rank = start as f64 + (same as f64 - 1.0) / 2.0;
        for &i in &order[start..start + same] {
            ranks[i] = rank;
        }
        start += same;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(left: f64, top: f64, right: f64, bottom: f64) -> Rect {
        Rect {
            left,
            top,
            right,
            bottom,
        }
    }

    /// 4×3 cells: 1 at (2, 1), 0.6 right of it, 0.4 below it.
    const HEAT: [f32; 12] = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.6, 0.0, 0.0, 0.4, 0.0];

    fn grid() -> HeatGrid<'static> {
        HeatGrid::new(4, 3, &HEAT).expect("a grid")
    }

    #[test]
    fn the_peak_is_inside_beside_or_outside() {
        let grid = grid();
        assert_eq!(grid.peak(), Some((2, 1)));
        let around = boxed(2.2, 1.0, 2.8, 2.0);
        assert_eq!(grid.points_inside(&[around], 0.0), Some(true));
        // The peak's middle is at (2.5, 1.5): 0.25 left of this box.
        let beside = boxed(2.75, 1.0, 4.0, 2.0);
        assert_eq!(grid.points_inside(&[beside], 0.2), Some(false));
        assert_eq!(grid.points_inside(&[beside], 0.25), Some(true));
        let far = boxed(0.0, 0.0, 1.0, 1.0);
        assert_eq!(grid.points_inside(&[far, around], 0.0), Some(true), "any");
        assert_eq!(grid.points_inside(&[], 0.5), None);
        let cold = HeatGrid::new(2, 1, &[0.0, 0.0]).expect("a grid");
        assert_eq!(cold.points_inside(&[far], 0.5), Some(false));
    }

    #[test]
    fn overlap_is_by_area_and_boxes_count_once() {
        let grid = grid();
        // At half the peak the cells (2, 1) and (3, 1) are hot.
        let exact = boxed(2.0, 1.0, 4.0, 2.0);
        assert_eq!(grid.overlap(&[exact], 0.5), Some(1.0));
        assert_eq!(grid.overlap(&[exact, exact], 0.5), Some(1.0));
        // Half of one hot cell and half a cold one: 0.5 / (2 + 1 − 0.5).
        let shifted = boxed(1.5, 1.0, 2.5, 2.0);
        assert_eq!(grid.overlap(&[shifted], 0.5), Some(0.2));
        // What lies off the grid is not counted.
        assert_eq!(grid.overlap(&[boxed(2.0, 1.0, 9.0, 2.0)], 0.5), Some(1.0));
        assert_eq!(grid.overlap(&[boxed(5.0, 1.0, 9.0, 2.0)], 0.5), None);
        // At 0.3 of the peak three cells are hot.
        assert_eq!(grid.overlap(&[exact], 0.3), Some(2.0 / 3.0));
    }

    #[test]
    fn overlapping_boxes_are_united() {
        let boxes = [
            boxed(0.0, 0.0, 2.0, 2.0),
            boxed(1.0, 1.0, 3.0, 3.0),
            boxed(0.0, 0.0, 0.5, 0.5),
        ];
        assert!((union_area(&boxes) - 7.0).abs() < 1e-12);
        assert!(union_area(&[]).abs() < 1e-12);
    }

    #[test]
    fn heat_inside_is_a_share() {
        let grid = grid();
        let both = grid.heat_inside(&[boxed(2.0, 1.0, 4.0, 2.0)]);
        assert!((both.expect("heat") - 0.8).abs() < 1e-6);
        let half = grid.heat_inside(&[boxed(2.0, 1.0, 2.5, 2.0)]);
        assert!((half.expect("heat") - 0.25).abs() < 1e-6);
        assert_eq!(grid.heat_inside(&[]), None);
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        assert!(HeatGrid::new(2, 2, &[0.0; 3]).is_none());
        assert!(HeatGrid::new(0, 0, &[]).is_none());
        assert!(HeatGrid::new(1, 1, &[f32::NAN]).is_none());
        assert!(HeatGrid::new(1, 1, &[-1.0]).is_none());
    }

    /// Against scipy.stats.spearmanr([1, 2, 2, 4, 5], [5, 6, 7, 8, 7]) = 0.7631578947368421.
    #[test]
    fn ranks_are_correlated_as_scipy_does() {
        let found = rank_correlation(&[1.0, 2.0, 2.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]);
        assert!((found.expect("both vary") - 0.763_157_894_736_842_1).abs() < 1e-12);
        let up = [0.1, 0.2, 0.3];
        assert_eq!(rank_correlation(&up, &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(rank_correlation(&up, &[1.0; 3]), None);
        assert_eq!(rank_correlation(&up, &[1.0; 2]), None);
    }
}
