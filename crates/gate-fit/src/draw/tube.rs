//! Pipes, rods and cracks: what is long, bright and broken without being a bone.

use super::canvas::{Canvas, Clouds, Color, any_color, distance, gray, mix, times};
use super::photo::finish;
use super::{flat, photo};
use crate::dice::Dice;

type Point = (f32, f32);

struct Skin {
    color: Color,
    shine: f32,
    sharp: f32,
    /// Where across the tube the light falls, −1..=1.
    light: f32,
    rough: f32,
    dark: f32,
}

impl Skin {
    fn any(dice: &mut Dice) -> Self {
        let metal = dice.chance(0.5);
        let color = match dice.below(5) {
            0 | 1 => gray(dice.between(0.3, 0.9)),
            2 => [
                dice.between(0.6, 0.85),
                dice.between(0.35, 0.5),
                dice.between(0.2, 0.35),
            ],
            3 => gray(dice.between(0.85, 1.0)),
            _ => any_color(dice),
        };
        Self {
            color,
            shine: if metal {
                dice.between(0.3, 1.0)
            } else {
                dice.between(0.0, 0.3)
            },
            sharp: dice.between(5.0, 60.0),
            light: dice.between(-0.7, 0.7),
            rough: dice.between(0.0, 0.25),
            dark: dice.between(0.05, 0.5),
        }
    }

    /// The colour at a place across, −1..=1.
    fn at(&self, across: f32, rough: f32) -> Color {
        let up = (1.0 - across * across).max(0.0).sqrt();
        let slope = across * self.light + up * (1.0 - self.light * self.light).sqrt();
        let lit = self.dark + (1.0 - self.dark) * slope.max(0.0);
        let glint = self.shine * slope.max(0.0).powf(self.sharp);
        times(self.color, lit * (1.0 + self.rough * rough)).map(|v| v + glint)
    }
}

fn background(canvas: &mut Canvas, dice: &mut Dice) {
    match dice.below(6) {
        0 => canvas.fill(gray(dice.between(0.0, 0.15))),
        1 => canvas.fill(gray(dice.unit())),
        2 => flat::gradient(canvas, dice),
        3 => flat::pattern(canvas, dice),
        4 => photo::blurred(canvas, dice),
        _ => {
            let base = any_color(dice);
            let cell = dice.between(4.0, 80.0);
            let clouds = Clouds::new(cell, 5, 0.6, dice);
            let rough = dice.between(0.05, 0.4);
            canvas.each(|x, y, _| times(base, 1.0 + rough * clouds.at(x, y)));
        }
    }
}

/// A tube along a line of points.
fn tube(canvas: &mut Canvas, points: &[Point], radius: f32, skin: &Skin, clouds: &Clouds) {
    let area = points.iter().fold(
        (f32::MAX, f32::MAX, f32::MIN, f32::MIN),
        |(l, t, r, b), &(x, y)| {
            (
                l.min(x - radius),
                t.min(y - radius),
                r.max(x + radius),
                b.max(y + radius),
            )
        },
    );
    canvas.part(area, |x, y, old| {
        let mut best = (f32::MAX, 0.0);
        for pair in points.windows(2) {
            let far = distance((x, y), pair[0], pair[1]);
            if far < best.0 {
                let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
                let side = (x - pair[0].0) * dy - (y - pair[0].1) * dx;
                best = (far, far.copysign(side));
            }
        }
        if best.0 > radius {
            return old;
        }
        skin.at(best.1 / radius, clouds.at(x, y))
    });
}

fn course(canvas: &Canvas, dice: &mut Dice) -> Vec<Point> {
    let (w, h) = canvas.size();
    let edge = |dice: &mut Dice| match dice.below(4) {
        0 => (0.0 - 0.05 * w, dice.unit() * h),
        1 => (1.05 * w, dice.unit() * h),
        2 => (dice.unit() * w, -0.05 * h),
        _ => (dice.unit() * w, 1.05 * h),
    };
    let (a, b) = (edge(dice), edge(dice));
    match dice.below(4) {
        0 => vec![(a.0, 0.0), (a.0, h)],
        1 => vec![a, (b.0, a.1), b],
        2 => vec![a, b],
        _ => {
            let pull = (dice.unit() * w, dice.unit() * h);
            (0..=14)
                .map(|i| {
                    let t = i as f32 / 14.0;
                    let along = |p: f32, q: f32, r: f32| {
                        (1.0 - t).powi(2) * p + 2.0 * t * (1.0 - t) * q + t * t * r
                    };
                    (along(a.0, pull.0, b.0), along(a.1, pull.1, b.1))
                })
                .collect()
        }
    }
}

