//! Like photographs: things that hide each other, light from one side, fine structure at every scale.

use super::canvas::{Canvas, Clouds, Color, any_color, gray, mix, times};
use crate::dice::Dice;

/// Colours that go together: around one, with some spread.
pub fn palette(dice: &mut Dice) -> Vec<Color> {
    let base = any_color(dice);
    let spread = dice.between(0.05, 0.6);
    (0..6)
        .map(|_| {
            let light = dice.between(0.2, 1.5);
            base.map(|v| ((v + spread * dice.between(-0.5, 0.5)) * light).clamp(0.0, 1.0))
        })
        .collect()
}

/// Things of all sizes one over the other ("dead leaves"), the sizes falling off with the cube: the statistics of photographs.
pub fn leaves(canvas: &mut Canvas, dice: &mut Dice) {
    let colors = palette(dice);
    canvas.fill(colors[0]);
    let long = canvas.long();
    let smallest = dice.between(0.01, 0.06);
    let texture = dice.between(0.0, 0.35);
    let cell = dice.between(2.0, 30.0);
    let clouds = Clouds::new(cell, 5, dice.between(0.5, 0.9), dice);
    let shade = dice.between(0.0, 0.6);
    let count = 40 + dice.below(500);
    let shapes = dice.below(4);
    for _ in 0..count {
        let r = long * (smallest / (1.0 - 0.97 * dice.unit()).sqrt()).min(0.5);
        leaf(
            canvas,
            dice,
            (r, shapes),
            (&colors, &clouds),
            (texture, shade),
        );
    }
    finish(canvas, dice);
}

fn leaf(
    canvas: &mut Canvas,
    dice: &mut Dice,
    (r, shapes): (f32, usize),
    (colors, clouds): (&[Color], &Clouds),
    (texture, shade): (f32, f32),
) {
    let (w, h) = canvas.size();
    let middle = (dice.unit() * w, dice.unit() * h);
    let color = *dice.pick(colors);
    let light = dice.between(0.0, std::f32::consts::TAU);
    let shift = dice.between(0.0, 500.0);
    let paint = |x: f32, y: f32, _: Color| {
        let (dx, dy) = ((x - middle.0) / r, (y - middle.1) / r);
        let lit = 1.0 + shade * (dx * light.cos() + dy * light.sin());
        let rough = 1.0 + texture * clouds.at(x + shift, y + shift);
        times(color, lit * rough)
    };
    let turn = dice.between(0.0, std::f32::consts::TAU);
    let slim = dice.between(0.2, 1.0);
    match if shapes == 3 { dice.below(3) } else { shapes } {
        0 => {
            let (sin, cos) = turn.sin_cos();
            canvas.ellipse(middle, (r, r * slim), turn, |far, angle, old| {
                let (u, v) = (far * angle.cos() * r, far * angle.sin() * r * slim);
                paint(
                    middle.0 + u * cos - v * sin,
                    middle.1 + u * sin + v * cos,
                    old,
                )
            });
        }
        1 => {
            let corner = |su: f32, sv: f32| {
                let (u, v) = (su * r, sv * r * slim);
                (
                    middle.0 + u * turn.cos() - v * turn.sin(),
                    middle.1 + u * turn.sin() + v * turn.cos(),
                )
            };
            let points = [
                corner(-1.0, -1.0),
                corner(1.0, -1.0),
                corner(1.0, 1.0),
                corner(-1.0, 1.0),
            ];
            canvas.polygon(&points, paint);
        }
        _ => {
            let corners = 3 + dice.below(6);
            let points: Vec<_> = (0..corners)
                .map(|i| {
                    let angle = turn + i as f32 * std::f32::consts::TAU / corners as f32;
                    let far = r * dice.between(0.4, 1.1);
                    (middle.0 + far * angle.cos(), middle.1 + far * angle.sin())
                })
                .collect();
            canvas.polygon(&points, paint);
        }
    }
}

/// What a camera adds: blur, light that falls off, grain.
pub fn finish(canvas: &mut Canvas, dice: &mut Dice) {
    if dice.chance(0.4) {
        canvas.blur(dice.between(0.6, 2.5));
    }
    if dice.chance(0.4) {
        let (w, h) = canvas.size();
        let fall = dice.between(0.2, 1.0);
        let middle = (w * dice.between(0.3, 0.7), h * dice.between(0.3, 0.7));
        let reach = w.hypot(h) / 2.0;
        canvas.each(|x, y, old| {
            let far = (x - middle.0).hypot(y - middle.1) / reach;
            times(old, 1.0 - fall * 0.6 * far * far)
        });
    }
    if dice.chance(0.6) {
        canvas.grain(dice.between(0.003, 0.05), dice.chance(0.5), dice);
    }
}

