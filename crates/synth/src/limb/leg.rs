//! Lower leg (with the ankle, with the knee or alone) and thigh (with the knee, with the hip or alone).

use super::super::dice::Dice;
use super::super::frame::Frame;
use super::{Build, Layout};

pub(super) fn lower_leg(dice: &mut Dice) -> Layout {
    let field = dice.between(10.5, 15.0);
    match dice.weighted(&[0.45, 0.2, 0.35]) {
        0 => Layout {
            field,
            centre: (-field * dice.between(0.2, 0.4), 0.0),
            build: ankle,
        },
        1 => Layout {
            field,
            centre: (field * dice.between(0.2, 0.34), 0.0),
            build: knee_of_lower_leg,
        },
        _ => Layout {
            field,
            centre: (-18.0, 0.0),
            build: ankle,
        },
    }
}

pub(super) fn femur(dice: &mut Dice) -> Layout {
    let field = dice.between(13.5, 19.0);
    match dice.weighted(&[0.35, 0.25, 0.4]) {
        0 => Layout {
            field,
            centre: (-field * dice.between(0.2, 0.34), 0.0),
            build: knee_of_femur,
        },
        1 => Layout {
            field,
            centre: (field * dice.between(0.22, 0.34), 1.0),
            build: hip,
        },
        _ => Layout {
            field,
            centre: (-20.0, 0.0),
            build: knee_of_femur,
        },
    }
}

fn ankle(b: &mut Build<'_>) {
    let side = b.dice.sign();
    let ends = (b.end(3.6, 7.0, 1.0, 0.0), b.end(2.2, 5.5, 0.6, side * -0.1));
    let spec = b.spec(36.0, 1.25, 0.42, ends, side * 0.25);
    let mut tibia = b.long(&spec, b.joint.child(-spec.length, 0.0, 0.0), (0, 1));
    let malleolus = b.knob(36.3, side * -1.75, 1.2, 0.6);
    tibia.knobs.push(malleolus);
    tibia.breakable = Some((6.0, spec.length - 1.6));
    b.bones.push(tibia);

    let apart = b.dice.between(2.2, 2.9);
    let ends = (b.end(1.1, 2.5, 0.8, 0.0), b.end(1.05, 3.5, 0.9, 0.0));
    let bow = side * 0.4 * b.dice.bell();
    let spec = b.spec(36.0, 0.58, 0.5, ends, bow);
    let turn = side * 0.012 * b.dice.bell();
    let start = b.joint.child(1.7 * b.size, side * apart * b.size, turn);
    let mut fibula = b.long(&spec, start.child(-spec.length, 0.0, 0.0), (1, 1));
    fibula.breakable = Some((6.0, spec.length - 1.8));
    b.bones.push(fibula);

    // Seen from the front the foot is foreshortened: talus, then a heap of dense, overlapping bones.
    b.pebble(b.joint, (1.55, 0.1), (1.3, 2.1), (0, 2));
    let heap = b.joint.child(0.0, 0.0, side * b.dice.between(-0.2, 0.2));
    for (s, v, a, w) in [
        (3.6, -0.9, 1.6, 1.3),
        (3.7, 1.2, 1.7, 1.4),
        (5.6, 0.2, 1.5, 2.2),
        (6.6, 1.4, 1.3, 1.0),
        (6.5, -1.2, 1.3, 1.0),
    ] {
        b.pebble(heap, (s, side * v), (a, w), (0, 2));
    }
    for i in 0..5 {
        let ends = (b.end(0.75, 1.2, 0.4, 0.0), b.end(0.7, 1.2, 0.5, 0.0));
        let spec = b.spec(6.0, 0.45, 0.42, ends, 0.0);
        let fan = i as f32 - 2.0;
        let frame = heap.child(6.8 * b.size, fan * 0.95 * b.size, 0.09 * fan);
        let toe = b.long(&spec, frame, (0, 2));
        b.bones.push(toe);
    }
    b.flesh(
        b.joint,
        -38.0,
        &[
            (-38.0, 6.0),
            (-24.0, 6.2),
            (-10.0, 4.2),
            (-3.0, 3.6),
            (1.0, 4.0),
            (5.0, 4.4),
            (14.0, 4.8),
        ],
        0.7,
        (0, 1),
    );
}

