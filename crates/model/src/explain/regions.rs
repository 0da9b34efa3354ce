//! Where a film is hot, as boxes.

use serde::{Deserialize, Serialize};

use super::{Area, Explained};

/// Cells at least this share of the film's hottest belong to a region.
const SHARE_OF_PEAK: f32 = 0.5;

/// A box around cells of a heatmap that are hot and touch each other. Edges relative to the film's width and height, 0..=1.
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

impl Explained {
    /// The film's hot regions: cells at or above half of the hottest cell's heat, joined where they touch, also at a corner; the hottest
    /// region first. Cells beside the film, on what was added to make it square, count for nothing. None if no cell has any heat.
    #[must_use]
    pub fn regions(&self) -> Vec<Region> {
        let (width, height) = (self.heatmap.width, self.heatmap.height);
        let on_film: Vec<Option<(Area, f32)>> = (0..width * height)
            .map(|cell| {
                let area = self.placement.on_film((cell % width, cell / width))?;
                let &heat = self.heatmap.values.get(cell)?;
                Some((area, heat))
            })
            .collect();
        let peak = on_film.iter().flatten().map(|(_, heat)| *heat);
        let peak = peak.fold(0.0, f32::max);
        if peak <= 0.0 {
            return Vec::new();
        }
        let mut left: Vec<Option<(Area, f32)>> = on_film
            .into_iter()
            .map(|cell| cell.filter(|(_, heat)| *heat >= peak * SHARE_OF_PEAK))
            .collect();
        let mut regions: Vec<Region> = (0..left.len())
            .filter_map(|cell| self.region(cell, &mut left))
            .collect();
        regions.sort_by(|a, b| b.heat.total_cmp(&a.heat));
        regions
    }

    /// Takes all cells that hang together with this one out of what is `left`.
    fn region(&self, cell: usize, left: &mut [Option<(Area, f32)>]) -> Option<Region> {
        let (width, height) = (self.heatmap.width, self.heatmap.height);
        let (film_width, film_height) = self.placement.film();
        let (mut area, mut heat) = left.get_mut(cell)?.take()?;
        let mut edge = vec![cell];
        while let Some(cell) = edge.pop() {
            let (x, y) = (cell % width, cell / width);
            for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    if let Some((other, warmth)) = left[y * width + x].take() {
                        area.left = area.left.min(other.left);
                        area.top = area.top.min(other.top);
                        area.right = area.right.max(other.right);
                        area.bottom = area.bottom.max(other.bottom);
                        heat = heat.max(warmth);
                        edge.push(y * width + x);
                    }
                }
            }
        }
        Some(Region {
            left: area.left / f64::from(film_width),
            top: area.top / f64::from(film_height),
            right: area.right / f64::from(film_width),
            bottom: area.bottom / f64::from(film_height),
            heat: f64::from(heat),
        })
    }
}

#[cfg(test)]
mod tests {
    use osteon_data::{Fit, Preprocess};

    use super::*;
    use crate::{Decision, Flags, HeatKind, Heatmap, Placement, Prediction};

    /// Of a film of this size in a square of 40 pixels under 4×4 cells.
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
                milliseconds: 1.0,
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

    fn edges(r: &Region) -> Vec<f64> {
        vec![r.left, r.top, r.right, r.bottom, r.heat]
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
        let edges: Vec<Vec<f64>> = found.iter().map(edges).collect();
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
        assert_eq!(edges(&found[0])[..4], [0.5, 0.0, 0.75, 0.5]);
        assert!(explained((400, 200), [0.0; 16]).regions().is_empty());
        let json = serde_json::to_value(found[0]).expect("JSON");
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(5));
    }
}
