//! An interval on a scale, in a line: the rows of a forest plot.

use maud::{Markup, html};
use osteon_metrics::Estimate;

use super::px;

const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 18.0;

/// What a row of strips is drawn over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    pub low: f64,
    pub high: f64,
}

impl Scale {
    pub const UNIT: Self = Self {
        low: 0.0,
        high: 1.0,
    };

    /// From `low`, or the tenth below the least end of all intervals, up to 1.
    pub fn holding<'a>(low: f64, all: impl Iterator<Item = &'a Estimate>) -> Self {
        let least = all.filter_map(|e| e.low.or(e.value)).fold(low, f64::min);
        Self {
            low: ((least * 10.0).floor() / 10.0).clamp(0.0, low),
            high: 1.0,
        }
    }

    fn at(self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        px(4.0 + (WIDTH - 8.0) * part.clamp(0.0, 1.0))
    }
}

/// A value with its interval, over the line of what it is compared with. It only repeats what stands beside it in figures, so it is
/// hidden from those who listen.
pub(crate) fn strip(e: &Estimate, scale: Scale, against: Option<f64>) -> Markup {
    let middle = HEIGHT / 2.0;
    html! {
        svg.strip-plot aria-hidden="true" viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) width=(WIDTH) height=(HEIGHT) {
            line.rail x1="4" x2=(WIDTH - 4.0) y1=(middle) y2=(middle) {}
            @if let Some(against) = against { line.against x1=(scale.at(against)) x2=(scale.at(against)) y1="0" y2=(HEIGHT) {} }
            @if let Some((low, high)) = e.low.zip(e.high) { line.interval x1=(scale.at(low)) x2=(scale.at(high)) y1=(middle) y2=(middle) {} }
            @if let Some(value) = e.value { circle.f-blue cx=(scale.at(value)) cy=(middle) r="4" {} }
        }
    }
}
