//! Frames with nothing on them, and patterns.

use super::canvas::{Canvas, Clouds, any_color, gray, mix};
use crate::dice::Dice;

/// One level, perhaps with a grain that hardly shows, or with a bright or dark edge.
pub fn blank(canvas: &mut Canvas, dice: &mut Dice) {
    let color = match dice.below(4) {
        0 => gray(0.0),
        1 => gray(1.0),
        2 => gray(dice.unit()),
        _ => any_color(dice),
    };
    canvas.fill(color);
    if dice.chance(0.4) {
        let deviation = dice.between(0.002, 0.02);
        canvas.grain(deviation, dice.chance(0.3), dice);
    }
    if dice.chance(0.2) {
        let (w, h) = canvas.size();
        let edge = dice.between(0.01, 0.1) * canvas.long();
        let inner = gray(dice.unit());
        canvas.rect((edge, edge, w - edge, h - edge), inner);
    }
}

/// Noise of any distribution and grain, perhaps on a gradient.
pub fn noise(canvas: &mut Canvas, dice: &mut Dice) {
    let colored = dice.chance(0.4);
    let strength = dice.between(0.04, 0.5);
    let base = dice.between(0.1, 0.9);
    match dice.below(4) {
        0 => canvas.each(|_, _, _| {
            let v = dice.unit();
            if colored {
                [v, dice.unit(), dice.unit()]
            } else {
                gray(v)
            }
        }),
        1 => {
            canvas.fill(gray(base));
            canvas.grain(strength, colored, dice);
        }
        2 => {
            let share = dice.between(0.02, 0.5);
            canvas.fill(gray(base));
            canvas.each(|_, _, old| {
                if dice.chance(share) {
                    gray(f32::from(u8::from(dice.chance(0.5))))
                } else {
                    old
                }
            });
        }
        _ => {
            let cell = dice.between(1.5, 40.0);
            let octaves = 1 + dice.below(6);
            let clouds = Clouds::new(cell, octaves, dice.between(0.4, 1.0), dice);
            canvas.each(|x, y, _| gray(base + strength * clouds.at(x, y)));
        }
    }
    if dice.chance(0.3) {
        canvas.blur(dice.between(0.6, 4.0));
    }
    if dice.chance(0.3) {
        gradient_on(canvas, dice);
    }
}

fn gradient_on(canvas: &mut Canvas, dice: &mut Dice) {
    let (w, h) = canvas.size();
    let (dx, dy) = (dice.between(-0.5, 0.5), dice.between(-0.5, 0.5));
    canvas.each(|x, y, old| {
        let add = dx * (x / w - 0.5) + dy * (y / h - 0.5);
        old.map(|v| v + add)
    });
}

/// From one colour to another: straight, round or by a cone.
pub fn gradient(canvas: &mut Canvas, dice: &mut Dice) {
    let (w, h) = canvas.size();
    let (a, b) = if dice.chance(0.5) {
        (any_color(dice), any_color(dice))
    } else {
        (gray(dice.unit()), gray(dice.unit()))
    };
    let turn = dice.between(0.0, std::f32::consts::TAU);
    let middle = (dice.unit() * w, dice.unit() * h);
    let power = dice.between(0.5, 2.5);
    let kind = dice.below(3);
    let steps = if dice.chance(0.2) {
        4.0 + dice.below(12) as f32
    } else {
        0.0
    };
    let reach = w.hypot(h);
    canvas.each(|x, y, _| {
        let (dx, dy) = (x - middle.0, y - middle.1);
        let t = match kind {
            0 => 0.5 + (dx * turn.cos() + dy * turn.sin()) / reach,
            1 => dx.hypot(dy) / reach * 1.4,
            _ => (dy.atan2(dx) + turn).sin() * 0.5 + 0.5,
        };
        let t = t.clamp(0.0, 1.0).powf(power);
        let t = if steps > 0.0 {
            (t * steps).floor() / steps
        } else {
            t
        };
        mix(a, b, t)
    });
    if dice.chance(0.3) {
        canvas.grain(dice.between(0.002, 0.03), false, dice);
    }
}

/// Stripes, checks, bricks, dots, codes.
pub fn pattern(canvas: &mut Canvas, dice: &mut Dice) {
    let long = canvas.long();
    let cell = dice.between(0.01, 0.15) * long;
    let (a, b) = if dice.chance(0.5) {
        (gray(dice.unit()), gray(dice.unit()))
    } else {
        (any_color(dice), any_color(dice))
    };
    let turn: f32 = if dice.chance(0.4) {
        dice.between(0.0, 3.1)
    } else {
        0.0
    };
    let (sin, cos) = turn.sin_cos();
    let kind = dice.below(6);
    let seed = dice.between(1.0, 90.0);
    let soft = dice.chance(0.3);
    let clouds = Clouds::new(dice.between(4.0, 60.0), 4, 0.6, dice);
    let rough = if dice.chance(0.4) {
        dice.between(0.02, 0.25)
    } else {
        0.0
    };
    canvas.each(|x, y, _| {
        let (u, v) = ((x * cos + y * sin) / cell, (y * cos - x * sin) / cell);
        let t = match kind {
            0 => (u * std::f32::consts::PI).sin() * 0.5 + 0.5,
            1 => f32::from((u.floor() as i64 + v.floor() as i64) % 2 == 0),
            2 => {
                // Bricks.
                let row = v.floor();
                let shifted = u / 2.0 + 0.5 * (row as i64 % 2) as f32;
                f32::from(u8::from(
                    shifted - shifted.floor() > 0.06 && v - v.floor() > 0.12,
                ))
            }
            3 => {
                let (du, dv) = (u - u.floor() - 0.5, v - v.floor() - 0.5);
                f32::from(u8::from(du.hypot(dv) < 0.35))
            }
            4 => {
                // A code: each cell black or white.
                let hash = ((u.floor() * 12.9 + v.floor() * 78.2 + seed).sin() * 43758.5).fract();
                f32::from(u8::from(hash.abs() > 0.5))
            }
            _ => {
                let hash = ((u.floor() * 12.9 + seed).sin() * 43758.5).fract();
                f32::from(u8::from(hash.abs() > 0.5))
            }
        };
        let t = if soft || kind == 0 { t } else { t.round() };
        mix(a, b, (t + rough * clouds.at(x, y)).clamp(0.0, 1.0))
    });
    if soft {
        canvas.blur(cell * 0.15);
    }
    if dice.chance(0.3) {
        gradient_on(canvas, dice);
    }
}
