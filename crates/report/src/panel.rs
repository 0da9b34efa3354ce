//! One panel of a figure: a heading with the key of its lines, a grid, lines.

use std::fmt::Display;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::axis::Axis;

pub(crate) const BACKGROUND: RGBColor = RGBColor(252, 252, 250);
pub(crate) const INK: RGBColor = RGBColor(51, 51, 51);
pub(crate) const FAINT: RGBColor = RGBColor(110, 110, 110);
pub(crate) const GRID: RGBColor = RGBColor(228, 228, 224);
pub(crate) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(crate) const VERMILLION: RGBColor = RGBColor(213, 94, 0);
pub(crate) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(crate) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(crate) const SKY: RGBColor = RGBColor(86, 180, 233);

/// Room for the numbers at the left; the panels of a figure share it, so that their epochs stand above each other.
const LEFT: u32 = 70;
const RIGHT: u32 = 28;
const HEADING: u32 = 34;
const FONT: &str = "sans-serif";

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane = Cartesian2d<Axis, Axis>;

/// A line with its name.
pub(crate) struct Line {
    pub name: &'static str,
    pub color: RGBColor,
    pub width: u32,
    /// Values along x; `None` and what is not finite interrupt the line.
    pub points: Vec<(f64, Option<f64>)>,
    /// Whether each point has a dot.
    pub dots: bool,
}

/// What stands in a panel.
pub(crate) struct Panel<'a> {
    pub heading: &'a str,
    /// At the right of the heading.
    pub note: Option<String>,
    pub x: &'a Axis,
    pub y: Axis,
    /// Name of the x axis, in the panel that shows its numbers.
    pub x_name: Option<&'static str>,
    pub lines: Vec<Line>,
    /// An upright line at this value of x.
    pub upright: Option<f64>,
    /// A ringed point.
    pub ring: Option<(f64, f64)>,
}

/// A figure of this size, drawn by `draw`, with a description for those who do not see it.
pub(crate) fn figure(
    width: u32,
    height: u32,
    description: &str,
    draw: impl FnOnce(&Area<'_>),
) -> String {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        sure(root.fill(&BACKGROUND));
        draw(&root);
        sure(root.present());
    }
    // The backend writes no title of its own. The first `>` ends the opening tag.
    let title = format!(" role=\"img\"><title>{}</title>", escape(description));
    svg.replacen('>', &title, 1)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Panel<'_> {
    pub fn draw(&self, area: &Area<'_>) {
        self.draw_heading(area);
        let (x, y) = (self.x, &self.y);
        // A panel without numbers below has no room for them, which keeps plotters from writing them.
        let (numbers, room) = if self.x_name.is_some() {
            (40, 8)
        } else {
            (0, 6)
        };
        let mut chart = sure(
            ChartBuilder::on(area)
                .margin_top(HEADING)
                .margin_right(RIGHT)
                .set_label_area_size(LabelAreaPosition::Left, LEFT)
                .margin_bottom(room)
                .set_label_area_size(LabelAreaPosition::Bottom, numbers)
                .build_cartesian_2d(x.clone(), y.clone()),
        );
        let small = (FONT, 13).into_font().color(&INK);
        sure(
            chart
                .configure_mesh()
                .max_light_lines(0)
                .bold_line_style(GRID)
                .axis_style(GRID)
                .x_labels(x.ticks.len())
                .y_labels(y.ticks.len())
                .x_desc(self.x_name.unwrap_or_default())
                .axis_desc_style((FONT, 13).into_font().color(&FAINT))
                .label_style(small)
                .draw(),
        );
        if let Some(at) = self.upright.and_then(|at| x.position(at)) {
            let dashed =
                DashedLineSeries::new([(at, y.low), (at, y.high)], 4, 4, FAINT.stroke_width(1));
            sure(chart.draw_series(dashed));
        }
        for line in &self.lines {
            self.draw_line(&mut chart, line);
        }
        if let Some(at) = self
            .ring
            .and_then(|(at, value)| x.position(at).zip(y.position(value)))
        {
            sure(chart.draw_series([
                Circle::new(at, 5, BACKGROUND.filled()),
                Circle::new(at, 5, INK.stroke_width(2)),
                Circle::new(at, 2, INK.filled()),
            ]));
        }
    }

    fn draw_line<'a>(&self, chart: &mut ChartContext<'a, SVGBackend<'a>, Plane>, line: &Line) {
        for piece in pieces(line, self.x, &self.y) {
            // A piece of one point would be drawn as nothing.
            if line.dots || piece.len() == 1 {
                let size = line.width + 1;
                let dots = piece
                    .iter()
                    .map(|at| Circle::new(*at, size, line.color.filled()));
                sure(chart.draw_series(dots));
            }
            let style = line.color.stroke_width(line.width);
            sure(chart.draw_series([PathElement::new(piece, style)]));
        }
    }

    /// Heading, then the key in the same line, then the note at the right end: nothing of it can lie over a line of the plot.
    fn draw_heading(&self, area: &Area<'_>) {
        let middle = 19;
        let at = |h| Pos::new(h, VPos::Center);
        let bold = (FONT, 15, FontStyle::Bold).into_font().color(&INK);
        let text = |text: &str, x: i32, style: TextStyle<'_>| {
            sure(area.draw(&Text::new(text.to_owned(), (x, middle), style)));
        };
        text(self.heading, LEFT as i32, bold.pos(at(HPos::Left)));
        let mut x = LEFT as i32 + width(self.heading, 9.2) + 18;
        let plain = (FONT, 13).into_font().color(&INK);
        // What is drawn last lies on top: it is what the panel is about, and comes first in the key.
        for line in self.lines.iter().rev().filter(|line| !line.name.is_empty()) {
            let swatch = vec![(x, middle), (x + 22, middle)];
            sure(area.draw(&PathElement::new(
                swatch,
                line.color.stroke_width(line.width.max(2)),
            )));
            text(line.name, x + 28, plain.clone().pos(at(HPos::Left)));
            x += 28 + width(line.name, 7.2) + 16;
        }
        if let Some(note) = &self.note {
            let right = area.dim_in_pixel().0 as i32 - RIGHT as i32;
            text(note, right, plain.pos(at(HPos::Right)));
        }
    }
}

