//! A hand: a fan of metacarpals and phalanges, seen whole or as a close-up of a few rays.

use super::super::dice::Dice;
use super::{Build, Layout, arm};

pub(super) fn hand(dice: &mut Dice) -> Layout {
    let close = dice.chance(0.75);
    let field = if close {
        dice.between(7.0, 9.5)
    } else {
        dice.between(12.0, 16.0)
    };
    let s = if close {
        dice.between(5.0, 10.5)
    } else {
        dice.between(6.5, 8.5)
    };
    let v = if close { dice.between(-1.6, 1.6) } else { 0.0 };
    Layout {
        field,
        centre: (s, v),
        build: rays,
    }
}

/// One ray: where its metacarpal begins, its direction, and the lengths of its bones.
struct Ray {
    base: (f32, f32),
    turn: f32,
    lengths: [f32; 4],
}

fn rays(b: &mut Build<'_>) {
    let side = b.dice.sign();
    let spread = b.dice.between(0.6, 1.35);
    arm::forearm_bones(b, b.joint, 24.0, side);
    for bone in &mut b.bones {
        bone.breakable = None;
    }
    arm::carpus(b, b.joint, side, (9, 0));
    let thumb = b.dice.between(0.45, 0.8);
    let fan = [
        Ray {
            base: (2.0, -2.1),
            turn: -thumb,
            lengths: [4.5, 3.1, 0.0, 2.2],
        },
        Ray {
            base: (2.75, -1.35),
            turn: -0.13 * spread,
            lengths: [6.6, 3.9, 2.3, 1.7],
        },
        Ray {
            base: (2.8, -0.45),
            turn: -0.02,
            lengths: [6.3, 4.4, 2.8, 1.8],
        },
        Ray {
            base: (2.7, 0.4),
            turn: 0.1 * spread,
            lengths: [5.7, 4.1, 2.6, 1.8],
        },
        Ray {
            base: (2.5, 1.15),
            turn: 0.22 * spread,
            lengths: [5.2, 3.2, 1.8, 1.6],
        },
    ];
    for (i, ray) in fan.iter().enumerate() {
        finger(b, i as u32, ray, side);
    }
    b.flesh(
        b.joint,
        -10.0,
        &[
            (-10.0, 3.3),
            (-1.0, 2.8),
            (3.0, 3.7),
            (7.0, 4.3),
            (9.3, 4.1),
            (11.0, 3.6),
        ],
        0.45,
        (9, 0),
    );
    b.fade(0.0, 3.4);
}

fn finger(b: &mut Build<'_>, chain: u32, ray: &Ray, side: f32) {
    let base = b.joint.child(
        ray.base.0 * b.size,
        side * ray.base.1 * b.size,
        side * (ray.turn + 0.025 * b.dice.bell()),
    );
    let flesh = base.child(0.0, 0.0, 0.0);
    let total: f32 = ray.lengths.iter().sum::<f32>() + 1.3;
    let root = if chain == 0 { 1.5 } else { 1.15 };
    let mut tube = Vec::from([(0.0, root), (ray.lengths[0], root * 0.97)]);
    tube.extend([(ray.lengths[0] + ray.lengths[1], 0.98), (total, 0.78)]);
    let before = b.tubes.len();
    b.flesh(flesh, 0.0, &tube, 0.85, (chain, 1));
    b.fade(2.5, 0.0);
    if let Some(last) = b.tubes.get_mut(before) {
        *last = last.clone().rounded(1.0);
    }
    let mut at = base;
    for (order, &length) in ray.lengths.iter().enumerate() {
        if length <= 0.0 {
            continue;
        }
        let tip = order == 3;
        let girth = [0.4, 0.42, 0.36, 0.24][order];
        let ends = match order {
            0 => (b.end(0.66, 1.3, 0.3, 0.0), b.end(0.68, 1.5, 0.55, 0.0)),
            3 => (b.end(0.52, 0.8, 0.2, 0.0), b.end(0.36, 0.35, 0.3, 0.0)),
            _ => (b.end(0.7, 1.3, 0.25, 0.0), b.end(0.56, 0.8, 0.35, 0.0)),
        };
        let bow = 0.04 * b.dice.bell();
        let spec = b.spec(length, girth, 0.46, ends, bow);
        let mut bone = b.long(&spec, at, (chain, order as u32));
        if !tip {
            bone.breakable = Some((0.18 * spec.length, 0.86 * spec.length));
        }
        b.bones.push(bone);
        let turn = 0.035 * b.dice.bell();
        at = at.child(spec.length + 0.17 * b.size, 0.0, turn);
    }
}
