//! What is made to be read: drawings, text, charts, screens.

use super::canvas::{Canvas, Clouds, Color, any_color, gray, mix};
use super::photo;
use crate::dice::Dice;

/// Paper and ink.
fn paper(dice: &mut Dice) -> (Color, Color) {
    match dice.below(6) {
        0..=2 => (gray(1.0), gray(dice.between(0.0, 0.25))),
        3 => ([0.98, 0.95, 0.86], gray(0.1)),
        4 => (gray(dice.between(0.02, 0.15)), gray(dice.between(0.7, 1.0))),
        _ => (any_color(dice), any_color(dice)),
    }
}

/// What a camera or scanner makes of a page: uneven light, a little blur.
fn scanned(canvas: &mut Canvas, dice: &mut Dice) {
    if !dice.chance(0.35) {
        return;
    }
    let (w, h) = canvas.size();
    let (dx, dy) = (dice.between(-0.3, 0.3), dice.between(-0.3, 0.3));
    canvas.each(|x, y, old| {
        let lit = 0.85 + dx * (x / w - 0.5) + dy * (y / h - 0.5);
        old.map(|v| v * lit)
    });
    canvas.blur(dice.between(0.0, 1.8));
    canvas.grain(dice.between(0.0, 0.03), false, dice);
}

/// A run of letter-like strokes; gives where it ended.
fn word(
    canvas: &mut Canvas,
    dice: &mut Dice,
    (mut x, y): (f32, f32),
    size: f32,
    pen: f32,
    ink: Color,
) -> f32 {
    for _ in 0..=dice.below(9) {
        let wide = size * dice.between(0.35, 0.6);
        let tall = if dice.chance(0.3) { size } else { size * 0.65 };
        let at = |u: f32, v: f32| (x + u * wide * 0.8, y - v * tall);
        match dice.below(6) {
            0 => canvas.line(at(0.0, 0.0), at(0.0, 1.0), pen, ink),
            1 => {
                canvas.line(at(0.0, 0.0), at(0.0, 1.0), pen, ink);
                canvas.line(at(0.0, 1.0), at(1.0, 0.8), pen, ink);
                canvas.line(at(1.0, 0.8), at(1.0, 0.0), pen, ink);
            }
            2 => {
                canvas.line(at(0.0, 0.2), at(0.5, 0.0), pen, ink);
                canvas.line(at(0.5, 0.0), at(1.0, 0.4), pen, ink);
                canvas.line(at(1.0, 0.4), at(0.5, 1.0), pen, ink);
                canvas.line(at(0.5, 1.0), at(0.0, 0.2), pen, ink);
            }
            3 => {
                canvas.line(at(0.0, 0.0), at(0.5, 1.0), pen, ink);
                canvas.line(at(0.5, 1.0), at(1.0, 0.0), pen, ink);
            }
            4 => {
                canvas.line(at(1.0, 1.0), at(0.0, 0.7), pen, ink);
                canvas.line(at(0.0, 0.7), at(1.0, 0.3), pen, ink);
                canvas.line(at(1.0, 0.3), at(0.0, 0.0), pen, ink);
            }
            _ => {
                canvas.line(at(0.0, 0.5), at(1.0, 0.5), pen, ink);
                canvas.line(at(0.5, 0.0), at(0.5, 1.0), pen, ink);
            }
        }
        x += wide;
    }
    x
}

/// Lines of words within a box.
pub fn paragraph(
    canvas: &mut Canvas,
    dice: &mut Dice,
    (l, t, r, b): (f32, f32, f32, f32),
    size: f32,
    ink: Color,
) {
    let pen = (size * dice.between(0.08, 0.16)).max(0.7);
    let gap = size * dice.between(1.3, 2.2);
    let mut y = t + size;
    while y < b {
        let end = if dice.chance(0.15) {
            l + (r - l) * dice.between(0.2, 0.9)
        } else {
            r
        };
        let mut x = l;
        while x < end - 3.0 * size {
            x = word(canvas, dice, (x, y), size, pen, ink) + 0.4 * size;
        }
        y += if dice.chance(0.1) { 1.8 * gap } else { gap };
    }
}

