//! What is drawn on: colours 0..=1, and the few shapes that all kinds of pictures are made of.

use image::{Rgb, RgbImage};

use crate::dice::Dice;

pub type Color = [f32; 3];

pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<Color>,
}

pub fn gray(v: f32) -> Color {
    [v; 3]
}

pub fn mix(a: Color, b: Color, share: f32) -> Color {
    [0, 1, 2].map(|c| a[c] + (b[c] - a[c]) * share)
}

pub fn times(a: Color, factor: f32) -> Color {
    a.map(|v| v * factor)
}

/// Any colour; a third of them gray.
pub fn any_color(dice: &mut Dice) -> Color {
    if dice.chance(0.35) {
        return gray(dice.unit());
    }
    [dice.unit(), dice.unit(), dice.unit()]
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0.0; 3]; width * height],
        }
    }

    pub fn fill(&mut self, color: Color) {
        self.pixels.fill(color);
    }

    pub fn size(&self) -> (f32, f32) {
        (self.width as f32, self.height as f32)
    }

    /// The longest side.
    pub fn long(&self) -> f32 {
        self.width.max(self.height) as f32
    }

    /// Every pixel anew, from its place and what it was.
    pub fn each(&mut self, mut paint: impl FnMut(f32, f32, Color) -> Color) {
        for y in 0..self.height {
            for x in 0..self.width {
                let pixel = &mut self.pixels[y * self.width + x];
                *pixel = paint(x as f32, y as f32, *pixel);
            }
        }
    }

    /// The same for the pixels of a box, which may reach beyond the canvas.
    pub fn part(
        &mut self,
        (left, top, right, bottom): (f32, f32, f32, f32),
        mut paint: impl FnMut(f32, f32, Color) -> Color,
    ) {
        let span = |from: f32, to: f32, length: usize| {
            (from.max(0.0) as usize).min(length)..(to.ceil().max(0.0) as usize).min(length)
        };
        for y in span(top, bottom, self.height) {
            for x in span(left, right, self.width) {
                let pixel = &mut self.pixels[y * self.width + x];
                *pixel = paint(x as f32, y as f32, *pixel);
            }
        }
    }

    pub fn rect(&mut self, area: (f32, f32, f32, f32), color: Color) {
        self.part(area, |_, _, _| color);
    }

    /// A line with round ends.
    pub fn line(&mut self, a: (f32, f32), b: (f32, f32), pen: f32, color: Color) {
        let half = pen / 2.0;
        let area = (
            a.0.min(b.0) - half - 1.0,
            a.1.min(b.1) - half - 1.0,
            a.0.max(b.0) + half + 1.0,
            a.1.max(b.1) + half + 1.0,
        );
        self.part(area, |x, y, old| {
            let far = distance((x, y), a, b);
            mix(old, color, (half + 0.5 - far).clamp(0.0, 1.0))
        });
    }

    pub fn lines(&mut self, points: &[(f32, f32)], pen: f32, color: Color) {
        for pair in points.windows(2) {
            self.line(pair[0], pair[1], pen, color);
        }
    }

    /// An ellipse, turned; `paint` gets how far out a pixel lies (0 in the middle, 1 at the edge), its angle and what was there.
    pub fn ellipse(
        &mut self,
        middle: (f32, f32),
        (rx, ry): (f32, f32),
        turn: f32,
        mut paint: impl FnMut(f32, f32, Color) -> Color,
    ) {
        let reach = rx.max(ry) + 1.0;
        let (sin, cos) = turn.sin_cos();
        let area = (
            middle.0 - reach,
            middle.1 - reach,
            middle.0 + reach,
            middle.1 + reach,
        );
        self.part(area, |x, y, old| {
            let (dx, dy) = (x - middle.0, y - middle.1);
            let (u, v) = ((dx * cos + dy * sin) / rx, (dy * cos - dx * sin) / ry);
            let far = u.hypot(v);
            if far <= 1.0 {
                paint(far, v.atan2(u), old)
            } else {
                old
            }
        });
    }

    /// A polygon, filled.
    pub fn polygon(
        &mut self,
        points: &[(f32, f32)],
        mut paint: impl FnMut(f32, f32, Color) -> Color,
    ) {
        let area = points.iter().fold(
            (f32::MAX, f32::MAX, f32::MIN, f32::MIN),
            |(l, t, r, b), &(x, y)| (l.min(x), t.min(y), r.max(x), b.max(y)),
        );
        self.part(area, |x, y, old| {
            let mut inside = false;
            for (i, a) in points.iter().enumerate() {
                let b = points[(i + 1) % points.len()];
                if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
                    inside = !inside;
                }
            }
            if inside { paint(x, y, old) } else { old }
        });
    }

    /// Blurs by three passes of a box: nearly a Gaussian of this deviation.
    pub fn blur(&mut self, deviation: f32) {
        let radius = (deviation * 0.9).round() as usize;
        if radius == 0 {
            return;
        }
        for _ in 0..3 {
            self.pixels = boxed(&self.pixels, self.width, self.height, radius);
        }
    }

    /// Grain of this deviation, the same in all colours or not.
    pub fn grain(&mut self, deviation: f32, colored: bool, dice: &mut Dice) {
        for pixel in &mut self.pixels {
            let same = dice.bell();
            for v in pixel {
                let own = if colored { dice.bell() } else { same };
                *v += deviation * own;
            }
        }
    }

    pub fn into_image(self) -> RgbImage {
        let (width, height) = (self.width as u32, self.height as u32);
        RgbImage::from_fn(width, height, |x, y| {
            let pixel = self.pixels[y as usize * self.width + x as usize];
            Rgb(pixel.map(|v| (v * 255.0).round() as u8))
        })
    }
}

