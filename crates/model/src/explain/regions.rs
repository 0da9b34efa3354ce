//! Where an image is hot, as boxes.

use serde::{Deserialize, Serialize};

use super::{Area, Explained, Heatmap, Placement};

/// Cells at least this share of their region's hottest belong to it …
const SHARE_OF_PEAK: f64 = 0.5;
/// … which is at least this hot.
const LEAST: f64 = 0.1;
/// Regions that are told at most.
const MOST: usize = 5;

/// A box around cells of a heatmap that are hot and touch each other. Edges relative to the image's width and height, 0..=1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Its hottest cell, 0..=1, in the unit of the heatmap.
    pub heat: f64,
}

impl Region {
    /// Whether the middle of another one lies in this one.
    fn holds(&self, other: &Self) -> bool {
        let (x, y) = (
            f64::midpoint(other.left, other.right),
            f64::midpoint(other.top, other.bottom),
        );
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }
}

impl Explained {
    /// The image's hot regions: see [`Heatmap::regions`].
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        self.heatmap.regions(&self.placement)
    }
}

impl Heatmap {
    /// The hot regions of an image that lies so under the cells, the hottest first and at most five. A region is a cell of at least 0.1 that is as hot as
    /// all around it, with the cells of at least half its heat that touch it or each other, also at a corner, and are in no hotter region. Cells
    /// beside the image, on what was added to make it square, count for nothing.
    ///
    /// Its box is centred on the region's heat and √3 standard deviations of it to either side: of cells that are equally hot and fill a rectangle
    /// that is the rectangle; a faint tail makes it no wider than it is hot. What lies around a hotter region, so that its box would hold that
    /// one's middle, belongs to that one and is none of its own.
    #[must_use]
    pub fn regions(&self, placement: &Placement) -> Vec<Region> {
        let areas: Vec<Option<Area>> = (0..self.width * self.height)
            .map(|cell| placement.on_image((cell % self.width, cell / self.width)))
            .collect();
        let heat = |cell: usize| areas[cell].map_or(0.0, |_| f64::from(self.values[cell]));
        let is_peak = |&cell: &usize| {
            heat(cell) >= LEAST && self.around(cell).all(|other| heat(other) <= heat(cell))
        };
        let mut peaks: Vec<usize> = (0..areas.len()).filter(is_peak).collect();
        peaks.sort_by(|&a, &b| heat(b).total_cmp(&heat(a)));
        let mut taken = vec![false; areas.len()];
        let mut regions: Vec<Region> = Vec::new();
        for peak in peaks {
            if taken[peak] || regions.len() == MOST {
                continue;
            }
            taken[peak] = true;
            let (mut cells, mut next) = (vec![peak], 0);
            while let Some(&cell) = cells.get(next) {
                next += 1;
                for other in self.around(cell) {
                    if !taken[other] && heat(other) >= SHARE_OF_PEAK * heat(peak) {
                        taken[other] = true;
                        cells.push(other);
                    }
                }
            }
            let parts = cells
                .iter()
                .filter_map(|&cell| Some((areas[cell]?, heat(cell))));
            let found = boxed(parts, placement.image_size(), heat(peak));
            regions.extend(found.filter(|found| !regions.iter().any(|hotter| found.holds(hotter))));
        }
        regions
    }

    /// The cells that touch a cell, also at a corner.
    fn around(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let (width, height) = (self.width, self.height);
        let (x, y) = (cell % width, cell / width);
        (y.saturating_sub(1)..=(y + 1).min(height - 1)).flat_map(move |row| {
            (x.saturating_sub(1)..=(x + 1).min(width - 1))
                .map(move |column| row * width + column)
                .filter(move |&other| other != cell)
        })
    }
}

/// The box of a region's cells, each with its heat.
fn boxed(
    parts: impl Iterator<Item = (Area, f64)>,
    (width, height): (u32, u32),
    heat: f64,
) -> Option<Region> {
    // Of the heat along each axis: its sum, and its first and second moment, each cell spread over its own width.
    let (mut sum, mut first, mut second) = (0.0, [0.0; 2], [0.0; 2]);
    for (area, heat) in parts {
        sum += heat;
        let spans = [(area.left, area.right), (area.top, area.bottom)];
        for (axis, (from, to)) in spans.into_iter().enumerate() {
            first[axis] += heat * f64::midpoint(from, to);
            second[axis] += heat * (from * from + from * to + to * to) / 3.0;
        }
    }
    let span = |axis: usize, length: u32| {
        let middle = first[axis] / sum;
        let half = (3.0 * (second[axis] / sum - middle * middle).max(0.0)).sqrt();
        let relative = |at: f64| (at / f64::from(length)).clamp(0.0, 1.0);
        (relative(middle - half), relative(middle + half))
    };
    let ((left, right), (top, bottom)) = (span(0, width), span(1, height));
    (sum > 0.0).then_some(Region {
        left,
        top,
        right,
        bottom,
        heat,
    })
}

#[cfg(test)]
mod tests {
    use osteon_data::{Fit, Preprocess};

    use super::*;
    use crate::{Decision, Flags, HeatKind, Heatmap, Placement, Prediction};

