//! What lies on an image besides the limb, and tells nothing about a fracture: the collimated field, plaster, skin folds, metal
//! in the beam. The class is not known here.

use super::beam::Map;
use super::bone::Shape;
use super::calc::{bump, floor, step};
use super::dice::Dice;
use super::frame::{Frame, Patch, Point};
use super::limb::{Scene, View};

/// Attenuation of steel and titanium at the images' energies, per cm, tempered for scatter and window.
const METAL: f32 = 7.0;
/// Attenuation of plaster, 1/cm.
const PLASTER: f32 = 0.24;

/// The exposed field: an oriented rectangle, soft at its edge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    frame: Frame,
    half: (f32, f32),
    /// Width of the edge, cm.
    soft: f32,
    /// What the image shows outside: 0 black, 1 white.
    pub(super) outside: f32,
    open: bool,
}

impl Field {
    pub(super) fn draw(view: View, dice: &mut Dice) -> Self {
        let (w, h) = (
            view.width as f32 / view.per_cm,
            view.height as f32 / view.per_cm,
        );
        let style = dice.weighted(&[0.46, 0.3, 0.2, 0.04]);
        let tilt = match style {
            2 => dice.sign() * dice.between(0.06, 0.5),
            _ => 0.012 * dice.bell(),
        };
        let (low, high) = if style == 2 {
            (0.92, 1.12)
        } else {
            (0.8, 1.04)
        };
        let middle = (
            w * (0.5 + 0.02 * dice.bell()),
            h * (0.5 + 0.02 * dice.bell()),
        );
        Self {
            frame: Frame::new(middle, tilt),
            half: (
                0.5 * w * dice.between(low, high),
                0.5 * h * dice.between(low, high),
            ),
            soft: view.side() * dice.between(0.002, 0.014),
            outside: if style == 3 {
                dice.between(0.9, 1.0)
            } else {
                dice.between(0.0, 0.05)
            },
            open: style == 0,
        }
    }

    /// Whether a point lies well inside.
    pub(super) fn shows(&self, point: Point, margin: f32) -> bool {
        let (x, y) = self.frame.locate(point);
        self.open || (x.abs() < self.half.0 - margin && y.abs() < self.half.1 - margin)
    }

    /// Fades a map of image values to the outside.
    pub(super) fn mask(&self, view: View, map: &mut [f32]) {
        if self.open {
            return;
        }
        let patch = Patch {
            frame: self.frame,
            s: (-1e4, 1e4),
            v: (-1e4, 1e4),
        };
        patch.each(view.size(), view.per_cm, |i, x, y| {
            let beyond = (x.abs() - self.half.0).max(y.abs() - self.half.1);
            if beyond > -self.soft {
                let out = step(beyond / self.soft + 1.0);
                map[i] += (self.outside - map[i]) * out;
            }
        });
    }
}

/// Widens the path through a limb by a cast: returns the extra attenuation, or `None` on most images.
pub(super) fn plaster(scene: &Scene, bare: &[f32], dice: &mut Dice) -> Option<Map> {
    if !dice.chance(0.06) {
        return None;
    }
    let view = scene.view;
    let thick = dice.between(0.35, 0.8);
    let mut clad = vec![0.0; bare.len()];
    for tube in &scene.tubes {
        tube.add(&mut clad, view.size(), view.per_cm, thick);
    }
    let patch = Patch {
        frame: scene.joint.child(0.0, 0.0, 0.5 * dice.sign()),
        s: (-1e4, 1e4),
        v: (-1e4, 1e4),
    };
    let weave = dice.between(1.2, 2.4);
    patch.each(view.size(), view.per_cm, |i, s, v| {
        let wraps = scene.texture.at(s * weave, v * 0.25);
        let fine = scene.texture.at(v * 7.0, s * 7.0);
        clad[i] = (clad[i] - bare[i]).max(0.0) * PLASTER * (1.0 + 0.1 * wraps + 0.08 * fine);
    });
    Some(clad)
}

/// Skin folds and the edges of other soft parts: faint curved steps across the limb.
pub(super) fn folds(scene: &Scene, map: &mut [f32], dice: &mut Dice) {
    let view = scene.view;
    let side = view.side();
    for _ in 0..dice.below(4) {
        let spot = (
            dice.unit() * view.width as f32 / view.per_cm,
            dice.unit() * view.height as f32 / view.per_cm,
        );
        let frame = Frame::new(spot, dice.between(-3.1, 3.1));
        let length = side * dice.between(0.15, 0.5);
        let bow = dice.between(-0.5, 0.5) / length;
        let depth = dice.between(0.015, 0.07) * dice.sign();
        let fade = side * dice.between(0.05, 0.2);
        let line = dice.chance(0.4);
        let patch = Patch {
            frame,
            s: (-length, length),
            v: (-fade - 0.6 * length, fade + 0.6 * length),
        };
        patch.each(view.size(), view.per_cm, |i, s, v| {
            let d = v - bow * s * s;
            // Only flesh folds: bare image (no attenuation) stays bare.
            if map[i] > 0.05 {
                let profile = if line {
                    bump(d / (0.008 * side))
                } else if d > 0.0 {
                    bump(d / fade)
                } else {
                    step(1.0 + d / (0.004 * side))
                };
                map[i] += depth * profile * bump(s / length);
            }
        });
    }
}

