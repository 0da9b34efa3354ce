//! Slices of a body: what CT, MR and ultrasound show.

use super::canvas::{Canvas, Clouds, gray, mix};
use super::page;
use crate::dice::Dice;

/// Ground, soft tissue, fat, bone and air as gray levels, for one of the windows that slices are looked at in.
struct Window {
    air: f32,
    fat: f32,
    soft: f32,
    bone: f32,
    noise: f32,
}

impl Window {
    fn any(dice: &mut Dice) -> Self {
        match dice.below(4) {
            // Bone.
            0 => Self {
                air: 0.0,
                fat: dice.between(0.15, 0.3),
                soft: dice.between(0.22, 0.4),
                bone: dice.between(0.75, 1.0),
                noise: dice.between(0.005, 0.03),
            },
            // Lung.
            1 => Self {
                air: dice.between(0.05, 0.25),
                fat: dice.between(0.75, 0.9),
                soft: dice.between(0.85, 1.0),
                bone: 1.0,
                noise: dice.between(0.005, 0.04),
            },
            // Soft tissue.
            _ => Self {
                air: 0.0,
                fat: dice.between(0.1, 0.35),
                soft: dice.between(0.4, 0.7),
                bone: dice.between(0.9, 1.0),
                noise: dice.between(0.01, 0.07),
            },
        }
    }
}

/// What is written around a slice, and the arrow that shows what is meant.
fn around(canvas: &mut Canvas, dice: &mut Dice) {
    let (w, h) = canvas.size();
    let size = 0.025 * canvas.long();
    if dice.chance(0.35) {
        for corner in 0..=dice.below(4) {
            let (x, y) = (
                if corner % 2 == 0 { 0.02 * w } else { 0.75 * w },
                if corner < 2 { 0.02 * h } else { 0.85 * h },
            );
            page::paragraph(
                canvas,
                dice,
                (x, y, x + 0.22 * w, y + 0.12 * h),
                size,
                gray(0.9),
            );
        }
    }
    if dice.chance(0.3) {
        let color = match dice.below(4) {
            0 => gray(1.0),
            1 => [0.95, 0.9, 0.1],
            _ => [0.9, 0.1, 0.1],
        };
        let tip = (w * dice.between(0.3, 0.7), h * dice.between(0.3, 0.7));
        let turn = dice.between(0.0, std::f32::consts::TAU);
        let length = canvas.long() * dice.between(0.08, 0.25);
        let pen = canvas.long() * dice.between(0.006, 0.02);
        let at = |angle: f32, far: f32| (tip.0 + far * angle.cos(), tip.1 + far * angle.sin());
        canvas.line(tip, at(turn, length), pen, color);
        canvas.line(tip, at(turn + 0.5, 0.35 * length), pen, color);
        canvas.line(tip, at(turn - 0.5, 0.35 * length), pen, color);
    }
}

/// Grain and the reconstruction's blur, and what lies outside the round field.
fn finish(canvas: &mut Canvas, dice: &mut Dice, window: &Window) {
    canvas.blur(dice.between(0.4, 1.6));
    canvas.grain(window.noise, false, dice);
    canvas.blur(dice.between(0.0, 0.9));
    if dice.chance(0.3) {
        let (w, h) = canvas.size();
        let r = w.min(h) / 2.0;
        let outside = gray(if dice.chance(0.7) {
            0.0
        } else {
            dice.unit() * 0.3
        });
        canvas.each(|x, y, old| {
            if (x - w / 2.0).hypot(y - h / 2.0) > r {
                outside
            } else {
                old
            }
        });
    }
    around(canvas, dice);
}

fn table(canvas: &mut Canvas, dice: &mut Dice, low: f32) {
    let (w, h) = canvas.size();
    let bend = dice.between(0.3, 1.5);
    let level = dice.between(0.15, 0.6);
    let pen = 0.006 * canvas.long();
    for layer in 0..=dice.below(2) {
        let points: Vec<_> = (0..=24)
            .map(|i| {
                let t = i as f32 / 12.0 - 1.0;
                (
                    w * (0.5 + 0.42 * t),
                    low + 0.03 * h * layer as f32 - bend * 0.08 * h * t * t,
                )
            })
            .collect();
        canvas.lines(&points, pen, gray(level));
    }
}

