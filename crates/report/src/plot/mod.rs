//! Figures of the report as SVG within a page: their colours are classes and variables of its stylesheet, so they follow light and
//! dark surroundings and print. (Plotters writes fixed colours; it draws the learning curves, which [`theme`] recolours.)

mod bars;
mod confusion;
mod histogram;
mod pr;
mod reliability;
mod roc;
mod strip;
mod theme;

use std::fmt::Write as _;

use maud::{Markup, html};

pub(crate) use bars::{Part, bars};
pub(crate) use confusion::confusion;
pub(crate) use histogram::histogram;
pub(crate) use pr::pr;
pub(crate) use reliability::reliability;
pub(crate) use roc::{letter, roc};
pub(crate) use strip::{Scale, strip};
pub(crate) use theme::themed;

use crate::axis::Axis;

/// Points nearer than this to the last one drawn, in pixels, are left out: a curve of a million images stays small.
const STEP: f64 = 0.35;

/// A picture with a description for those who do not see it.
pub(crate) fn picture(width: u32, height: u32, description: &str, body: &Markup) -> Markup {
    html! {
        svg role="img" viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height) {
            title { (description) }
            (body)
        }
    }
}

/// Where values lie within a picture, in pixels from its upper left.
pub(crate) struct Plane {
    pub x: Axis,
    pub y: Axis,
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Plane {
    /// Percent against percent.
    pub fn percents(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self {
            x: Axis::between(0.0, 100.0, 5),
            y: Axis::between(0.0, 100.0, 5),
            left,
            top,
            width,
            height,
        }
    }

    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn at_x(&self, x: f64) -> f64 {
        px(self.left + self.width * (x - self.x.low) / (self.x.high - self.x.low))
    }

    pub fn at_y(&self, y: f64) -> f64 {
        px(self.bottom() - self.height * (y - self.y.low) / (self.y.high - self.y.low))
    }

    /// Grid, numbers and names of both axes. `name_y` says what stands at a tick of y.
    pub fn frame(&self, x_name: &str, y_name: &str, name_y: impl Fn(f64) -> String) -> Markup {
        let (left, right, top, bottom) = (self.left, self.right(), self.top, self.bottom());
        let middle = px(top + self.height / 2.0);
        html! {
            g.grid {
                @for &tick in &self.x.ticks { line x1=(self.at_x(tick)) x2=(self.at_x(tick)) y1=(top) y2=(bottom) {} }
                @for &tick in &self.y.ticks { line x1=(left) x2=(right) y1=(self.at_y(tick)) y2=(self.at_y(tick)) {} }
            }
            g.ticks {
                @for &tick in &self.x.ticks { text x=(self.at_x(tick)) y=(bottom + 17.0) text-anchor="middle" { (self.x.label(tick)) } }
                @for &tick in &self.y.ticks { text x=(left - 7.0) y=(self.at_y(tick) + 4.0) text-anchor="end" { (name_y(tick)) } }
            }
            g.names {
                text x=(px(left + self.width / 2.0)) y=(bottom + 38.0) text-anchor="middle" { (x_name) }
                text x="13" y=(middle) text-anchor="middle" transform=(format!("rotate(-90 13 {middle})")) { (y_name) }
            }
        }
    }

    /// A line through points, in a class.
    pub fn line(&self, points: impl Iterator<Item = (f64, f64)>, class: &str) -> Markup {
        let all: Vec<(f64, f64)> = points.map(|(x, y)| (self.at_x(x), self.at_y(y))).collect();
        let mut kept: Vec<(f64, f64)> = Vec::new();
        for (n, &(x, y)) in all.iter().enumerate() {
            let near = kept
                .last()
                .is_some_and(|(x0, y0)| (x - x0).hypot(y - y0) < STEP);
            if !near || n + 1 == all.len() {
                kept.push((x, y));
            }
        }
        let d = path(&straightened(&kept));
        html! { path.line.(class) d=(d) {} }
    }

    /// From edge to edge, upright.
    pub fn upright(&self, x: f64, class: &str) -> Markup {
        html! { line.(class) x1=(self.at_x(x)) x2=(self.at_x(x)) y1=(self.top) y2=(self.bottom()) {} }
    }
}

/// Without the points that lie on an upright or level line between their neighbours: steps are mostly of these.
fn straightened(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let same = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        if let [.., before, last] = kept[..] {
            let upright = same(before.0, last.0) && same(last.0, point.0);
            let level = same(before.1, last.1) && same(last.1, point.1);
            if upright || level {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

fn path(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (n, (x, y)) in points.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(d, "{}{x} {y}", if n == 0 { "M" } else { "L" });
    }
    d
}

/// A tenth of a pixel is as fine as any screen shows.
pub(crate) fn px(at: f64) -> f64 {
    (at * 10.0).round() / 10.0
}

/// A tick in percent as it stands.
pub(crate) fn plain(tick: f64) -> String {
    format!("{tick:.0}")
}

/// In place of a figure that cannot be drawn: why.
pub(crate) fn missing(why: &str) -> Markup {
    html! { p.missing { "– " (why) } }
}
