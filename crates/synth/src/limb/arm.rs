//! Forearm (seen with the wrist, with the elbow or alone) and upper arm (with the shoulder or the elbow).

use super::super::dice::Dice;
use super::super::frame::Frame;
use super::{Build, Layout};

pub(super) fn forearm(dice: &mut Dice) -> Layout {
    let field = dice.between(8.0, 11.5);
    match dice.weighted(&[0.5, 0.15, 0.35]) {
        0 => Layout {
            field,
            centre: (-field * dice.between(0.16, 0.4), 0.0),
            build: wrist,
        },
        1 => Layout {
            field,
            centre: (field * dice.between(0.18, 0.32), 0.0),
            build: elbow_of_forearm,
        },
        _ => Layout {
            field,
            centre: (-12.0, 0.0),
            build: wrist,
        },
    }
}

pub(super) fn humerus(dice: &mut Dice) -> Layout {
    let field = dice.between(10.5, 15.0);
    if dice.chance(0.5) {
        Layout {
            field,
            centre: (-field * dice.between(0.2, 0.34), 0.0),
            build: elbow_of_humerus,
        }
    } else {
        Layout {
            field,
            centre: (field * dice.between(0.2, 0.33), 0.0),
            build: shoulder,
        }
    }
}

fn wrist(b: &mut Build<'_>) {
    let side = b.dice.sign();
    forearm_bones(b, b.joint, 24.0, side);
    carpus(b, b.joint, side, (0, 2));
    for (i, turn) in [(0, -0.62), (1, -0.13), (2, -0.02), (3, 0.1), (4, 0.21)] {
        let (s, v) = [
            (2.1, -2.1),
            (2.75, -1.35),
            (2.8, -0.45),
            (2.7, 0.4),
            (2.5, 1.15),
        ][i];
        let length = [4.4, 6.5, 6.3, 5.7, 5.2][i];
        let ends = (b.end(0.62, 1.1, 0.3, 0.0), b.end(0.6, 1.2, 0.45, 0.0));
        let spec = b.spec(length, 0.38, 0.42, ends, 0.05);
        let frame = b.joint.child(s * b.size, side * v * b.size, side * turn);
        let mut ray = b.long(&spec, frame, (0, 2));
        ray.breakable = None;
        b.bones.push(ray);
    }
    let whole = b.joint;
    b.flesh(
        whole,
        -24.0,
        &[
            (-24.0, 4.6),
            (-14.0, 4.0),
            (-5.0, 3.0),
            (-0.5, 2.85),
            (3.0, 3.7),
            (6.5, 4.4),
            (12.0, 4.4),
        ],
        0.62,
        (0, 1),
    );
    let thumb = whole.child(1.5 * b.size, side * -1.6 * b.size, side * -0.6);
    b.flesh(
        thumb,
        0.0,
        &[(0.0, 1.4), (3.5, 1.6), (9.0, 1.1)],
        0.7,
        (0, 2),
    );
    b.fade(2.0, 0.0);
}

/// Two rows of carpal bones beyond the wrist.
pub(super) fn carpus(b: &mut Build<'_>, joint: Frame, side: f32, chain: (u32, u32)) {
    let rows: [(f32, f32, f32, f32); 7] = [
        (0.85, -1.15, 0.85, 0.62),
        (0.72, -0.1, 0.62, 0.65),
        (0.95, 0.85, 0.6, 0.58),
        (2.05, -1.75, 0.58, 0.6),
        (2.0, -0.95, 0.5, 0.48),
        (1.85, -0.1, 0.9, 0.55),
        (1.9, 0.8, 0.75, 0.62),
    ];
    for (s, v, a, across) in rows {
        b.pebble(joint, (s, side * v), (0.93 * a, 0.93 * across), chain);
    }
}

/// Radius and ulna ending at `joint`; `side` says on which side the ulna lies.
pub(super) fn forearm_bones(b: &mut Build<'_>, joint: Frame, length: f32, side: f32) {
    let apart = b.dice.between(0.75, 1.0);
    let lean = side * 0.25;
    let ends = (b.end(1.0, 2.5, 0.5, 0.0), b.end(1.5, 3.6, 0.6, -lean));
    let bow = side * -0.7 * b.dice.between(0.4, 1.4);
    let spec = b.spec(length, 0.72, 0.4, ends, bow);
    // A little pronation lets the two cross or drift apart.
    let turn = 0.03 * b.dice.bell();
    let frame = joint.child(0.0, -side * apart * b.size, turn);
    let frame = frame.child(-spec.length, 0.0, 0.0);
    let mut radius = b.long(&spec, frame, (0, 1));
    let styloid = b.knob(length - 0.15, -side * 0.95, 0.7, 0.42);
    radius.knobs.push(styloid);
    radius.breakable = Some((2.0, spec.length - 1.3));
    b.bones.push(radius);

    let ends = (b.end(1.3, 4.5, 0.7, 0.0), b.end(0.82, 1.8, 0.4, 0.0));
    let spec = b.spec(length, 0.6, 0.42, ends, side * 0.2);
    let turn = 0.03 * b.dice.bell();
    let frame = joint
        .child(-0.45 * b.size, side * apart * 1.35 * b.size, turn)
        .child(-spec.length, 0.0, 0.0);
    let mut ulna = b.long(&spec, frame, (1, 1));
    let styloid = b.knob(length + 0.1, side * 0.55, 0.35, 0.18);
    ulna.knobs.push(styloid);
    ulna.breakable = Some((2.0, spec.length - 1.2));
    b.bones.push(ulna);
}

fn elbow_of_forearm(b: &mut Build<'_>) {
    let flexion = if b.dice.chance(0.5) {
        b.dice.between(0.6, 1.6)
    } else {
        b.dice.between(-0.1, 0.2)
    };
    elbow(b, flexion, false);
}