fn start(canvas: &mut Canvas, window: &Window) {
    canvas.fill(gray(window.air));
}

/// Chest or belly: a ring of skin and fat, muscle, lungs or organs, spine, ribs, the table below.
#[allow(
    clippy::too_many_lines,
    reason = "one organ after the other, each a few lines"
)]
pub fn trunk(canvas: &mut Canvas, dice: &mut Dice) {
    let window = Window::any(dice);
    start(canvas, &window);
    let (w, h) = canvas.size();
    let (rx, ry) = (w * dice.between(0.36, 0.49), h * dice.between(0.3, 0.45));
    let middle = (w * dice.between(0.46, 0.54), h * dice.between(0.44, 0.52));
    let clouds = Clouds::new(dice.between(0.02, 0.08) * canvas.long(), 4, 0.6, dice);
    let fat = dice.between(0.05, 0.2);
    canvas.ellipse(middle, (rx, ry), 0.0, |far, _, _| {
        gray(if far > 0.985 {
            window.soft
        } else if far > 1.0 - fat {
            window.fat
        } else {
            window.soft
        })
    });
    let inner = 1.0 - fat - 0.08;
    let chest = dice.chance(0.5);
    if chest {
        for side in [-1.0, 1.0] {
            let at = (middle.0 + side * 0.42 * rx, middle.1 - 0.02 * ry);
            let size = (rx * dice.between(0.28, 0.38), ry * dice.between(0.55, 0.75));
            canvas.ellipse(at, size, side * 0.15, |far, _, _| {
                gray(if far > 0.97 {
                    window.soft
                } else {
                    window.air + 0.05
                })
            });
            for _ in 0..10 + dice.below(40) {
                let (angle, far) = (
                    dice.between(0.0, std::f32::consts::TAU),
                    dice.unit().sqrt() * 0.85,
                );
                let spot = (
                    at.0 + size.0 * far * angle.cos(),
                    at.1 + size.1 * far * angle.sin(),
                );
                let r = canvas.long() * dice.between(0.002, 0.012);
                canvas.ellipse(spot, (r, r * dice.between(0.4, 1.0)), angle, |_, _, _| {
                    gray(window.soft * 0.8)
                });
            }
        }
        let heart = (middle.0 - 0.1 * rx * dice.sign(), middle.1 - 0.15 * ry);
        canvas.ellipse(heart, (0.32 * rx, 0.4 * ry), 0.4, |_, _, _| {
            gray(window.soft * 1.05)
        });
    } else {
        for _ in 0..4 + dice.below(14) {
            let (angle, far) = (
                dice.between(0.0, std::f32::consts::TAU),
                dice.unit().sqrt() * 0.65,
            );
            let spot = (
                middle.0 + rx * far * angle.cos(),
                middle.1 + ry * far * angle.sin(),
            );
            let size = (rx * dice.between(0.05, 0.4), ry * dice.between(0.05, 0.35));
            let level = match dice.below(5) {
                0 => window.fat,
                1 => window.air + 0.05,
                _ => window.soft * dice.between(0.85, 1.25),
            };
            canvas.ellipse(spot, size, angle, |far, _, old| {
                mix(old, gray(level), (8.0 * (1.0 - far)).min(1.0))
            });
        }
    }
    // Spine: body, arch, and the dark canal between.
    let spine = (middle.0, middle.1 + inner * 0.6 * ry);
    let r = rx * dice.between(0.09, 0.16);
    canvas.ellipse(spine, (r * 1.15, r), 0.0, |far, _, _| {
        gray(if far > 0.85 {
            window.bone
        } else {
            window.bone * 0.75
        })
    });
    let canal = (spine.0, spine.1 + 1.35 * r);
    canvas.ellipse(canal, (0.65 * r, 0.6 * r), 0.0, |far, _, _| {
        gray(if far > 0.6 {
            window.bone
        } else {
            window.soft * 0.9
        })
    });
    canvas.line(
        (spine.0, canal.1 + 0.5 * r),
        (spine.0, canal.1 + 1.5 * r),
        0.3 * r,
        gray(window.bone),
    );
    for side in [-1.0, 1.0] {
        canvas.line(
            (spine.0 + side * 0.6 * r, canal.1),
            (spine.0 + side * 1.8 * r, canal.1 + 0.3 * r),
            0.3 * r,
            gray(window.bone),
        );
    }
    if chest || dice.chance(0.4) {
        for rib in 0..6 + dice.below(8) {
            let angle = rib as f32 * 0.6 + dice.between(-0.2, 0.2);
            let at = (
                middle.0 + inner * rx * angle.cos(),
                middle.1 + inner * ry * angle.sin(),
            );
            let size = (
                canvas.long() * dice.between(0.012, 0.05),
                canvas.long() * dice.between(0.006, 0.014),
            );
            canvas.ellipse(at, size, angle + 1.57, |far, _, _| {
                gray(if far > 0.6 {
                    window.bone
                } else {
                    window.bone * 0.7
                })
            });
        }
    }
    if dice.chance(0.6) {
        let low = middle.1 + ry + h * dice.between(0.01, 0.04);
        table(canvas, dice, low);
    }
    let rough = dice.between(0.0, 0.08);
    canvas.each(|x, y, old| {
        old.map(|v| {
            if v > 0.1 {
                v * (1.0 + rough * clouds.at(x, y))
            } else {
                v
            }
        })
    });
    finish(canvas, dice, &window);
}

