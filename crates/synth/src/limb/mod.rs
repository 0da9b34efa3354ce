//! Anatomy: what bones and flesh each kind of limb shows, and how it lies on the image. Lengths are an adult's, in cm.

mod arm;
mod hand;
mod leg;

use std::f32::consts::PI;

use super::Bone;
use super::bone::{Canal, End, GrowthPlate, Knob, Shape, Spec};
use super::dice::Dice;
use super::frame::Frame;
use super::texture::Texture;
use super::tissue::Tube;

/// The image's raster.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels a centimetre.
    pub(super) per_cm: f32,
}

impl View {
    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The longer side, cm.
    pub(super) fn side(&self) -> f32 {
        self.width.max(self.height) as f32 / self.per_cm
    }
}

/// Everything the beam passes through.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) view: View,
    /// The frame of the joint (or of the middle of the shaft) the image is about.
    pub(super) joint: Frame,
    pub(super) bones: Vec<Shape>,
    pub(super) tubes: Vec<Tube>,
    pub(super) texture: Texture,
}

/// What an anatomy is built with; the joint is the origin, `s` runs away from the trunk.
struct Build<'a> {
    dice: &'a mut Dice,
    joint: Frame,
    /// All lengths times this: people differ.
    size: f32,
    bones: Vec<Shape>,
    tubes: Vec<Tube>,
}

/// How a limb lies on the image.
struct Layout {
    /// The longer side of the image, cm.
    field: f32,
    /// Where on the limb the image's centre lies, `(s, v)` in cm from the joint.
    centre: (f32, f32),
    build: fn(&mut Build<'_>),
}

/// Draws a limb of the given kind for an image of `width × height` pixels.
pub(super) fn draw(kind: Bone, width: usize, height: usize, dice: &mut Dice) -> Scene {
    let layout = match kind {
        Bone::Forearm => arm::forearm(dice),
        Bone::Humerus => arm::humerus(dice),
        Bone::LowerLeg => leg::lower_leg(dice),
        Bone::Femur => leg::femur(dice),
        Bone::Hand => hand::hand(dice),
    };
    let per_cm = width.max(height) as f32 / layout.field;
    let along = if height >= width { 0.5 * PI } else { 0.0 };
    let jitter = if dice.chance(0.12) {
        dice.between(-0.9, 0.9)
    } else {
        0.14 * dice.bell()
    };
    let flip = if dice.chance(0.5) { PI } else { 0.0 };
    let angle = along + jitter + flip;
    let field = layout.field;
    let middle = (
        0.5 * width as f32 / per_cm + 0.03 * field * dice.bell(),
        0.5 * height as f32 / per_cm + 0.03 * field * dice.bell(),
    );
    let joint = Frame::new(middle, angle).child(-layout.centre.0, -layout.centre.1, 0.0);
    let mut build = Build {
        joint,
        size: dice.between(0.9, 1.1),
        bones: Vec::new(),
        tubes: Vec::new(),
        dice,
    };
    (layout.build)(&mut build);
    let (mut bones, tubes) = (build.bones, build.tubes);
    if dice.chance(0.14) {
        grow(&mut bones, dice);
    }
    canals(&mut bones, dice);
    Scene {
        view: View {
            width,
            height,
            per_cm,
        },
        joint,
        bones,
        tubes,
        texture: Texture::new(dice),
    }
}

/// Makes the patient a child: growth plates near the ends of the long bones.
fn grow(bones: &mut [Shape], dice: &mut Dice) {
    let (depth, wide) = (dice.between(0.35, 0.9), dice.between(0.08, 0.15));
    for bone in bones.iter_mut().filter(|b| b.length > 1.6) {
        // Metacarpals and phalanges have one plate, long bones two.
        let ends: &[bool] = if bone.length < 9.0 {
            &[bone.length > 5.5]
        } else {
            &[true, false]
        };
        for &far in ends {
            let inset = (bone.length * 0.16).min(0.9);
            let s = if far { bone.length - inset } else { inset };
            let radius = bone.station(s).map_or(0.5, |at| at.radius);
            bone.plates.push(GrowthPlate {
                s: s + 0.1 * inset * dice.bell(),
                width: (wide * radius.sqrt()).max(0.06),
                wave: 0.05 * radius.sqrt() * dice.bell(),
                turns: dice.between(1.5, 3.5) / radius,
                bow: 0.06 * dice.bell() / radius,
                depth,
            });
        }
    }
}

/// Gives some shafts a nutrient canal.
fn canals(bones: &mut [Shape], dice: &mut Dice) {
    for bone in bones.iter_mut().filter(|b| b.breakable.is_some()) {
        let s = bone.length * dice.between(0.3, 0.7);
        let place = bone.station(s).filter(|_| dice.chance(0.25));
        if let Some(at) = place {
            bone.canal = Some(Canal {
                s,
                centre: at.centre,
                radius: at.radius,
                side: dice.sign(),
                slope: dice.between(2.0, 4.0) * dice.sign(),
                width: dice.between(0.05, 0.09),
                depth: dice.between(0.1, 0.3),
            });
        }
    }
}

impl Build<'_> {
    /// A varied length: about `cm`, within a tenth.
    fn cm(&mut self, cm: f32) -> f32 {
        cm * self.size * (1.0 + 0.035 * self.dice.bell())
    }