    /// Of an image of this size in a square of 40 pixels under 4×4 cells.
    fn explained(film: (u32, u32), values: [f32; 16]) -> Explained {
        let preprocess = Preprocess {
            size: 40,
            fit: Fit::Letterbox,
            ..Preprocess::default()
        };
        Explained {
            prediction: Prediction {
                score: 0.5,
                decision: Decision::Doubt,
                xray_score: None,
                flags: Flags::default(),
                judged_anyway: false,
            },
            heatmap: Heatmap {
                width: 4,
                height: 4,
                values: values.to_vec(),
                kind: HeatKind::FractureMap,
            },
            placement: Placement::new(film, &preprocess, (4, 4)),
        }
    }

    #[test]
    fn cells_that_touch_are_one_region_and_the_hottest_comes_first() {
        let found = explained(
            (400, 400),
            [
                0.5, 0.0, 0.0, 0.0, //
                0.0, 0.4, 0.0, 0.8, //
                0.0, 0.0, 0.0, 0.39, //
                0.4, 0.0, 0.0, 0.0,
            ],
        )
        .regions();
        let edges: Vec<[f64; 5]> = found
            .iter()
            .map(|r| [r.left, r.top, r.right, r.bottom, r.heat])
            .map(|edges| edges.map(|edge| (edge * 1e4).round() / 1e4))
            .collect();
        // Of 0.5 over 0 to 0.25 and 0.4 over 0.25 to 0.5 the middle is 0.2361 and √3 standard deviations are 0.2489.
        assert_eq!(
            edges,
            [
                [0.75, 0.25, 1.0, 0.5, 0.8],
                [0.0, 0.0, 0.485, 0.485, 0.5],
                [0.0, 0.75, 0.25, 1.0, 0.4],
            ]
        );
    }

    #[test]
    fn equally_hot_cells_give_their_rectangle_and_a_colder_peak_beside_them_its_own() {
        let found = explained(
            (400, 400),
            [
                0.8, 0.8, 0.1, 0.3, //
                0.8, 0.8, 0.1, 0.1, //
                0.0, 0.0, 0.0, 0.0, //
                0.0, 0.0, 0.0, 0.0,
            ],
        )
        .regions();
        let edges: Vec<[i32; 4]> = found
            .iter()
            .map(|r| [r.left, r.top, r.right, r.bottom])
            .map(|edges| edges.map(|edge| (edge * 100.0).round() as i32))
            .collect();
        assert_eq!(edges, [[0, 0, 50, 50], [75, 0, 100, 25]]);
    }

    #[test]
    fn a_ring_around_a_hotter_place_is_no_region_of_its_own() {
        let mut explained = explained((400, 400), [0.0; 16]);
        (explained.heatmap.width, explained.heatmap.height) = (7, 7);
        let far = |cell: usize| (cell % 7).abs_diff(3).max((cell / 7).abs_diff(3));
        explained.heatmap.values = (0..49)
            .map(|cell| [0.9, 0.12, 0.3, 0.0][far(cell)])
            .collect();
        let preprocess = Preprocess {
            size: 56,
            ..Preprocess::default()
        };
        explained.placement = Placement::new((560, 560), &preprocess, (7, 7));
        let found = explained.regions();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((found[0].right - found[0].left - 1.0 / 7.0).abs() < 1e-6);
    }

    #[test]
    fn what_lies_beside_the_film_counts_for_nothing() {
        // Twice as wide as high: the first and last row of cells lie on the bars.
        let mut values = [0.0; 16];
        values[1] = 1.0;
        values[6] = 0.2;
        let found = explained((400, 200), values).regions();
        assert_eq!(found.len(), 1);
        let r = found[0];
        let edges = [r.left, r.top, r.right, r.bottom].map(|edge| (edge * 100.0).round() as i32);
        assert_eq!(edges, [50, 0, 75, 50], "{r:?}");
        for cold in [0.0, 0.09] {
            let found = explained((400, 200), [cold; 16]).regions();
            assert!(found.is_empty());
        }
        let json = serde_json::to_value(r).expect("JSON");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(5));
    }

    #[test]
    fn the_five_hottest_are_told() {
        let mut explained = explained((400, 400), [0.0; 16]);
        explained.heatmap.width = 6;
        explained.heatmap.height = 6;
        explained.heatmap.values = (0..36)
            .map(|cell| {
                let (x, y) = (cell % 6, cell / 6);
                let apart = x % 2 == 0 && y % 2 == 0;
                if apart {
                    0.5 + cell as f32 / 100.0
                } else {
                    0.0
                }
            })
            .collect();
        let preprocess = Preprocess {
            size: 48,
            ..Preprocess::default()
        };
        explained.placement = Placement::new((480, 480), &preprocess, (6, 6));
        let heat: Vec<f64> = explained.regions().iter().map(|r| r.heat).collect();
        let hottest = [28.0_f32, 26.0, 24.0, 16.0, 14.0];
        assert_eq!(heat, hottest.map(|cell| f64::from(0.5 + cell / 100.0)));
    }
}