/// A head: the ring of the skull, brain with its folds (CT or MR), or the base with its cavities.
pub fn head(canvas: &mut Canvas, dice: &mut Dice) {
    let window = Window::any(dice);
    let magnetic = dice.chance(0.35);
    start(
        canvas,
        &Window {
            air: if magnetic { 0.0 } else { window.air },
            ..window
        },
    );
    let (w, h) = canvas.size();
    let (rx, ry) = (w * dice.between(0.3, 0.46), h * dice.between(0.34, 0.47));
    let middle = (w * dice.between(0.46, 0.54), h * dice.between(0.46, 0.54));
    let turn = dice.between(-0.2, 0.2);
    let folds = Clouds::new(canvas.long() * dice.between(0.03, 0.08), 3, 0.6, dice);
    let wall = dice.between(0.04, 0.1);
    let skull = if magnetic { 0.03 } else { window.bone };
    let scalp = if magnetic {
        dice.between(0.6, 1.0)
    } else {
        window.soft * 0.8
    };
    let brain = if magnetic {
        dice.between(0.35, 0.6)
    } else {
        window.soft
    };
    let fold = if magnetic {
        dice.between(0.2, 0.6)
    } else {
        dice.between(0.02, 0.15)
    };
    canvas.ellipse(middle, (rx, ry), turn, |far, angle, _| {
        if far > 0.96 {
            return gray(scalp);
        }
        if far > 0.96 - wall {
            return gray(skull);
        }
        let (u, v) = (far * angle.cos() * rx, far * angle.sin() * ry);
        let wave = folds.at(u, v);
        let edge = ((far - 0.6) * 4.0).clamp(0.2, 1.0);
        let cleft = if u.abs() < 0.012 * rx { 0.7 } else { 1.0 };
        gray(brain * cleft * (1.0 + fold * edge * wave))
    });
    for side in [-1.0, 1.0] {
        let at = (middle.0 + side * 0.14 * rx, middle.1 - 0.05 * ry);
        let size = (rx * dice.between(0.05, 0.14), ry * dice.between(0.15, 0.4));
        let level = brain * dice.between(0.2, 0.6);
        canvas.ellipse(at, size, side * 0.3, |far, _, old| {
            mix(old, gray(level), (6.0 * (1.0 - far)).min(1.0))
        });
    }
    if dice.chance(0.3) {
        for _ in 0..3 + dice.below(10) {
            let at = (
                middle.0 + rx * dice.between(-0.5, 0.5),
                middle.1 + ry * dice.between(-0.7, 0.5),
            );
            let size = (rx * dice.between(0.04, 0.22), ry * dice.between(0.03, 0.2));
            canvas.ellipse(at, size, dice.between(0.0, 3.1), |far, _, _| {
                gray(if far > 0.8 { skull } else { window.air })
            });
        }
    }
    finish(canvas, dice, &window);
}