    /// An end of a shaft.
    fn end(&mut self, radius: f32, reach: f32, cap: f32, lean: f32) -> End {
        End {
            radius: self.cm(radius),
            reach: self.cm(reach),
            cap: self.cm(cap),
            lean: lean * self.size,
        }
    }

    /// A shaft's measures; `cortex` is a share of its radius.
    fn spec(&mut self, length: f32, radius: f32, cortex: f32, ends: (End, End), bow: f32) -> Spec {
        let radius = self.cm(radius);
        Spec {
            length: length * self.size,
            radius,
            cortex: radius * cortex * self.dice.between(0.85, 1.15),
            near: ends.0,
            far: ends.1,
            bow: bow * self.size,
        }
    }

    fn long(&mut self, spec: &Spec, frame: Frame, chain: (u32, u32)) -> Shape {
        Shape::long(spec, frame, chain, self.dice)
    }

    /// A knob at `(s, v)` with half axes `a` along and `b` across.
    fn knob(&mut self, s: f32, v: f32, a: f32, b: f32) -> Knob {
        let (a, b) = (self.cm(a), self.cm(b));
        Knob {
            s: s * self.size,
            v: v * self.size,
            half: (a, b, a.min(b) * self.dice.between(0.6, 0.85)),
            skew: self.dice.between(-0.2, 0.2),
            shell: (0.06 + 0.03 * a.min(b)).min(0.4 * a.min(b)),
        }
    }

    /// A bone made of one knob, in `frame`.
    fn pebble(&mut self, frame: Frame, at: (f32, f32), half: (f32, f32), chain: (u32, u32)) {
        let knob = self.knob(0.0, 0.0, half.0, half.1);
        let turned = frame.child(
            at.0 * self.size,
            at.1 * self.size,
            self.dice.between(-0.5, 0.5),
        );
        let grain = self.dice.between(0.0, 64.0);
        self.bones
            .push(Shape::short(turned, vec![knob], chain, grain));
    }

    /// Flesh along `frame`; knots are `(s, half width)` counted from `from`.
    fn flesh(
        &mut self,
        frame: Frame,
        from: f32,
        knots: &[(f32, f32)],
        depth: f32,
        chain: (u32, u32),
    ) {
        let build = self.dice.between(0.88, 1.2);
        let knots: Vec<(f32, f32)> = knots
            .iter()
            .map(|&(s, r)| ((s - from) * self.size, r * self.size * build))
            .collect();
        let start = frame.child(from * self.size, 0.0, 0.0);
        self.tubes.push(Tube::new(start, &knots, depth, chain));
    }

    /// Thins the ends of the flesh added last.
    fn fade(&mut self, near: f32, far: f32) {
        if let Some(tube) = self.tubes.pop() {
            self.tubes.push(tube.faded(near, far));
        }
    }
}