fn elbow_of_humerus(b: &mut Build<'_>) {
    let flexion = if b.dice.chance(0.4) {
        b.dice.between(0.5, 1.5)
    } else {
        b.dice.between(-0.1, 0.25)
    };
    elbow(b, flexion, true);
}

/// The elbow; the bone the image is about lies straight, the other is bent by `flexion` radians.
fn elbow(b: &mut Build<'_>, flexion: f32, upper: bool) {
    let side = b.dice.sign();
    let (arm, fore) = if upper {
        (b.joint, b.joint.child(0.0, 0.0, side * flexion))
    } else {
        (b.joint.child(0.0, 0.0, side * flexion), b.joint)
    };
    let ends = (b.end(2.3, 5.0, 1.6, 0.0), b.end(2.6, 5.2, 0.9, 0.0));
    let spec = b.spec(29.0, 1.12, 0.36, ends, 0.25);
    let mut humerus = b.long(&spec, arm.child(-spec.length - 0.1, 0.0, 0.0), (0, 1));
    for (s, v, a, w) in [(28.6, -1.3, 0.95, 1.1), (28.7, 0.9, 1.0, 1.2)] {
        let knob = b.knob(s, v, a, w);
        humerus.knobs.push(knob);
    }
    // The far end is flat: wide across, thin along the beam.
    let length = spec.length;
    humerus.reshape(|s, at| {
        if s > length - 5.0 {
            at.depth *= 1.0 - 0.5 * (s - length + 5.0) / 5.0;
        }
    });
    if upper {
        humerus.breakable = Some((5.0, length - 2.5));
    }
    b.bones.push(humerus);

    for (radius, v, from, wide, chain) in [
        (0.72, -1.15, 0.3, 1.15, (0, 2)),
        (0.62, 0.75, -1.3, 1.35, (1, 2)),
    ] {
        let ends = (b.end(wide, 2.6, 0.45, 0.0), b.end(1.2, 3.0, 0.4, 0.0));
        let bow = side * 0.2 * b.dice.bell();
        let spec = b.spec(24.0, radius, 0.4, ends, bow);
        let frame = fore.child(from * b.size, side * v * b.size, side * v * -0.02);
        let chain = if upper { (0, 2) } else { chain };
        let mut bone = b.long(&spec, frame, chain);
        if !upper {
            bone.breakable = Some((2.6, spec.length - 2.0));
        }
        b.bones.push(bone);
    }
    let depth = 0.7;
    b.flesh(
        arm,
        -30.0,
        &[
            (-30.0, 6.0),
            (-14.0, 5.4),
            (-4.0, 4.2),
            (0.0, 4.2),
            (3.5, 4.0),
        ],
        depth,
        (0, 1),
    );
    b.fade(0.0, 5.0);
    b.flesh(
        fore,
        -3.0,
        &[
            (-3.0, 3.8),
            (1.0, 4.3),
            (6.0, 4.6),
            (14.0, 3.8),
            (26.0, 2.8),
        ],
        0.65,
        (0, 2),
    );
    b.fade(4.5, 0.0);
}

fn shoulder(b: &mut Build<'_>) {
    let side = b.dice.sign();
    let ends = (b.end(1.9, 6.5, 1.0, side * 0.5), b.end(2.6, 5.0, 0.9, 0.0));
    let spec = b.spec(29.0, 1.15, 0.36, ends, side * -0.3);
    let mut humerus = b.long(&spec, b.joint.child(0.2 * b.size, 0.0, 0.0), (0, 1));
    for (s, v, a, w) in [(1.5, 1.15, 2.1, 2.0), (1.5, -0.9, 1.4, 1.1)] {
        let knob = b.knob(s, side * v, a, w);
        humerus.knobs.push(knob);
    }
    humerus.breakable = Some((3.2, spec.length - 4.0));
    b.bones.push(humerus);
    // Glenoid, acromion and ribs lie over or beside the head.
    let glenoid = b.joint.child(0.0, side * 4.2 * b.size, 0.0);
    b.pebble(glenoid, (1.6, 0.0), (2.2, 1.1), (9, 0));
    let acromion = b
        .joint
        .child(-1.2 * b.size, side * 1.5 * b.size, side * 1.9);
    let ends = (b.end(0.9, 2.0, 0.7, 0.0), b.end(0.9, 3.0, 0.5, 0.0));
    let spec = b.spec(11.0, 0.6, 0.3, ends, -0.8);
    let bone = b.long(&spec, acromion, (9, 0));
    b.bones.push(bone);
    for i in 0..4 {
        let start = b.joint.child(
            (2.5 + 2.6 * i as f32) * b.size,
            side * 6.8 * b.size,
            side * 1.2,
        );
        let ends = (b.end(0.6, 1.0, 0.4, 0.0), b.end(0.6, 1.0, 0.4, 0.0));
        let mut spec = b.spec(14.0, 0.5, 0.18, ends, 1.2);
        spec.cortex *= 0.8;
        let rib = b.long(&spec, start, (9, 0));
        b.bones.push(rib);
    }
    let chest = b.joint.child(-8.0 * b.size, side * 11.0 * b.size, 0.0);
    b.flesh(
        chest,
        0.0,
        &[(0.0, 8.5), (26.0, 7.5), (40.0, 8.0)],
        0.6,
        (9, 0),
    );
    b.flesh(
        b.joint,
        -3.5,
        &[
            (-3.5, 3.0),
            (-1.5, 5.0),
            (4.0, 5.9),
            (14.0, 5.0),
            (32.0, 4.4),
        ],
        0.7,
        (0, 1),
    );
    b.fade(4.5, 0.0);
}