/// How far a point is from a line's nearest point.
pub fn distance(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let t = if length > 0.0 {
        (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p.0 - a.0 - t * dx).hypot(p.1 - a.1 - t * dy)
}

/// Means over a square, across then down.
fn boxed(pixels: &[Color], width: usize, height: usize, radius: usize) -> Vec<Color> {
    let mut across = pixels.to_vec();
    for y in 0..height {
        slide(
            width,
            radius,
            |i| pixels[y * width + i],
            |i, v| across[y * width + i] = v,
        );
    }
    let mut out = across.clone();
    for x in 0..width {
        slide(
            height,
            radius,
            |i| across[i * width + x],
            |i, v| out[i * width + x] = v,
        );
    }
    out
}

fn slide(
    length: usize,
    radius: usize,
    get: impl Fn(usize) -> Color,
    mut set: impl FnMut(usize, Color),
) {
    let last = length as isize - 1;
    let at = |i: isize| get(i.clamp(0, last) as usize);
    let reach = radius as isize;
    let mut sum = [0.0; 3];
    for i in -reach..=reach {
        let v = at(i);
        sum = [0, 1, 2].map(|c| sum[c] + v[c]);
    }
    let scale = 1.0 / (2 * radius + 1) as f32;
    for i in 0..=last {
        set(i as usize, times(sum, scale));
        let (enter, leave) = (at(i + reach + 1), at(i - reach));
        sum = [0, 1, 2].map(|c| sum[c] + enter[c] - leave[c]);
    }
}

/// Smooth random values −1..=1: octaves of a lattice, each `fall` times as strong as the one before. At `fall` 0.5 its power goes with 1/f, as that of
/// photographs.
pub struct Clouds {
    lattice: Vec<f32>,
    cell: f32,
    octaves: usize,
    fall: f32,
}

const LATTICE: usize = 64;

impl Clouds {
    pub fn new(cell: f32, octaves: usize, fall: f32, dice: &mut Dice) -> Self {
        Self {
            lattice: (0..LATTICE * LATTICE)
                .map(|_| dice.between(-1.0, 1.0))
                .collect(),
            cell,
            octaves,
            fall,
        }
    }

    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (mut sum, mut weight, mut scale) = (0.0, 1.0, 1.0 / self.cell);
        for octave in 0..self.octaves {
            let shift = octave as f32 * 17.3;
            sum += weight * self.smooth(x * scale + shift, y * scale + shift);
            weight *= self.fall;
            scale *= 2.0;
        }
        sum
    }

    fn smooth(&self, x: f32, y: f32) -> f32 {
        let (fx, fy) = (x.floor(), y.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (tx, ty) = (ease(x - fx), ease(y - fy));
        let node = |dx: i64, dy: i64| {
            let wrap = |v: f32, d: i64| (v as i64 + d).rem_euclid(LATTICE as i64) as usize;
            self.lattice[wrap(fy, dy) * LATTICE + wrap(fx, dx)]
        };
        let top = node(0, 0) + (node(1, 0) - node(0, 0)) * tx;
        let bottom = node(0, 1) + (node(1, 1) - node(0, 1)) * tx;
        top + (bottom - top) * ty
    }
}