/// Sky, hills behind hills, ground, perhaps water or trees.
pub fn landscape(canvas: &mut Canvas, dice: &mut Dice) {
    let (w, h) = canvas.size();
    let (top, low) = (any_color(dice), any_color(dice));
    let sky = Clouds::new(dice.between(20.0, 160.0), 6, dice.between(0.45, 0.7), dice);
    let cloudy = dice.between(0.0, 0.5);
    canvas.each(|x, y, _| {
        let base = mix(times(top, 0.8), mix(low, gray(0.9), 0.4), y / h);
        mix(
            base,
            gray(0.95),
            (cloudy * sky.at(x, 2.0 * y)).clamp(0.0, 1.0),
        )
    });
    let hills = 1 + dice.below(5);
    let colors = palette(dice);
    for hill in 0..hills {
        let base = h * (0.35 + 0.6 * hill as f32 / hills as f32);
        let ridge = Clouds::new(w * dice.between(0.1, 0.6), 6, dice.between(0.35, 0.6), dice);
        let high = h * dice.between(0.04, 0.25);
        let cell = dice.between(2.0, 25.0);
        let texture = Clouds::new(cell, 5, dice.between(0.5, 0.9), dice);
        let rough = dice.between(0.05, 0.7);
        let color = *dice.pick(&colors);
        let haze = 0.5 * (1.0 - hill as f32 / hills as f32);
        canvas.each(|x, y, old| {
            let edge = base - high * ridge.at(x, hill as f32 * 31.0);
            if y < edge {
                return old;
            }
            let lit = 1.0 + rough * texture.at(x, y * 1.5) - 0.3 * (y - edge) / h;
            mix(times(color, lit), gray(0.75), haze)
        });
    }
    finish(canvas, dice);
}

/// A few shaded bodies before a wall or on a table, with shadows.
pub fn things(canvas: &mut Canvas, dice: &mut Dice) {
    let (w, h) = canvas.size();
    let colors = palette(dice);
    let plain = dice.chance(0.5);
    let wall = if plain {
        gray(dice.unit() * dice.unit())
    } else {
        colors[0]
    };
    let cell = dice.between(3.0, 60.0);
    let texture = Clouds::new(cell, 5, 0.6, dice);
    let rough = if plain { 0.02 } else { dice.between(0.0, 0.4) };
    canvas.each(|x, y, _| times(wall, 1.0 + rough * texture.at(x, y) - 0.2 * y / h));
    if dice.chance(0.4) {
        let edge = h * dice.between(0.5, 0.8);
        let table = colors[1];
        canvas.rect((0.0, edge, w, h), table);
    }
    let light = dice.between(3.5, 5.8);
    for _ in 0..=dice.below(7) {
        let r = canvas.long() * dice.between(0.06, 0.35);
        let middle = (dice.unit() * w, h * dice.between(0.2, 0.95));
        let color = *dice.pick(&colors);
        let slim = dice.between(0.3, 1.0);
        let turn = dice.between(0.0, std::f32::consts::PI);
        if dice.chance(0.6) {
            let under = (middle.0 + 0.2 * r, middle.1 + 0.5 * r);
            canvas.ellipse(under, (r, 0.5 * r), 0.0, |far, _, old| {
                times(old, 1.0 - 0.5 * (1.0 - far))
            });
        }
        let shine = dice.between(0.0, 0.9);
        let sharp = dice.between(4.0, 40.0);
        let rough = dice.between(0.0, 0.3);
        canvas.ellipse(middle, (r, r * slim), turn, |far, angle, _| {
            let across = far * (angle + turn - light).cos();
            let up = (1.0 - far * far).max(0.0).sqrt();
            let lit = (0.55 * up + 0.6 * across + 0.25).max(0.04);
            let glint = shine * (0.7 * up + 0.7 * across).max(0.0).powf(sharp);
            let skin =
                1.0 + rough * texture.at(far * angle.cos() * r * 2.0, far * angle.sin() * r * 2.0);
            times(color, lit * skin).map(|v| v + glint)
        });
    }
    finish(canvas, dice);
}

/// A photograph out of focus, or with little in it: clouds, fog, cloth, water.
pub fn blurred(canvas: &mut Canvas, dice: &mut Dice) {
    match dice.below(3) {
        0 => {
            leaves(canvas, dice);
            canvas.blur(dice.between(3.0, 14.0));
        }
        1 => {
            let (a, b) = (any_color(dice), any_color(dice));
            let cell = dice.between(30.0, 250.0);
            let clouds = Clouds::new(cell, 6, dice.between(0.35, 0.65), dice);
            let slant = dice.between(0.3, 3.0);
            canvas.each(|x, y, _| mix(a, b, (0.5 + 0.6 * clouds.at(x, y * slant)).clamp(0.0, 1.0)));
        }
        _ => {
            // Folds of cloth: waves of which each bends the next.
            let (a, b) = (times(any_color(dice), 0.3), any_color(dice));
            let clouds = Clouds::new(dice.between(60.0, 240.0), 3, 0.5, dice);
            let cell = dice.between(15.0, 70.0);
            canvas.each(|x, y, _| {
                let t = ((x + 3.0 * cell * clouds.at(x, y)) / cell).sin() * 0.5 + 0.5;
                mix(a, b, t)
            });
        }
    }
    if dice.chance(0.6) {
        canvas.grain(dice.between(0.003, 0.04), dice.chance(0.5), dice);
    }
}