/// Now and then a plate with screws on a bone, a wire, or a ring around the limb.
pub(super) fn metal(scene: &Scene, map: &mut [f32], dice: &mut Dice) {
    let view = scene.view;
    let side = view.side();
    if dice.chance(0.03) {
        let long: Vec<&Shape> = scene
            .bones
            .iter()
            .filter(|b| b.breakable.is_some())
            .collect();
        if let Some(bone) = long.get(dice.below(long.len() as u32) as usize) {
            plate(bone, view, map, dice);
        }
    }
    if dice.chance(0.03) {
        let start = (
            dice.unit() * view.width as f32 / view.per_cm,
            dice.unit() * view.height as f32 / view.per_cm,
        );
        let frame = Frame::new(start, dice.between(-3.1, 3.1));
        let (bow, thick) = (
            dice.between(-0.6, 0.6) / side,
            side * dice.between(0.002, 0.004),
        );
        let length = side * dice.between(0.2, 0.9);
        let patch = Patch {
            frame,
            s: (-length, length),
            v: (-side, side),
        };
        patch.each(view.size(), view.per_cm, |i, s, v| {
            map[i] += METAL * 0.15 * bump((v - bow * s * s) / thick);
        });
    }
    if dice.chance(0.02) {
        let s = side * dice.between(-0.3, 0.3);
        let tilt = 0.15 * dice.bell();
        if let Some(tube) = scene.tubes.first() {
            let band = side * dice.between(0.006, 0.012);
            let frame = tube
                .frame
                .child(tube.frame.locate(scene.joint.origin).0 + s, 0.0, tilt);
            let width = tube.half_width(tube.frame.locate(frame.origin).0) + 0.3;
            let patch = Patch {
                frame,
                s: (-2.0 * band, 2.0 * band),
                v: (-width, width),
            };
            patch.each(view.size(), view.per_cm, |i, s, v| {
                let middle = band * (1.0 - (v / width) * (v / width)).max(0.0).sqrt();
                let ring = bump((s - middle) / band) + bump((s + middle) / band);
                map[i] += METAL * 0.2 * ring;
            });
        }
    }
}

/// A plate along the middle of the bone's own frame, with screws across it.
fn plate(bone: &Shape, view: View, map: &mut [f32], dice: &mut Dice) {
    let s = bone.length * dice.between(0.35, 0.65);
    let Some(at) = bone.station(s) else { return };
    let half = (at.radius * dice.between(3.0, 5.5)).min(0.4 * bone.length);
    let wide = at.radius * dice.between(0.25, 0.4);
    let v = at.centre + at.radius * dice.between(-1.0, 1.0);
    let patch = Patch {
        frame: bone.frame,
        s: (s - half, s + half),
        v: (v - wide, v + wide),
    };
    let pitch = half * 2.0 / (4 + dice.below(4)) as f32;
    patch.each(view.size(), view.per_cm, |i, x, y| {
        let along = (x - s + half) / pitch;
        let hole =
            bump(((along - floor(along) as f32 - 0.5) * pitch / wide).hypot2((y - v) / wide) / 0.7);
        let end = step((half - (x - s).abs()) / wide);
        map[i] += METAL * 0.22 * end * (1.0 - 0.5 * hole);
    });
    let holes = (half * 2.0 / pitch) as u32;
    for screw in 0..holes {
        if dice.chance(0.2) {
            continue;
        }
        let middle = s - half + (screw as f32 + 0.5) * pitch;
        let thick = 0.28 * wide;
        let patch = Patch {
            frame: bone.frame,
            s: (middle - thick, middle + thick),
            v: (at.centre - 1.05 * at.radius, at.centre + 1.05 * at.radius),
        };
        patch.each(view.size(), view.per_cm, |i, x, y| {
            let thread = 0.8 + 0.2 * super::calc::sin_cos(y * 40.0).0;
            map[i] += METAL * 0.14 * thread * step(2.0 - 2.0 * (x - middle).abs() / thick);
        });
    }
}

/// `√(a² + b²)` from exact operations only.
trait Hypot {
    fn hypot2(self, other: f32) -> f32;
}

impl Hypot for f32 {
    fn hypot2(self, other: f32) -> f32 {
        (self * self + other * other).sqrt()
    }
}
