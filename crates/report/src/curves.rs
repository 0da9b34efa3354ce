//! How a network learnt: loss, figures on val and learning rate over the epochs.

use plotters::style::RGBColor;

use crate::EpochPoint;
use crate::axis::Axis;
use crate::panel::{BLUE, FAINT, GREEN, Line, PURPLE, Panel, SKY, VERMILLION, figure};

const WIDTH: u32 = 900;
const HEIGHTS: [u32; 3] = [270, 270, 146];
/// Beyond this ratio of largest and smallest loss the small ones would all look the same.
const LOG_FROM: f64 = 30.0;

/// Learning curves as SVG: loss on train and val; ROC-AUC, sensitivity and specificity on val; the learning rate. All over the epochs,
/// with the best epoch marked. Undefined figures leave gaps; NaN and infinite ones are not drawn.
#[must_use]
pub fn learning_curves(epochs: &[EpochPoint]) -> String {
    let x = Axis::epochs(
        epochs.iter().map(|e| e.epoch).min().unwrap_or(1),
        epochs.iter().map(|e| e.epoch).max().unwrap_or(1),
    );
    let best = epochs.iter().rev().find(|e| e.best);
    let description = match best {
        Some(best) => format!(
            "Learning curves of {} epochs; the best was epoch {}",
            epochs.len(),
            best.epoch
        ),
        None => format!("Learning curves of {} epochs", epochs.len()),
    };
    let panels = [
        loss(epochs, &x, best),
        figures(epochs, &x, best),
        rate(epochs, &x, best),
    ];
    figure(WIDTH, HEIGHTS.iter().sum(), &description, |root| {
        let breaks = [HEIGHTS[0] as i32, (HEIGHTS[0] + HEIGHTS[1]) as i32];
        let areas = root.split_by_breakpoints(&[] as &[i32], breaks);
        for (panel, area) in panels.iter().zip(&areas) {
            panel.draw(area);
        }
    })
}

fn loss<'a>(epochs: &[EpochPoint], x: &'a Axis, best: Option<&EpochPoint>) -> Panel<'a> {
    let values = || {
        epochs
            .iter()
            .flat_map(|e| [e.train_loss, e.val_loss])
            .flatten()
            .filter(|loss| loss.is_finite())
    };
    let least = values().fold(f64::INFINITY, f64::min);
    let most = values().fold(f64::NEG_INFINITY, f64::max);
    let logarithmic = least > 0.0 && most / least > LOG_FROM;
    Panel {
        heading: if logarithmic { "Loss (log)" } else { "Loss" },
        note: best.map(|best| format!("best: epoch {}", best.epoch)),
        x,
        y: if logarithmic {
            Axis::log(values())
        } else {
            Axis::linear(values(), 5)
        },
        x_name: None,
        lines: vec![
            line(epochs, "val", VERMILLION, 2, |e| e.val_loss),
            line(epochs, "train", BLUE, 2, |e| e.train_loss),
        ],
        upright: best.map(|best| best.epoch as f64),
        ring: None,
    }
}

fn figures<'a>(epochs: &[EpochPoint], x: &'a Axis, best: Option<&EpochPoint>) -> Panel<'a> {
    let rates = |e: &EpochPoint| [e.val_roc_auc, e.val_sensitivity, e.val_specificity];
    let least = epochs
        .iter()
        .flat_map(rates)
        .flatten()
        .filter(|rate| rate.is_finite())
        .fold(0.9, f64::min);
    // From the tenth below the least of them up to 1, with room for the lines at the edges.
    let low = ((least * 10.0).floor() / 10.0).max(0.0);
    let room = (1.0 - low) * 0.04;
    let auc = best.and_then(|best| best.val_roc_auc);
    Panel {
        heading: "On val",
        note: auc.map(|auc| format!("AUC {auc:.3} at the best epoch")),
        x,
        y: Axis::between(low - room, 1.0 + room, 5),
        x_name: None,
        lines: vec![
            line(epochs, "specificity", SKY, 1, |e| e.val_specificity),
            line(epochs, "sensitivity", PURPLE, 1, |e| e.val_sensitivity),
            line(epochs, "ROC-AUC", GREEN, 3, |e| e.val_roc_auc),
        ],
        upright: best.map(|best| best.epoch as f64),
        ring: best.zip(auc).map(|(best, auc)| (best.epoch as f64, auc)),
    }
}

fn rate<'a>(epochs: &[EpochPoint], x: &'a Axis, best: Option<&EpochPoint>) -> Panel<'a> {
    let most = epochs
        .iter()
        .filter_map(|e| e.lr)
        .filter(|lr| lr.is_finite())
        .fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1e-3 };
    Panel {
        heading: "Learning rate",
        note: None,
        x,
        y: Axis::between(0.0, most * 1.1, 2),
        x_name: Some("epoch"),
        lines: vec![line(epochs, "", FAINT, 1, |e| e.lr)],
        upright: best.map(|best| best.epoch as f64),
        ring: None,
    }
}

fn line(
    epochs: &[EpochPoint],
    name: &'static str,
    color: RGBColor,
    width: u32,
    value: impl Fn(&EpochPoint) -> Option<f64>,
) -> Line {
    Line {
        name,
        color,
        width,
        points: epochs.iter().map(|e| (e.epoch as f64, value(e))).collect(),
        dots: epochs.len() <= 12,
    }
}