/// A page of text: columns, headings, perhaps a picture.
pub fn text(canvas: &mut Canvas, dice: &mut Dice) {
    let (ground, ink) = paper(dice);
    canvas.fill(ground);
    let (w, h) = canvas.size();
    let long = canvas.long();
    let size = long * dice.between(0.008, 0.05);
    let margin = long * dice.between(0.02, 0.12);
    let columns = 1 + dice.below(2);
    let mut top = margin;
    if dice.chance(0.5) {
        paragraph(
            canvas,
            dice,
            (margin, top, w - margin, top + 2.0 * size),
            2.0 * size,
            ink,
        );
        top += 5.0 * size;
    }
    let wide = (w - margin * (columns + 1) as f32) / columns as f32;
    for column in 0..columns {
        let left = margin + column as f32 * (wide + margin);
        let low = h
            - margin
            - if dice.chance(0.3) {
                h * dice.between(0.0, 0.5)
            } else {
                0.0
            };
        paragraph(canvas, dice, (left, top, left + wide, low), size, ink);
    }
    scanned(canvas, dice);
}

/// Joined strokes in lines, as of a pen.
pub fn handwriting(canvas: &mut Canvas, dice: &mut Dice) {
    let (ground, ink) = paper(dice);
    canvas.fill(ground);
    let (w, h) = canvas.size();
    let size = canvas.long() * dice.between(0.02, 0.12);
    let pen = (size * dice.between(0.06, 0.15)).max(1.0);
    if dice.chance(0.4) {
        let step = size * 1.5;
        let mut y = step;
        while y < h {
            canvas.line((0.0, y), (w, y), 1.0, mix(ground, ink, 0.3));
            y += step;
        }
    }
    let mut y = size * 1.6;
    while y < h - size {
        let (mut x, end) = (0.05 * w, w * dice.between(0.4, 0.97));
        let mut last = (x, y);
        while x < end {
            x += size * dice.between(0.12, 0.4);
            let next = (x, y - size * dice.between(-0.1, 0.75));
            if dice.chance(0.85) {
                canvas.line(last, next, pen, ink);
            }
            last = next;
        }
        y += size * dice.between(1.4, 2.2);
    }
    scanned(canvas, dice);
}

fn blob(dice: &mut Dice, middle: (f32, f32), r: f32, rough: f32) -> Vec<(f32, f32)> {
    let (a, b) = (
        dice.between(0.0, std::f32::consts::TAU),
        dice.between(0.0, std::f32::consts::TAU),
    );
    let slim = dice.between(0.4, 1.0);
    (0..=40)
        .map(|i| {
            let t = i as f32 / 40.0 * std::f32::consts::TAU;
            let far = r * (1.0 + rough * ((2.0 * t + a).sin() + 0.6 * (3.0 * t + b).sin()));
            (middle.0 + far * t.cos(), middle.1 + slim * far * t.sin())
        })
        .collect()
}

/// Outlines and flat colours, as of a comic, a sketch or clip art.
pub fn drawing(canvas: &mut Canvas, dice: &mut Dice) {
    let (ground, ink) = paper(dice);
    canvas.fill(ground);
    let (w, h) = canvas.size();
    let long = canvas.long();
    let pen = dice.between(1.0, 0.015 * long);
    let filled = dice.chance(0.6);
    for _ in 0..2 + dice.below(16) {
        let middle = (w * dice.between(0.1, 0.9), h * dice.between(0.1, 0.9));
        let r = long * dice.between(0.03, 0.3);
        let rough = dice.between(0.0, 0.25);
        let points = blob(dice, middle, r, rough);
        if filled && dice.chance(0.7) {
            let color = any_color(dice);
            canvas.polygon(&points, |_, _, _| color);
        }
        if dice.chance(0.8) {
            canvas.lines(&points, pen, ink);
        }
        if dice.chance(0.4) {
            // Hatching.
            let step = dice.between(3.0, 12.0);
            let mut x = -0.6 * r;
            while x < 0.6 * r {
                let a = (middle.0 + x, middle.1 - 0.3 * r);
                canvas.line(a, (a.0 + 0.3 * r, a.1 + 0.6 * r), 1.0, ink);
                x += step;
            }
        }
        if dice.chance(0.3) {
            let b = (dice.unit() * w, dice.unit() * h);
            canvas.line(middle, b, pen, ink);
        }
    }
    if dice.chance(0.2) {
        let area = (0.1 * w, 0.85 * h, 0.9 * w, 0.95 * h);
        paragraph(canvas, dice, area, 0.025 * long, ink);
    }
    scanned(canvas, dice);
}

