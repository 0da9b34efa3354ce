//! The model's heatmaps held against the boxes that are known.

use osteon_data::{Dataset, FittedBox};
use osteon_metrics::{Estimate, HeatGrid, MetricsError, Rect, stratified, wilson};
use osteon_model::{DELETED_SHARES, Deleted, HeatKind, Heatmap, Predictor, Sharing};
use osteon_report::judgement::{Deletion, Explanation};

use crate::observer::Running;
use crate::{EvaluateError, Observer, Stage};

/// How far beside a box the hottest cell's middle may lie, as a share of the side of what the network sees: about half a cell of
/// `fracture_map`, whose cells are as fine as this is known.
const TOLERANCE: f64 = 0.01;
/// Of the peak's heat; at least as much is hot.
const HOT: f32 = 0.5;
const SEED: u64 = 1;
const REPLICATES: usize = 2000;

/// The figures; `None` where no fractured image has boxes.
pub fn explanation(
    predictor: &Predictor,
    films: &Dataset,
    labels: &[bool],
    scores: &[f64],
    observer: &dyn Observer,
) -> Result<Option<Explanation>, EvaluateError> {
    let boxed: Vec<usize> = (0..films.len())
        .filter(|&film| labels[film] && !films.boxes(film).is_empty())
        .collect();
    if boxed.is_empty() {
        return Ok(None);
    }
    let threshold = predictor.rule().threshold;
    let found: Vec<bool> = boxed
        .iter()
        .map(|&film| scores[film] >= threshold)
        .collect();
    let detected = found.iter().filter(|found| **found).count();
    let stage = Running::begin(observer, Stage::Explaining, boxed.len() + detected);
    let heat = predictor.heatmaps(films, &boxed, None, &stage.counter())?;
    let side = films.preprocess().side();
    let (mut hits, mut overlaps, mut insides) = (Vec::new(), Vec::new(), Vec::new());
    for (&film, heat) in boxed.iter().zip(&heat) {
        let (hit, overlap, inside) = held_against(heat, films.boxes(film), side);
        hits.push(hit);
        overlaps.push(overlap);
        insides.push(inside);
    }
    let mut deleted = Vec::new();
    let mut sharing = Sharing::new();
    for ((&film, heat), _) in boxed
        .iter()
        .zip(&heat)
        .zip(&found)
        .filter(|(_, found)| **found)
    {
        // An empty heatmap says of no cell that it matters: there is nothing to delete.
        deleted.extend(sharing.run(|| predictor.delete(films, film, heat, SEED + film as u64))?);
        stage.advance(1);
    }
    drop(stage);

    let of_found = |all: &[Option<f64>]| -> Vec<f64> {
        let pairs = all.iter().zip(&found).filter(|(_, found)| **found);
        pairs.filter_map(|(value, _)| *value).collect()
    };
    let of_all = |all: &[Option<f64>]| -> Vec<f64> { all.iter().copied().flatten().collect() };
    let hits_found = hits
        .iter()
        .zip(&found)
        .filter(|(hit, found)| **hit && **found);
    let empty = || {
        let maps = heat.iter().zip(&found);
        maps.filter(|(heat, _)| heat.is_empty())
    };
    let hits_all = hits.iter().filter(|hit| **hit).count() as u64;
    Ok(Some(Explanation {
        kind: match heat[0].kind {
            HeatKind::FractureMap => "fracture_map",
            HeatKind::GradCam => "grad_cam",
        }
        .to_owned(),
        cells: (heat[0].width as u64, heat[0].height as u64),
        boxed: boxed.len() as u64,
        detected: detected as u64,
        tolerance: TOLERANCE,
        pointing_detected: wilson(hits_found.count() as u64, detected as u64, 0.95)?,
        pointing_boxed: wilson(hits_all, boxed.len() as u64, 0.95)?,
        iou_detected: mean(&of_found(&overlaps))?,
        iou_boxed: mean(&of_all(&overlaps))?,
        heat_inside_detected: mean(&of_found(&insides))?,
        empty_boxed: empty().count() as u64,
        empty_detected: empty().filter(|(_, found)| **found).count() as u64,
        deletion: deletion(&deleted)?,
    }))
}