/// One limb or two across: flesh, and bones as rings; joints as blocks of spongy bone.
pub fn limb(canvas: &mut Canvas, dice: &mut Dice) {
    let window = Window::any(dice);
    start(canvas, &window);
    let (w, h) = canvas.size();
    let limbs = 1 + dice.below(2);
    for side in 0..limbs {
        let middle = if limbs == 1 {
            (w * dice.between(0.42, 0.58), h * dice.between(0.42, 0.58))
        } else {
            (
                w * (0.27 + 0.46 * side as f32),
                h * dice.between(0.46, 0.54),
            )
        };
        let room = w.min(h) / limbs as f32;
        let (rx, ry) = (
            room * dice.between(0.28, 0.48),
            room * dice.between(0.28, 0.48),
        );
        canvas.ellipse(middle, (rx, ry), dice.between(0.0, 3.1), |far, _, _| {
            gray(if far > 0.97 {
                window.soft
            } else if far > 0.82 {
                window.fat
            } else {
                window.soft
            })
        });
        for _ in 0..3 + dice.below(8) {
            // Between muscles there is fat.
            let angle = dice.between(0.0, std::f32::consts::TAU);
            let a = (
                middle.0 + 0.2 * rx * angle.cos(),
                middle.1 + 0.2 * ry * angle.sin(),
            );
            let b = (
                middle.0 + 0.8 * rx * angle.cos(),
                middle.1 + 0.8 * ry * angle.sin(),
            );
            canvas.line(a, b, 0.01 * room + 1.0, gray(window.fat));
        }
        for _ in 0..=dice.below(3) {
            let (angle, far) = (dice.between(0.0, std::f32::consts::TAU), dice.unit() * 0.45);
            let at = (
                middle.0 + rx * far * angle.cos(),
                middle.1 + ry * far * angle.sin(),
            );
            let size = (rx * dice.between(0.12, 0.5), ry * dice.between(0.12, 0.45));
            let wall = dice.between(0.04, 0.45);
            let marrow = window.fat + (window.bone - window.fat) * dice.between(0.0, 0.6);
            let sponge = Clouds::new(dice.between(2.0, 8.0), 3, 0.7, dice);
            let rough = dice.between(0.0, 0.3);
            let mid = at;
            canvas.ellipse(at, size, angle, |far, turn, _| {
                if far > 1.0 - wall {
                    gray(window.bone)
                } else {
                    let (u, v) = (
                        mid.0 + far * turn.cos() * size.0,
                        mid.1 + far * turn.sin() * size.1,
                    );
                    gray(marrow * (1.0 + rough * sponge.at(u, v)))
                }
            });
        }
    }
    if dice.chance(0.4) {
        let low = h * dice.between(0.85, 0.95);
        table(canvas, dice, low);
    }
    finish(canvas, dice, &window);
}

/// The fan of an ultrasound probe: speckle, dark cysts, letters beside it.
pub fn ultrasound(canvas: &mut Canvas, dice: &mut Dice) {
    canvas.fill(gray(dice.unit() * 0.06));
    let (w, h) = canvas.size();
    let apex = (w * dice.between(0.4, 0.6), h * dice.between(-0.15, 0.08));
    let (near, far) = (h * dice.between(0.03, 0.15), h * dice.between(0.75, 1.0));
    let open = dice.between(0.4, 1.0);
    let tissue = Clouds::new(canvas.long() * dice.between(0.05, 0.2), 4, 0.6, dice);
    let gain = dice.between(0.25, 0.6);
    canvas.each(|x, y, old| {
        let (dx, dy) = (x - apex.0, y - apex.1);
        let r = dx.hypot(dy);
        if !(near..far).contains(&r) || dx.atan2(dy).abs() > open {
            return old;
        }
        let speckle = (dice.bell().powi(2) + dice.bell().powi(2)).sqrt() * 0.8;
        let level = (gain * (1.0 + 0.9 * tissue.at(x, y))).max(0.02);
        gray((level * speckle).min(1.0))
    });
    canvas.blur(dice.between(0.6, 1.6));
    around(canvas, dice);
}