/// Bones as a textbook draws them: outlines, flat fills, labels with lines to them.
pub fn bone_drawing(canvas: &mut Canvas, dice: &mut Dice) {
    let (ground, ink) = if dice.chance(0.25) {
        (gray(dice.between(0.0, 0.2)), gray(dice.between(0.7, 1.0)))
    } else {
        paper(dice)
    };
    canvas.fill(ground);
    let (w, h) = canvas.size();
    let long = canvas.long();
    let pen = dice.between(1.0, 0.012 * long);
    let fill = match dice.below(3) {
        0 => None,
        1 => Some(mix(ground, ink, dice.between(0.1, 0.9))),
        _ => Some([0.93, 0.88, 0.75]),
    };
    for _ in 0..=dice.below(3) {
        let x = w * dice.between(0.2, 0.8);
        let (top, low) = (h * dice.between(0.02, 0.3), h * dice.between(0.6, 0.98));
        let (half, lean) = (long * dice.between(0.02, 0.07), w * dice.between(-0.2, 0.2));
        let knob = dice.between(1.3, 2.2);
        let side = |sign: f32| -> Vec<(f32, f32)> {
            (0..=30)
                .map(|i| {
                    let t = i as f32 / 30.0;
                    let end = (2.0 * t - 1.0).abs().powi(6);
                    let wide = half
                        * (1.0 + (knob - 1.0) * end)
                        * (1.0 - 0.9 * (2.0 * t - 1.0).abs().powi(30));
                    (x + lean * (t - 0.5) + sign * wide, top + t * (low - top))
                })
                .collect()
        };
        let mut outline = side(-1.0);
        outline.extend(side(1.0).into_iter().rev());
        outline.push(outline[0]);
        if let Some(fill) = fill {
            canvas.polygon(&outline, |_, _, _| fill);
        }
        canvas.lines(&outline, pen, ink);
        if dice.chance(0.5) {
            let y = top + (low - top) * dice.between(0.3, 0.7);
            let zigzag: Vec<_> = (0..8)
                .map(|i| {
                    (
                        x - half + 2.0 * half * i as f32 / 7.0,
                        y + half * 0.5 * dice.sign(),
                    )
                })
                .collect();
            canvas.lines(&zigzag, pen, ink);
        }
        if dice.chance(0.5) {
            let y = dice.between(top, low);
            let end = (x + 0.3 * w * dice.sign(), y);
            canvas.line((x, y), end, 1.0, ink);
            word(canvas, dice, end, 0.03 * long, 1.2, ink);
        }
    }
    scanned(canvas, dice);
}

