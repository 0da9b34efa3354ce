//! From the square that a network sees back to the image.

use osteon_data::{Fit, Preprocess, RelativeBox};

use super::Heatmap;

/// An upright rectangle; in what unit, its maker says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

/// How a heatmap's cells lie on the image it was made of: the way that [`Preprocess::fit_into`] took, backwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    film: (u32, u32),
    cells: (usize, usize),
    /// Where on the square the image begins (it may begin before it), and how long it is there; across and down, in pixels of the square.
    start: (f64, f64),
    length: (f64, f64),
    side: f64,
}

impl Placement {
    /// Of an image of `film` size (width, height) fitted into a square over which `cells` (across, down) lie.
    #[must_use]
    pub fn new(film: (u32, u32), preprocess: &Preprocess, cells: (usize, usize)) -> Self {
        let side = preprocess.size;
        let (w, h) = preprocess.fit.target(film, (side, side));
        // As `FittedBox::new`: letterboxed images begin on a whole pixel.
        let start = |length: u32| match preprocess.fit {
            Fit::Crop => (f64::from(side) - f64::from(length)) / 2.0,
            Fit::Letterbox | Fit::Stretch => f64::from((side - length) / 2),
        };
        Self {
            film,
            cells,
            start: (start(w), start(h)),
            length: (f64::from(w), f64::from(h)),
            side: f64::from(side),
        }
    }

    /// The image's size (width, height), as it is shown.
    #[must_use]
    pub fn image_size(&self) -> (u32, u32) {
        self.film
    }

    /// Where a cell lies on the image, in the image's pixels, cut at its edges; `None` if it lies beside it, on what was added to make it square.
    #[must_use]
    pub fn on_image(&self, (x, y): (usize, usize)) -> Option<Area> {
        let along = |edge: usize, cells: usize, start: f64, length: f64, film: u32| {
            let square = edge as f64 * self.side / cells as f64;
            ((square - start) / length).clamp(0.0, 1.0) * f64::from(film)
        };
        let across = |edge| along(edge, self.cells.0, self.start.0, self.length.0, self.film.0);
        let down = |edge| along(edge, self.cells.1, self.start.1, self.length.1, self.film.1);
        let area = Area {
            left: across(x),
            top: down(y),
            right: across(x + 1),
            bottom: down(y + 1),
        };
        (area.right > area.left && area.bottom > area.top).then_some(area)
    }

    /// Where a box of the image lies, in cells from the heatmap's upper left corner. Of a cropped image it may lie outside.
    #[must_use]
    pub fn in_cells(&self, relative: RelativeBox) -> Area {
        let to = |at: f32, start: f64, length: f64, cells: usize| {
            (start + f64::from(at) * length) * cells as f64 / self.side
        };
        let across = |at| to(at, self.start.0, self.length.0, self.cells.0);
        let down = |at| to(at, self.start.1, self.length.1, self.cells.1);
        Area {
            left: across(relative.cx - relative.w / 2.0),
            top: down(relative.cy - relative.h / 2.0),
            right: across(relative.cx + relative.w / 2.0),
            bottom: down(relative.cy + relative.h / 2.0),
        }
    }

    /// The heat at every pixel of the image shown at `width`×`height`, row by row, 0..=1: bilinear between the cells' middles, 0 where the
    /// network saw nothing of the image.
    #[must_use]
    pub fn spread(&self, heatmap: &Heatmap, width: u32, height: u32) -> Vec<f32> {
        let place = |count: u32, start: f64, length: f64, cells: usize| -> Vec<Option<Between>> {
            (0..count)
                .map(|pixel| {
                    let relative = (f64::from(pixel) + 0.5) / f64::from(count);
                    let square = start + relative * length;
                    (0.0..=self.side)
                        .contains(&square)
                        .then(|| Between::new(square * cells as f64 / self.side, cells))
                })
                .collect()
        };
        let columns = place(width, self.start.0, self.length.0, heatmap.width);
        let rows = place(height, self.start.1, self.length.1, heatmap.height);
        let mut heat = Vec::with_capacity(columns.len() * rows.len());
        for row in &rows {
            for column in &columns {
                heat.push(match (row, column) {
                    (Some(y), Some(x)) => {
                        let across = |line: usize| {
                            let line = &heatmap.values[line * heatmap.width..];
                            x.of(line[x.first], line[x.second])
                        };
                        y.of(across(y.first), across(y.second))
                    }
                    _ => 0.0,
                });
            }
        }
        heat
    }
}

/// A place between two cells' middles.
struct Between {
    first: usize,
    second: usize,
    share: f32,
}

impl Between {
    /// `at` in cells; beyond the outermost middles their values hold.
    fn new(at: f64, cells: usize) -> Self {
        let last = cells.saturating_sub(1);
        let at = (at - 0.5).clamp(0.0, last as f64);
        let first = (at as usize).min(last);
        Self {
            first,
            second: (first + 1).min(last),
            share: (at - first as f64) as f32,
        }
    }

    fn of(&self, first: f32, second: f32) -> f32 {
        first + (second - first) * self.share
    }
}