/// The knee at `joint`: the thigh above turned by `bend`, the leg below straight, or the other way round.
fn knee(b: &mut Build<'_>, thigh: Frame, leg: Frame, upper: bool) {
    let side = b.dice.sign();
    let chain = |own: bool, far: u32| if own { (0, 1) } else { (0, far) };
    let ends = (b.end(2.2, 6.0, 1.0, 0.0), b.end(4.0, 8.5, 1.4, 0.0));
    let bow = side * b.dice.between(0.0, 0.8);
    let spec = b.spec(42.0, 1.45, 0.4, ends, bow);
    let mut femur = b.long(
        &spec,
        thigh.child(-spec.length - 0.2 * b.size, 0.0, 0.0),
        chain(upper, 0),
    );
    for v in [-2.0, 2.0] {
        let knob = b.knob(40.8, v, 1.8, 2.0);
        femur.knobs.push(knob);
    }
    if upper {
        femur.breakable = Some((7.0, spec.length - 4.0));
    }
    b.bones.push(femur);

    let ends = (b.end(3.8, 7.0, 0.8, 0.0), b.end(2.2, 5.0, 0.4, 0.0));
    let spec = b.spec(36.0, 1.25, 0.42, ends, side * 0.2);
    let mut tibia = b.long(&spec, leg.child(0.35 * b.size, 0.0, 0.0), chain(!upper, 2));
    if !upper {
        tibia.breakable = Some((3.2, spec.length - 4.0));
    }
    b.bones.push(tibia);
    let ends = (b.end(1.2, 2.6, 0.9, 0.0), b.end(1.1, 3.0, 0.9, 0.0));
    let spec = b.spec(34.0, 0.58, 0.5, ends, side * -0.3);
    let v = side * b.dice.between(2.6, 3.4) * b.size;
    let mut fibula = b.long(
        &spec,
        leg.child(2.2 * b.size, v, -side * 0.015),
        if upper { (0, 2) } else { (1, 1) },
    );
    if !upper {
        fibula.breakable = Some((2.6, spec.length - 4.0));
    }
    b.bones.push(fibula);
    let patella = (b.dice.between(-3.4, -2.2), 0.3 * b.dice.bell());
    b.pebble(thigh, patella, (2.0, 1.9), chain(upper, 0));
    for knob in b
        .bones
        .last_mut()
        .into_iter()
        .flat_map(|bone| &mut bone.knobs)
    {
        knob.half.2 *= 0.5;
    }

    b.flesh(
        thigh,
        -44.0,
        &[
            (-44.0, 9.5),
            (-22.0, 8.4),
            (-8.0, 6.6),
            (0.0, 5.9),
            (5.0, 5.8),
        ],
        0.7,
        chain(upper, 0),
    );
    b.fade(0.0, 7.0);
    b.flesh(
        leg,
        -5.0,
        &[
            (-5.0, 6.0),
            (0.0, 5.8),
            (9.0, 5.9),
            (24.0, 4.4),
            (40.0, 3.6),
        ],
        0.7,
        if upper { (0, 2) } else { (0, 1) },
    );
    b.fade(7.0, 0.0);
}

fn knee_of_lower_leg(b: &mut Build<'_>) {
    let bend = 0.06 * b.dice.bell();
    let thigh = b.joint.child(0.0, 0.0, bend);
    knee(b, thigh, b.joint, false);
}

fn knee_of_femur(b: &mut Build<'_>) {
    let bend = 0.06 * b.dice.bell();
    let leg = b.joint.child(0.0, 0.0, bend);
    knee(b, b.joint, leg, true);
}

fn hip(b: &mut Build<'_>) {
    let side = b.dice.sign();
    let ends = (b.end(2.5, 7.5, 1.8, side * 0.2), b.end(3.9, 8.0, 1.2, 0.0));
    let spec = b.spec(42.0, 1.5, 0.42, ends, side * -0.6);
    let mut femur = b.long(&spec, b.joint, (0, 1));
    for (s, v, a, w) in [
        (0.8, 4.6, 2.35, 2.3),
        (1.7, 2.7, 1.5, 2.3),
        (1.6, -1.2, 2.1, 1.5),
        (5.6, 1.5, 1.3, 0.9),
    ] {
        let knob = b.knob(s, side * v, a, w);
        femur.knobs.push(knob);
    }
    femur.breakable = Some((7.0, spec.length - 6.0));
    b.bones.push(femur);
    let pelvis = b.joint.child(0.0, side * 7.0 * b.size, 0.0);
    b.pebble(pelvis, (-0.5, -0.3), (3.8, 2.6), (9, 0));
    for (turn, from, length, radius) in [
        (2.2, (-1.5, 1.0), 12.0, 1.5),
        (0.9, (1.5, 0.5), 8.0, 0.8),
        (1.5, (-0.8, 1.0), 8.0, 0.9),
    ] {
        let ends = (
            b.end(radius * 1.5, 4.0, 1.2, 0.0),
            b.end(radius * 1.3, 4.0, 1.0, 0.0),
        );
        let spec = b.spec(length, radius, 0.16, ends, 0.7);
        let frame = pelvis.child(from.0 * b.size, side * from.1 * b.size, side * turn);
        let bone = b.long(&spec, frame, (9, 0));
        b.bones.push(bone);
    }
    let trunk = b.joint.child(-16.0 * b.size, side * 11.0 * b.size, 0.0);
    b.flesh(
        trunk,
        0.0,
        &[(0.0, 14.0), (14.0, 13.5), (22.0, 10.0), (26.0, 8.0)],
        0.55,
        (9, 0),
    );
    b.fade(0.0, 7.0);
    b.flesh(
        b.joint,
        -6.0,
        &[
            (-6.0, 7.0),
            (0.0, 9.2),
            (8.0, 9.4),
            (24.0, 8.2),
            (46.0, 6.5),
        ],
        0.7,
        (0, 1),
    );
    b.fade(5.0, 0.0);
}