/// Axes with bars, lines, points or a pie.
pub fn chart(canvas: &mut Canvas, dice: &mut Dice) {
    let (ground, ink) = paper(dice);
    canvas.fill(ground);
    let (w, h) = canvas.size();
    let long = canvas.long();
    let (l, t, r, b) = (0.12 * w, 0.1 * h, 0.95 * w, 0.86 * h);
    if dice.chance(0.5) {
        for i in 0..=6 {
            let y = t + (b - t) * i as f32 / 6.0;
            canvas.line((l, y), (r, y), 1.0, mix(ground, ink, 0.2));
        }
    }
    canvas.lines(&[(l, t), (l, b), (r, b)], 1.5, ink);
    let colors = photo::palette(dice);
    match dice.below(4) {
        0 => {
            let bars = 3 + dice.below(20);
            let wide = (r - l) / bars as f32;
            for i in 0..bars {
                let x = l + wide * i as f32;
                let color = *dice.pick(&colors);
                let high = dice.unit() * (b - t);
                canvas.rect((x + 0.1 * wide, b - high, x + 0.9 * wide, b), color);
            }
        }
        1 => {
            for &color in &colors[..=dice.below(5)] {
                let clouds = Clouds::new(dice.between(0.05, 0.4) * w, 4, 0.5, dice);
                let points: Vec<_> = (0..=80)
                    .map(|i| {
                        let x = l + (r - l) * i as f32 / 80.0;
                        (
                            x,
                            (f32::midpoint(t, b) + 0.3 * (b - t) * clouds.at(x, 0.0)).clamp(t, b),
                        )
                    })
                    .collect();
                canvas.lines(&points, dice.between(1.0, 3.0), color);
            }
        }
        2 => {
            for _ in 0..20 + dice.below(300) {
                let at = (dice.between(l, r), dice.between(t, b));
                let color = *dice.pick(&colors);
                canvas.ellipse(at, (0.007 * long, 0.007 * long), 0.0, |_, _, _| color);
            }
        }
        _ => {
            let parts = 2 + dice.below(5);
            let radius = 0.4 * (b - t).min(r - l);
            canvas.ellipse(
                (f32::midpoint(l, r), f32::midpoint(t, b)),
                (radius, radius),
                0.0,
                |_, angle, _| {
                    let turn = (angle / std::f32::consts::TAU + 0.5) * parts as f32;
                    colors[(turn as usize).min(parts - 1)]
                },
            );
        }
    }
    for i in 0..6 {
        let x = l + (r - l) * i as f32 / 6.0;
        word(canvas, dice, (x, b + 0.04 * long), 0.02 * long, 1.0, ink);
        word(
            canvas,
            dice,
            (0.02 * w, t + (b - t) * i as f32 / 6.0),
            0.02 * long,
            1.0,
            ink,
        );
    }
    scanned(canvas, dice);
}

/// A window or a phone's screen: bars, buttons, text, icons, perhaps a photograph in it.
pub fn screenshot(canvas: &mut Canvas, dice: &mut Dice) {
    let dark = dice.chance(0.4);
    let (ground, ink) = if dark {
        (gray(dice.between(0.05, 0.2)), gray(dice.between(0.7, 0.95)))
    } else {
        (gray(dice.between(0.88, 1.0)), gray(dice.between(0.05, 0.3)))
    };
    canvas.fill(ground);
    let (w, h) = canvas.size();
    let long = canvas.long();
    let accent = any_color(dice);
    let bar = long * dice.between(0.02, 0.07);
    let size = long * dice.between(0.008, 0.025);
    if dice.chance(0.4) {
        let mut inside = Canvas::new(canvas.width, canvas.height);
        match dice.below(3) {
            0 => photo::leaves(&mut inside, dice),
            1 => photo::landscape(&mut inside, dice),
            _ => chart(&mut inside, dice),
        }
        let area = (
            w * dice.between(0.1, 0.5),
            h * dice.between(0.1, 0.5),
            w * dice.between(0.6, 1.0),
            h * dice.between(0.6, 1.0),
        );
        let width = inside.width;
        canvas.part(area, |x, y, _| {
            inside.pixels[y as usize * width + x as usize]
        });
    }
    canvas.rect((0.0, 0.0, w, bar), mix(ground, accent, 0.6));
    let side = if dice.chance(0.6) {
        w * dice.between(0.12, 0.3)
    } else {
        0.0
    };
    canvas.rect((0.0, bar, side, h), mix(ground, ink, 0.1));
    paragraph(
        canvas,
        dice,
        (0.1 * side, 1.6 * bar, 0.9 * side, h),
        size,
        ink,
    );
    for _ in 0..dice.below(14) {
        let (x, y) = (dice.between(side, w), dice.between(bar, h));
        let (bw, bh) = (
            long * dice.between(0.03, 0.2),
            long * dice.between(0.02, 0.08),
        );
        let color = if dice.chance(0.5) {
            accent
        } else {
            mix(ground, ink, 0.2)
        };
        canvas.rect((x, y, x + bw, y + bh), color);
        word(canvas, dice, (x + 2.0, y + 0.7 * bh), size, 1.0, ink);
    }
    if dice.chance(0.8) {
        let area = (
            side + 0.03 * w,
            dice.between(1.5 * bar, 0.6 * h),
            w * dice.between(0.6, 0.98),
            h,
        );
        paragraph(canvas, dice, area, size, ink);
    }
}
