//! Where an image is hot, as boxes.

use std::collections::BTreeMap;

use image::{GrayImage, Luma};
use imageproc::region_labelling::{Connectivity, connected_components};
use serde::{Deserialize, Serialize};

use super::{Explained, Heatmap};

/// Cells at least this share of the image's hottest belong to a region …
const SHARE_OF_PEAK: f64 = 0.5;
/// … if they are at least this hot.
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
    /// Around both.
    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
            heat: self.heat.max(other.heat),
        }
    }
}

impl Explained {
    /// The image's hot regions, the hottest first and at most five: cells of at least half the hottest cell's heat and of at least 0.1,
    /// joined where they touch, also at a corner. Cells beside the image, on what was added to make it square, count for nothing. None if
    /// no cell is that hot.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        let Heatmap { width, height, .. } = self.heatmap;
        let (film_width, film_height) = self.placement.film();
        let cells: Vec<Option<Region>> = (0..width * height)
            .map(|cell| {
                let area = self.placement.on_film((cell % width, cell / width))?;
                Some(Region {
                    left: area.left / f64::from(film_width),
                    top: area.top / f64::from(film_height),
                    right: area.right / f64::from(film_width),
                    bottom: area.bottom / f64::from(film_height),
                    heat: f64::from(*self.heatmap.values.get(cell)?),
                })
            })
            .collect();
        let peak = cells.iter().flatten().map(|cell| cell.heat);
        let floor = LEAST.max(SHARE_OF_PEAK * peak.fold(0.0, f64::max));
        let hot = |cell: &Option<Region>| cell.is_some_and(|cell| cell.heat >= floor);
        let mask = GrayImage::from_fn(width as u32, height as u32, |x, y| {
            Luma([u8::from(hot(&cells[y as usize * width + x as usize]))])
        });
        let labels = connected_components(&mask, Connectivity::Eight, Luma([0]));
        let mut found: BTreeMap<u32, Region> = BTreeMap::new();
        for (&Luma([label]), cell) in labels.pixels().zip(cells) {
            // 0 is what is not hot.
            if let (1.., Some(cell)) = (label, cell) {
                let region = found.entry(label).or_insert(cell);
                *region = region.with(cell);
            }
        }
        let mut regions: Vec<Region> = found.into_values().collect();
        regions.sort_by(|a, b| b.heat.total_cmp(&a.heat));
        regions.truncate(MOST);
        regions
    }
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
            .collect();
        let (half, fifth) = (f64::from(0.5_f32), f64::from(0.4_f32));
        assert_eq!(
            edges,
            [
                [0.75, 0.25, 1.0, 0.5, f64::from(0.8_f32)],
                [0.0, 0.0, 0.5, 0.5, half],
                [0.0, 0.75, 0.25, 1.0, fifth],
            ]
        );
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
