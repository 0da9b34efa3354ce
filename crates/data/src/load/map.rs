//! Where a network that says where is to say so: coarse maps drawn from boxes.

use super::recipe::Recipe;
use crate::dataset::FittedBox;

/// A cell of a map that is not to be learned from.
pub const MAP_UNKNOWN: f32 = -1.0;
/// A box counts as at least this wide and high, in cells: a smaller one could fall between their middles.
const LEAST: f64 = 1.25;
/// A cell belongs to a box if its middle lies in the ellipse in it, which may reach a little over: fractures are seldom in corners.
const REACH: f64 = 1.1;
/// Cells beyond the ellipse but within the box enlarged by this are left open: nobody draws boxes to the pixel.
const MARGIN: f64 = 1.25;

impl Recipe {
    /// Writes the map of an image that was made as the recipe says, `cells`×`cells` values for an image of `to`×`to` pixels: 1 where a fracture
    /// is, 0 where none is, [`MAP_UNKNOWN`] where that is not known: close around boxes, on all of a fractured image without boxes, and on all of a
    /// image that another was mixed into.
    pub fn draw_map(
        &self,
        is_fractured: bool,
        boxes: &[FittedBox],
        (from, to): (u32, u32),
        out: &mut [f32],
    ) {
        if self.mix.is_some() || (is_fractured && boxes.is_empty()) {
            out.fill(MAP_UNKNOWN);
            return;
        }
        out.fill(0.0);
        if !is_fractured {
            return;
        }
        let cells = out.len().isqrt();
        let cell = f64::from(to) / cells as f64;
        let [a, b, c, d, e, f] = self.transform.backward((from, from), (to, to));
        let middle = |number: usize| (number as f64 + 0.5) * cell - 0.5;
        for (place, value) in out.iter_mut().enumerate() {
            let (x, y) = (middle(place % cells), middle(place / cells));
            let (x, y) = (a * x + b * y + c, d * x + e * y + f);
            for one in boxes {
                let half = |side: f32| f64::from(side).max(LEAST * cell) / 2.0;
                let dx = (x - f64::from(one.cx)).abs() / half(one.w);
                let dy = (y - f64::from(one.cy)).abs() / half(one.h);
                if dx * dx + dy * dy < REACH {
                    *value = 1.0;
                } else if dx < MARGIN && dy < MARGIN && *value < 1.0 {
                    *value = MAP_UNKNOWN;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Mix, Sample};
    use crate::{Blend, Transform};

    const BOX: FittedBox = FittedBox {
        cx: 47.5,
        cy: 15.5,
        w: 32.0,
        h: 16.0,
    };

    fn drawn(transform: Transform, is_fractured: bool, boxes: &[FittedBox]) -> Vec<f32> {
        let recipe = Recipe {
            turn: Sample { film: 0, repeat: 0 },
            transform,
            mix: None,
        };
        let mut out = vec![9.0; 64];
        recipe.draw_map(is_fractured, boxes, (64, 64), &mut out);
        out
    }

    /// The middles of columns 4 to 7 of 8 pixels each are 35.5, 43.5, 51.5 and 59.5; of rows 1 and 2, 11.5 and 19.5.
    #[test]
    fn a_box_is_an_ellipse_with_an_open_edge() {
        let map = drawn(Transform::NONE, true, &[BOX]);
        let row = |n: usize| &map[n * 8..n * 8 + 8];
        assert_eq!(row(0), [0.0; 8]);
        // 12 pixels from the middle is 0.75 of half the width, 4 are half of half the height: 0.5625 + 0.25 lie within the ellipse.
        assert_eq!(row(1), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(row(2), row(1));
        assert_eq!(row(3), [0.0; 8]);
        // Lower by 7 pixels, row 1 is 11 of 8 away: beyond the margin. Row 2 is 3 off, row 3 is 5: 0.39 more than the ellipse has room for.
        let low = FittedBox { cy: 22.5, ..BOX };
        let map = drawn(Transform::NONE, true, &[low]);
        assert_eq!(map[8..16], [0.0; 8]);
        assert_eq!(map[16..24], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(map[24..32], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        let narrow = FittedBox { w: 22.0, ..BOX };
        let map = drawn(Transform::NONE, true, &[narrow]);
        assert_eq!(
            map[8..16],
            [0.0, 0.0, 0.0, 0.0, MAP_UNKNOWN, 1.0, 1.0, MAP_UNKNOWN]
        );
    }

    #[test]
    fn a_mirrored_film_has_a_mirrored_map() {
        let plain = drawn(Transform::NONE, true, &[BOX]);
        let mirrored = Transform {
            flip: true,
            ..Transform::NONE
        };
        let mirrored = drawn(mirrored, true, &[BOX]);
        for row in 0..8 {
            let back: Vec<f32> = mirrored[row * 8..row * 8 + 8]
                .iter()
                .rev()
                .copied()
                .collect();
            assert_eq!(plain[row * 8..row * 8 + 8], back, "row {row}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        assert!(drawn(Transform::NONE, false, &[]).iter().all(|&v| v == 0.0));
        assert!(
            drawn(Transform::NONE, true, &[])
                .iter()
                .all(|&v| v == MAP_UNKNOWN)
        );
        let turn = Sample { film: 0, repeat: 0 };
        let mixed = Recipe {
            turn,
            transform: Transform::NONE,
            mix: Some(Mix {
                turn,
                transform: Transform::NONE,
                blend: Blend::Mixup { own: 0.5 },
            }),
        };
        let mut out = [0.0; 64];
        mixed.draw_map(false, &[], (64, 64), &mut out);
        assert!(out.iter().all(|&v| v == MAP_UNKNOWN));
    }
}
