//! Places and directions on the image plane, in centimetres, x to the right and y down.

use super::calc::sin_cos;

/// A point on the image, cm.
pub(super) type Point = (f32, f32);

/// A coordinate frame whose first axis runs along a bone or limb (`s`, towards its far end) and whose second runs across (`v`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) origin: Point,
    pub(super) axis: Point,
}

impl Frame {
    /// A frame at `origin` whose `s` axis makes `angle` (radians) with the image's x axis.
    pub(super) fn new(origin: Point, angle: f32) -> Self {
        let (sin, cos) = sin_cos(angle);
        Self {
            origin,
            axis: (cos, sin),
        }
    }

    /// Where `(s, v)` lies on the image.
    pub(super) fn place(&self, s: f32, v: f32) -> Point {
        let (ax, ay) = self.axis;
        (
            self.origin.0 + s * ax - v * ay,
            self.origin.1 + s * ay + v * ax,
        )
    }

    /// The `(s, v)` of a point on the image.
    pub(super) fn locate(&self, (x, y): Point) -> (f32, f32) {
        let (dx, dy) = (x - self.origin.0, y - self.origin.1);
        let (ax, ay) = self.axis;
        (dx * ax + dy * ay, dy * ax - dx * ay)
    }

    /// A frame with its origin at `(s, v)` of this one, turned by `turn` radians.
    pub(super) fn child(&self, s: f32, v: f32, turn: f32) -> Self {
        let (sin, cos) = sin_cos(turn);
        let (ax, ay) = self.axis;
        Self {
            origin: self.place(s, v),
            axis: (ax * cos - ay * sin, ay * cos + ax * sin),
        }
    }
}

/// A rigid motion: a turn about a pivot, then a shift.
#[derive(Clone, Copy, Debug)]
pub(super) struct Motion {
    pub(super) pivot: Point,
    pub(super) turn: f32,
    pub(super) shift: Point,
}

impl Motion {
    pub(super) fn apply(&self, frame: Frame) -> Frame {
        let (sin, cos) = sin_cos(self.turn);
        let (dx, dy) = (frame.origin.0 - self.pivot.0, frame.origin.1 - self.pivot.1);
        let (ax, ay) = frame.axis;
        Frame {
            origin: (
                self.pivot.0 + self.shift.0 + dx * cos - dy * sin,
                self.pivot.1 + self.shift.1 + dy * cos + dx * sin,
            ),
            axis: (ax * cos - ay * sin, ay * cos + ax * sin),
        }
    }
}

/// An oriented rectangle `s0..s1 × v0..v1` of a frame, walked pixel row by pixel row without testing the pixels outside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    pub(super) frame: Frame,
    pub(super) s: (f32, f32),
    pub(super) v: (f32, f32),
}

impl Patch {
    /// Calls `draw(pixel index, s, v)` for each pixel centre inside, on a `width × height` raster of `per_cm` pixels a cm.
    pub(super) fn each(
        &self,
        (width, height): (usize, usize),
        per_cm: f32,
        mut draw: impl FnMut(usize, f32, f32),
    ) {
        let corners = [
            self.frame.place(self.s.0, self.v.0),
            self.frame.place(self.s.0, self.v.1),
            self.frame.place(self.s.1, self.v.0),
            self.frame.place(self.s.1, self.v.1),
        ];
        let top = corners.iter().fold(f32::MAX, |m, c| m.min(c.1)) * per_cm;
        let bottom = corners.iter().fold(f32::MIN, |m, c| m.max(c.1)) * per_cm;
        let first = top.clamp(0.0, height as f32) as usize;
        let last = (bottom.ceil().clamp(0.0, height as f32)) as usize;
        let pixel = 1.0 / per_cm;
        let (ds, dv) = (self.frame.axis.0 * pixel, -self.frame.axis.1 * pixel);
        for y in first..last {
            let (s0, v0) = self.frame.locate((0.5 * pixel, (y as f32 + 0.5) * pixel));
            let (a, b) = crossing(s0, ds, self.s);
            let (c, d) = crossing(v0, dv, self.v);
            let from = a.max(c).ceil().clamp(0.0, width as f32) as usize;
            let to = (b.min(d).floor() + 1.0).clamp(0.0, width as f32) as usize;
            let row = y * width;
            for x in from..to {
                draw(row + x, s0 + x as f32 * ds, v0 + x as f32 * dv);
            }
        }
    }
}

/// The range of `x` where `start + x·slope` lies within `range`.
fn crossing(start: f32, slope: f32, range: (f32, f32)) -> (f32, f32) {
    if slope.abs() < 1e-9 {
        return if start >= range.0 && start <= range.1 {
            (-1e9, 1e9)
        } else {
            (1.0, 0.0)
        };
    }
    let (a, b) = ((range.0 - start) / slope, (range.1 - start) / slope);
    (a.min(b), a.max(b))
}
