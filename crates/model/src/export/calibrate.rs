//! A calibration as the exported forms compute it.

use crate::Calibration;

/// From logit to score.
pub(super) enum Calibrated {
    /// sigmoid(slope · logit + intercept).
    Line { slope: f64, intercept: f64 },
    /// A curve through knots.
    Curve(Curve),
}

/// A rising curve in straight pieces as a sum: lowest + Σ rise · clamp((logit − knot) / width, 0, 1). In 64 bits, since pieces may be steep.
pub(super) struct Curve {
    /// The score below the first knot.
    pub lowest: f64,
    knots: Vec<f64>,
    widths: Vec<f64>,
    rises: Vec<f64>,
}

impl Calibrated {
    pub fn of(calibration: &Calibration) -> Self {
        let Some(isotonic) = &calibration.isotonic else {
            return Self::Line {
                slope: calibration.slope,
                intercept: calibration.intercept,
            };
        };
        let knots = isotonic.knots();
        let mut curve = Curve {
            lowest: knots.first().map_or(0.0, |knot| knot.1),
            knots: Vec::new(),
            widths: Vec::new(),
            rises: Vec::new(),
        };
        for (&(x0, p0), &(x1, p1)) in knots.iter().zip(&knots[1..]) {
            if p1 > p0 {
                curve.knots.push(x0);
                curve.widths.push(x1 - x0);
                curve.rises.push(p1 - p0);
            }
        }
        if curve.rises.is_empty() {
            // A flat curve: a piece that does not rise, since an empty sum has no shape.
            curve.knots.push(0.0);
            curve.widths.push(1.0);
            curve.rises.push(0.0);
        }
        Self::Curve(curve)
    }
}

impl Curve {
    /// The three lists by the names of their tensors.
    pub fn tensors(&self) -> [(&'static str, &[f64]); 3] {
        [
            ("calibration.knots", &self.knots),
            ("calibration.widths", &self.widths),
            ("calibration.rises", &self.rises),
        ]
    }
}