/// About how wide a text is drawn, in pixels. Fonts differ from viewer to viewer: better too wide than too narrow.
fn width(text: &str, a_letter: f64) -> i32 {
    (text.chars().count() as f64 * a_letter).ceil() as i32
}

/// The line in pieces that hold together, cut off at the panel's edges.
fn pieces(line: &Line, x: &Axis, y: &Axis) -> Vec<Vec<(f64, f64)>> {
    let placed = line.points.iter().map(|(at, value)| {
        x.position(*at)
            .zip(value.and_then(|value| y.position(value)))
    });
    let mut pieces = vec![Vec::new()];
    for point in placed {
        match (point, pieces.last_mut()) {
            (Some(point), Some(piece)) => piece.push(point),
            (None, Some(piece)) if !piece.is_empty() => pieces.push(Vec::new()),
            _ => {}
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
        .into_iter()
        .flat_map(|piece| cut(&piece, y.high))
        .collect()
}

/// Cuts a line where it crosses `high`, and leaves out what lies above.
fn cut(piece: &[(f64, f64)], high: f64) -> Vec<Vec<(f64, f64)>> {
    let mut parts = vec![Vec::new()];
    for (n, &(x, y)) in piece.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| piece[n]);
        let crossing = before.filter(|&(_, y0)| (y0 > high) != (y > high));
        let crossing = crossing.map(|(x0, y0)| (x0 + (x - x0) * (high - y0) / (y - y0), high));
        if let (Some(crossing), Some(part)) = (crossing, parts.last_mut()) {
            part.push(crossing);
        }
        if y > high {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push((x, y));
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Invariant: drawing into a string of text does not fail; plotters' errors are those of files and of fonts, and neither is used.
pub(crate) fn sure<T, E: Display>(done: Result<T, E>) -> T {
    match done {
        Ok(done) => done,
        Err(error) => unreachable!("drawing into a string: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_the_edge_and_comes_back() {
        let line = [(0.0, 0.0), (1.0, 2.0), (2.0, 2.0), (3.0, 0.0)];
        assert_eq!(
            cut(&line, 1.0),
            [vec![(0.0, 0.0), (0.5, 1.0)], vec![(2.5, 1.0), (3.0, 0.0)]]
        );
        assert_eq!(cut(&line, 5.0), [line.to_vec()]);
        assert!(cut(&[(0.0, 9.0)], 1.0).is_empty());
    }
}