/// Whether the peak is inside, the overlap, the share of heat inside. Cropping may leave nothing of a box: then nothing can be hit.
fn held_against(
    heat: &Heatmap,
    boxes: &[FittedBox],
    side: usize,
) -> (bool, Option<f64>, Option<f64>) {
    let (across, down) = (
        heat.width as f64 / side as f64,
        heat.height as f64 / side as f64,
    );
    let boxes: Vec<Rect> = boxes
        .iter()
        .map(|b| {
            // Fitted boxes count from the middles of pixels.
            let (x, y) = (f64::from(b.cx) + 0.5, f64::from(b.cy) + 0.5);
            let (w, h) = (f64::from(b.w) / 2.0, f64::from(b.h) / 2.0);
            Rect {
                left: (x - w) * across,
                top: (y - h) * down,
                right: (x + w) * across,
                bottom: (y + h) * down,
            }
        })
        .collect();
    let Some(grid) = HeatGrid::new(heat.width, heat.height, &heat.values) else {
        return (false, None, None);
    };
    let tolerance = TOLERANCE * heat.width as f64;
    (
        grid.points_inside(&boxes, tolerance) == Some(true),
        grid.overlap(&boxes, HOT),
        grid.heat_inside(&boxes),
    )
}

fn deletion(deleted: &[Deleted]) -> Result<Vec<Deletion>, MetricsError> {
    if deleted.is_empty() {
        return Ok(Vec::new());
    }
    DELETED_SHARES
        .iter()
        .enumerate()
        .map(|(n, &share)| {
            let falls = |after: fn(&Deleted) -> &[f64; 3]| -> Vec<f64> {
                deleted.iter().map(|d| d.score - after(d)[n]).collect()
            };
            let (hottest, random) = (falls(|d| &d.hottest), falls(|d| &d.random));
            let difference: Vec<f64> = hottest.iter().zip(&random).map(|(h, r)| h - r).collect();
            Ok(Deletion {
                share,
                hottest: mean(&hottest)?,
                random: mean(&random)?,
                difference: mean(&difference)?,
            })
        })
        .collect()
}

/// A mean with the interval of a bootstrap by image.
fn mean(values: &[f64]) -> Result<Estimate, MetricsError> {
    if values.is_empty() {
        return Ok(Estimate::UNDEFINED);
    }
    let of = |_: &[bool], values: &[f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
    stratified(
        &vec![true; values.len()],
        values,
        REPLICATES,
        0.95,
        SEED,
        of,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitted_boxes_lie_on_their_cells() {
        let mut values = vec![0.0; 16];
        values[6] = 1.0;
        let heat = Heatmap {
            width: 4,
            height: 4,
            values,
            kind: HeatKind::FractureMap,
        };
        // The cell (2, 1) of 8 pixels: pixels 16 to 23 across, 8 to 15 down.
        let exact = FittedBox {
            cx: 19.5,
            cy: 11.5,
            w: 8.0,
            h: 8.0,
        };
        assert_eq!(
            held_against(&heat, &[exact], 32),
            (true, Some(1.0), Some(1.0))
        );
        let beside = FittedBox { cx: 27.5, ..exact };
        assert_eq!(
            held_against(&heat, &[beside], 32),
            (false, Some(0.0), Some(0.0))
        );
        let gone = FittedBox { cx: 99.0, ..exact };
        assert_eq!(held_against(&heat, &[gone], 32), (false, None, None));
    }

    #[test]
    fn falls_are_paired() {
        let one = |score, hottest: f64, random: f64| Deleted {
            score,
            hottest: [hottest; 3],
            random: [random; 3],
        };
        let rows = deletion(&[one(0.9, 0.3, 0.8), one(0.7, 0.3, 0.8)]).expect("figures");
        assert_eq!(rows.len(), 3);
        let values = [rows[0].hottest, rows[0].random, rows[0].difference];
        for (found, expected) in values.iter().zip([0.5, 0.0, 0.5]) {
            assert!((found.value.expect("defined") - expected).abs() < 1e-12);
        }
        assert!(deletion(&[]).expect("figures").is_empty());
    }
}
