//! What the learning-rate finder saw.

use crate::LrPoint;
use crate::axis::{Axis, power};
use crate::panel::{BLUE, FAINT, Line, Panel, figure};

const WIDTH: u32 = 900;
const HEIGHT: u32 = 420;

/// Loss over the learning rate as SVG, the learning rate on a logarithmic axis, with the suggested one marked. Where the loss runs away
/// at the end, it is cut off at the panel's edge, so that the fall before stays in sight.
#[must_use]
pub fn lr_finder(points: &[LrPoint], suggestion: Option<f64>) -> String {
    let suggestion = suggestion.filter(|lr| lr.is_finite() && *lr > 0.0);
    let rates = points.iter().map(|p| p.lr).chain(suggestion);
    let x = Axis::log(rates.filter(|lr| lr.is_finite()));
    let line = |name, color, width, value: fn(&LrPoint) -> Option<f64>| Line {
        name,
        color,
        width,
        points: points.iter().map(|p| (p.lr, value(p))).collect(),
        dots: points.len() <= 12,
    };
    let suggested = suggestion.map(power);
    let description = match &suggested {
        Some(lr) => format!("Loss over the learning rate; suggested: {lr}"),
        None => "Loss over the learning rate; none is suggested".to_owned(),
    };
    let panel = Panel {
        heading: "Loss",
        note: Some(suggested.map_or_else(
            || "no learning rate to suggest: the loss never fell".to_owned(),
            |lr| format!("suggested: {lr}"),
        )),
        x: &x,
        y: loss_axis(points),
        x_name: Some("learning rate"),
        lines: vec![
            line("each step", FAINT, 1, |p| p.loss),
            line("smoothed", BLUE, 3, |p| p.smoothed),
        ],
        upright: suggestion,
        ring: suggestion.and_then(|lr| Some((lr, smoothed_at(points, lr)?))),
    };
    figure(WIDTH, HEIGHT, &description, |root| panel.draw(root))
}

/// Up to as far above the first loss as the fall goes below it.
fn loss_axis(points: &[LrPoint]) -> Axis {
    let smoothed = || {
        points
            .iter()
            .filter_map(|p| p.smoothed.or(p.loss))
            .filter(|loss| loss.is_finite())
    };
    let Some(first) = smoothed().next() else {
        return Axis::linear(std::iter::empty(), 5);
    };
    let raw = points.iter().filter_map(|p| p.loss);
    let least = smoothed()
        .chain(raw.filter(|loss| loss.is_finite()))
        .fold(first, f64::min);
    let most = smoothed().fold(first, f64::max);
    let fall = (first - least).max(0.1 * first.abs());
    let high = most.min(first + fall);
    Axis::linear([least, high].into_iter(), 5)
}

/// The smoothed loss at a learning rate, between the points around it.
fn smoothed_at(points: &[LrPoint], lr: f64) -> Option<f64> {
    let known: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|p| Some((p.lr.ln(), p.smoothed?)))
        .filter(|(at, loss)| at.is_finite() && loss.is_finite())
        .collect();
    known.windows(2).find_map(|pair| {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        let at = (lr.ln() - x0) / (x1 - x0);
        (-1e-9..=1.0 + 1e-9)
            .contains(&at)
            .then_some(y0 + at * (y1 - y0))
    })
}