/// Pipes with joints and rings, some of them cracked.
pub fn pipes(canvas: &mut Canvas, dice: &mut Dice) {
    background(canvas, dice);
    let long = canvas.long();
    let clouds = Clouds::new(dice.between(3.0, 50.0), 5, 0.6, dice);
    for _ in 0..=dice.below(5) {
        let points = course(canvas, dice);
        let radius = long * dice.between(0.015, 0.16);
        let skin = Skin::any(dice);
        if dice.chance(0.4) {
            let shadow: Vec<Point> = points
                .iter()
                .map(|p| (p.0 + radius * 0.5, p.1 + radius * 0.6))
                .collect();
            for pair in shadow.windows(2) {
                canvas.line(pair[0], pair[1], 2.0 * radius, gray(0.05));
            }
        }
        tube(canvas, &points, radius, &skin, &clouds);
        for _ in 0..dice.below(5) {
            let pair = dice.below(points.len() - 1);
            let t = dice.unit();
            let (a, b) = (points[pair], points[pair + 1]);
            let length = (b.0 - a.0).hypot(b.1 - a.1).max(1.0);
            let (ux, uy) = ((b.0 - a.0) / length, (b.1 - a.1) / length);
            let middle = (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
            if dice.chance(0.6) {
                let half = radius * dice.between(0.1, 0.5);
                let ring = [
                    (middle.0 - ux * half, middle.1 - uy * half),
                    (middle.0 + ux * half, middle.1 + uy * half),
                ];
                tube(
                    canvas,
                    &ring,
                    radius * dice.between(1.05, 1.35),
                    &skin,
                    &clouds,
                );
            } else {
                crack(
                    canvas,
                    dice,
                    (middle.0 - uy * radius, middle.1 + ux * radius),
                    (middle.0 + uy * radius, middle.1 - ux * radius),
                );
            }
        }
    }
    finish(canvas, dice);
}

/// Pencils, sticks, bars, bottles: on a plain ground, often a dark one, in the middle like a bone on an image.
pub fn rods(canvas: &mut Canvas, dice: &mut Dice) {
    let ground = if dice.chance(0.6) {
        dice.between(0.0, 0.2)
    } else {
        dice.unit()
    };
    canvas.fill(gray(ground));
    let (w, h) = canvas.size();
    let clouds = Clouds::new(dice.between(3.0, 60.0), 5, 0.6, dice);
    let tilt = dice.between(-0.4, 0.4);
    let count = 1 + dice.below(4);
    for rod in 0..count {
        let x = w * ((rod as f32 + 0.5) / count as f32 + dice.between(-0.06, 0.06));
        let radius = w / count as f32 * dice.between(0.08, 0.4);
        let (top, low) = (h * dice.between(-0.1, 0.25), h * dice.between(0.7, 1.1));
        let skin = Skin::any(dice);
        let broken = dice.chance(0.4);
        let lean = tilt * h;
        let at = |y: f32| (x + lean * (y / h - 0.5), y);
        if broken {
            let middle = h * dice.between(0.35, 0.65);
            let gap = h * dice.between(0.0, 0.03);
            let push = radius * dice.between(-0.8, 0.8);
            tube(canvas, &[at(top), at(middle)], radius, &skin, &clouds);
            let (a, b) = (at(middle + gap), at(low));
            tube(
                canvas,
                &[(a.0 + push, a.1), (b.0 + 2.0 * push, b.1)],
                radius,
                &skin,
                &clouds,
            );
        } else {
            tube(canvas, &[at(top), at(low)], radius, &skin, &clouds);
        }
        if dice.chance(0.3) {
            let knob = radius * dice.between(1.0, 1.8);
            let middle = at(if dice.chance(0.5) { top } else { low });
            canvas.ellipse(middle, (knob, knob), 0.0, |far, angle, _| {
                skin.at(far * angle.cos(), 0.0)
            });
        }
    }
    if dice.chance(0.7) {
        finish(canvas, dice);
    }
}

/// A jagged dark line.
fn crack(canvas: &mut Canvas, dice: &mut Dice, a: Point, b: Point) {
    let steps = 4 + dice.below(14);
    let rough = (b.0 - a.0).hypot(b.1 - a.1) * dice.between(0.02, 0.12);
    let points: Vec<Point> = (0..=steps)
        .map(|i| {
            let t = i as f32 / steps as f32;
            (
                a.0 + t * (b.0 - a.0) + rough * dice.bell() * 0.5,
                a.1 + t * (b.1 - a.1) + rough * dice.bell() * 0.5,
            )
        })
        .collect();
    let pen = dice.between(1.0, 4.0);
    let color = mix(gray(0.02), gray(0.3), dice.unit());
    canvas.lines(&points, pen, color);
}

/// Cracked walls, stone, bark, dry ground.
pub fn cracks(canvas: &mut Canvas, dice: &mut Dice) {
    let base = if dice.chance(0.5) {
        gray(dice.between(0.3, 0.9))
    } else {
        any_color(dice)
    };
    let cell = dice.between(6.0, 120.0);
    let clouds = Clouds::new(cell, 6, dice.between(0.5, 0.85), dice);
    let rough = dice.between(0.05, 0.5);
    let slant = dice.between(0.1, 1.0);
    canvas.each(|x, y, _| times(base, 1.0 + rough * clouds.at(x, y * slant)));
    let (w, h) = canvas.size();
    for _ in 0..dice.below(9) {
        let a = (dice.unit() * w, dice.unit() * h);
        let b = (dice.unit() * w, dice.unit() * h);
        crack(canvas, dice, a, b);
    }
    finish(canvas, dice);
}
