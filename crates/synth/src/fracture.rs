//! Breaks a bone of a finished scene: where, how plainly, along what lines, and where the outer piece goes.

use super::FractureKind;
use super::bone::{Fragment, Knob, Shape};
use super::calc::bump;
use super::crack::{Course, Crack};
use super::dice::Dice;
use super::frame::{Frame, Motion, Point};
use super::limb::Scene;

/// A finished fracture: its kind and the corners (cm on the image) of what it changed.
pub(super) struct Injury {
    pub(super) kind: FractureKind,
    pub(super) corners: Vec<Vec<Point>>,
}

/// A place to break: which bone, and where along it.
#[derive(Clone, Copy)]
struct Site {
    bone: usize,
    s: f32,
    centre: f32,
    radius: f32,
}

/// Breaks one bone of the scene (sometimes two lying side by side) at a place for which `visible` holds; `None` when
/// no breakable stretch is in sight.
pub(super) fn inflict(
    scene: &mut Scene,
    dice: &mut Dice,
    visible: impl Fn(Point) -> bool,
) -> Option<Injury> {
    let kind = match dice.weighted(&[0.22, 0.24, 0.15, 0.33, 0.06]) {
        0 => FractureKind::Transverse,
        1 => FractureKind::Oblique,
        2 => FractureKind::Spiral,
        3 => FractureKind::Comminuted,
        _ => FractureKind::Buckle,
    };
    let flared = matches!(kind, FractureKind::Buckle)
        || (matches!(kind, FractureKind::Transverse) && dice.chance(0.4));
    let site = find_site(scene, dice, flared, &visible)?;
    // Conspicuity, 0..=1. Most are plain; the subtle tail is what keeps a model from being perfect.
    let u = dice.unit();
    let plain = if dice.chance(0.1) {
        0.15 + 0.4 * u
    } else {
        0.65 + 0.35 * u
    };
    let mut injury = Injury {
        kind,
        corners: Vec::new(),
    };
    if matches!(kind, FractureKind::Buckle) {
        let corners = buckle(scene, site, plain, dice);
        injury.corners.push(corners);
        return Some(injury);
    }
    let turn = displace(scene, site, kind, plain, dice, None, &mut injury);
    let neighbour = beside(scene, site).filter(|s| visible(point(scene, *s)));
    let pair = !matches!(kind, FractureKind::Spiral) && dice.chance(0.35);
    if let Some(second) = neighbour.filter(|_| pair) {
        displace(scene, second, kind, plain, dice, Some(turn), &mut injury);
    }
    Some(injury)
}

fn point(scene: &Scene, site: Site) -> Point {
    scene.bones[site.bone].frame.place(site.s, site.centre)
}

/// A visible site, drawn evenly over the visible breakable bones; of two draws the thicker place when `flared`.
fn find_site(
    scene: &Scene,
    dice: &mut Dice,
    flared: bool,
    visible: &impl Fn(Point) -> bool,
) -> Option<Site> {
    const STEPS: u32 = 60;
    let mut per_bone: Vec<Vec<Site>> = Vec::new();
    for (bone, shape) in scene.bones.iter().enumerate() {
        let Some((from, to)) = shape.breakable else {
            continue;
        };
        let sites: Vec<Site> = (0..=STEPS)
            .map(|i| from + (to - from) * i as f32 / STEPS as f32)
            .filter_map(|s| site(shape, bone, s))
            .filter(|site| visible(shape.frame.place(site.s, site.centre)))
            .collect();
        if !sites.is_empty() {
            per_bone.push(sites);
        }
    }
    let sites = per_bone.get(dice.below(per_bone.len() as u32) as usize)?;
    let mut draw = || sites.get(dice.below(sites.len() as u32) as usize).copied();
    let (a, b) = (draw()?, draw()?);
    Some(if flared && b.radius > a.radius { b } else { a })
}

fn site(shape: &Shape, bone: usize, s: f32) -> Option<Site> {
    let at = shape.station(s)?;
    (at.radius > 0.05).then_some(Site {
        bone,
        s,
        centre: at.centre,
        radius: at.radius,
    })
}

/// The place on a parallel bone level with `site`.
fn beside(scene: &Scene, at: Site) -> Option<Site> {
    let own = scene.bones[at.bone].chain;
    let spot = point(scene, at);
    scene.bones.iter().enumerate().find_map(|(i, shape)| {
        let (from, to) = shape.breakable?;
        let parallel = shape.chain.0 != own.0 && shape.chain.1 == own.1 && shape.length > 9.0;
        let s = shape.frame.locate(spot).0;
        (parallel && s > from && s < to)
            .then(|| site(shape, i, s))
            .flatten()
    })
}

/// Breaks the bone at `site` and moves what lies beyond. Returns the angulation, radians, for the bone beside to follow.
fn displace(
    scene: &mut Scene,
    at: Site,
    kind: FractureKind,
    plain: f32,
    dice: &mut Dice,
    follow: Option<f32>,
    injury: &mut Injury,
) -> f32 {
    let r = at.radius;
    let gap = (scene.view.side() * (0.008 + 0.014 * plain) * dice.between(0.8, 1.2)).min(0.6 * r);
    let rough = dice.between(0.06, 0.16);
    let place = (at.s, at.centre, r);
    let (lower, upper) = courses(kind, dice);
    let mut first = Crack::new(place, lower, rough, gap, dice);
    let second = upper.map(|course| Crack::new(place, course, rough, gap, dice));

    // Undisplaced fractures are common; they may also be incomplete, closing towards one side.
    let displaced = follow.is_some() || dice.chance(0.35 + 0.6 * plain);
    let (mut turn, mut shift) = (0.0, (0.0, 0.0));
    if displaced {
        turn = follow
            .unwrap_or(plain * 0.19 * dice.bell())
            .clamp(-0.4, 0.4);
        let across = dice.sign() * r * plain * dice.between(0.25, 1.1);
        let along = if dice.chance(0.4) {
            -plain * r * dice.between(0.0, 0.5)
        } else {
            gap * dice.between(0.0, 0.7)
        };
        shift = (along, across);
    } else if second.is_none() && dice.chance(0.4) {
        let closed = dice.between(-0.6, 0.4);
        first.open = if dice.chance(0.5) {
            (1.0, closed)
        } else {
            (closed, 1.0)
        };
    }
    let bone = &scene.bones[at.bone];
    let free = bone.chain.0 != 1 || scene.bones.iter().filter(|b| b.chain.0 == 1).count() > 1;
    if !free {
        // The parallel bone holds the hand or foot in place, so this one cannot swing far.
        let most = 0.4 / (bone.length - at.s).max(0.5);
        turn = turn.clamp(-most, most);
    }
    let (ax, ay) = bone.frame.axis;
    let motion = Motion {
        pivot: point(scene, at),
        turn,
        shift: (shift.0 * ax - shift.1 * ay, shift.0 * ay + shift.1 * ax),
    };
    let reach = first.reach().max(second.as_ref().map_or(0.0, Crack::reach));
    let frame = bone.frame;
    let corners = |f: Frame| {
        [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]
            .map(|(s, v)| f.place(at.s + s * (reach + 0.15 * r), at.centre + v * 1.15 * r))
    };
    let mut all: Vec<Point> = corners(frame).to_vec();
    all.extend(corners(motion.apply(frame)));
    injury.corners.push(all);

    part(
        &mut scene.bones[at.bone],
        at,
        &motion,
        first,
        second,
        plain,
        dice,
    );
    if matches!(kind, FractureKind::Comminuted) {
        chips(scene, at, dice);
    }
    carry(scene, at, &motion, shift.1);
    turn
}

/// The line or, for a comminuted fracture, the two lines along which the bone parts.
fn courses(kind: FractureKind, dice: &mut Dice) -> (Course, Option<Course>) {
    let hand = dice.sign();
    match kind {
        FractureKind::Transverse | FractureKind::Buckle => (
            Course::Straight {
                slope: 0.12 * dice.bell(),
                lag: 0.1 * dice.bell(),
            },
            None,
        ),
        FractureKind::Oblique => (
            Course::Straight {
                slope: hand * dice.between(0.6, 1.6),
                lag: 0.25 * dice.bell(),
            },
            None,
        ),
        FractureKind::Spiral => (
            Course::Helix {
                pitch: dice.between(2.6, 4.6),
                hand,
            },
            None,
        ),
        FractureKind::Comminuted => {
            let width = dice.between(1.2, 2.8);
            (
                Course::Flank {
                    width: -width * dice.between(0.6, 1.0),
                    hand,
                },
                Some(Course::Flank { width, hand }),
            )
        }
    }
}

/// Replaces the whole bone by its pieces.
fn part(
    bone: &mut Shape,
    at: Site,
    motion: &Motion,
    first: Crack,
    second: Option<Crack>,
    plain: f32,
    dice: &mut Dice,
) {
    let near = Fragment::whole(bone.frame);
    let far = Fragment::whole(motion.apply(bone.frame));
    bone.fragments = match second {
        None => vec![
            Fragment {
                before: Some(first.clone()),
                ..near
            },
            Fragment {
                after: Some(first),
                ..far
            },
        ],
        Some(second) => {
            let out = dice.sign() * at.radius * plain * dice.between(0.2, 0.8);
            let (ax, ay) = bone.frame.axis;
            let wedge = Motion {
                pivot: motion.pivot,
                turn: 0.5 * motion.turn + 0.1 * plain * dice.bell(),
                shift: (
                    0.5 * motion.shift.0 - out * ay,
                    0.5 * motion.shift.1 + out * ax,
                ),
            };
            let course = Course::Straight {
                slope: dice.sign() * dice.between(0.4, 1.4),
                lag: 0.2 * dice.bell(),
            };
            let place = (at.s, at.centre, at.radius);
            let fissure = Crack::new(place, course, 0.15, 0.5 * first.gap, dice);
            vec![
                Fragment {
                    before: Some(first.clone()),
                    ..near
                },
                Fragment {
                    frame: wedge.apply(bone.frame),
                    after: Some(first),
                    before: Some(second.clone()),
                    fissure: dice.chance(0.5).then_some(fissure),
                },
                Fragment {
                    after: Some(second),
                    ..far
                },
            ]
        }
    };
}

/// Strews one to three splinters beside a comminuted fracture.
fn chips(scene: &mut Scene, at: Site, dice: &mut Dice) {
    // Splinters come from the wall, which is no thicker where the bone is wide.
    let r = at.radius.min(1.3);
    let frame = scene.bones[at.bone].frame;
    let chain = scene.bones[at.bone].chain;
    for _ in 0..=dice.below(3) {
        let spot = frame.child(
            at.s + 1.1 * r * dice.bell(),
            at.centre + dice.sign() * (at.radius - r + r * dice.between(0.6, 1.4)),
            dice.between(-0.9, 0.9),
        );
        let (a, b) = (r * dice.between(0.2, 0.5), r * dice.between(0.09, 0.2));
        let knob = Knob {
            s: 0.0,
            v: 0.0,
            half: (a, b, 0.8 * r * dice.between(0.3, 0.7)),
            skew: 0.15 * dice.bell().clamp(-2.0, 2.0),
            shell: 0.6 * b,
        };
        let grain = dice.unit();
        scene
            .bones
            .push(Shape::short(spot, vec![knob], chain, grain));
    }
}

/// Moves all that hangs on the outer piece: bones and flesh further out on the chain.
fn carry(scene: &mut Scene, at: Site, motion: &Motion, across: f32) {
    let (chain, order) = scene.bones[at.bone].chain;
    for bone in &mut scene.bones {
        if bone.chain.0 == chain && bone.chain.1 > order {
            bone.frame = motion.apply(bone.frame);
            for fragment in &mut bone.fragments {
                fragment.frame = motion.apply(fragment.frame);
            }
        }
    }
    for tube in &mut scene.tubes {
        if tube.chain.0 != chain {
            continue;
        }
        if tube.chain.1 > order {
            tube.frame = motion.apply(tube.frame);
        } else {
            let s = tube.frame.locate(motion.pivot).0;
            tube.kink(s, 0.5 * across, motion.turn);
        }
    }
}

/// A buckle (torus) fracture: the wall bulges, nothing parts. Returns the corners of what changed.
fn buckle(scene: &mut Scene, at: Site, plain: f32, dice: &mut Dice) -> Vec<Point> {
    let r = at.radius;
    let height = r * (0.15 + 0.4 * plain) * dice.between(0.8, 1.2);
    let width = r * dice.between(0.45, 0.8);
    let both = dice.chance(0.4);
    let side = dice.sign();
    let dense = 0.1 * plain;
    let bone = &mut scene.bones[at.bone];
    bone.reshape(|s, station| {
        let b = bump((s - at.s) / width);
        // The wall just short of the bulge is drawn in a little, which is what makes it a fold.
        let dip = 0.35 * bump((s - at.s + 1.3 * width) / width);
        let rise = height * (b - dip);
        station.radius = (station.radius + if both { rise } else { 0.5 * rise }).max(0.02);
        station.centre += if both { 0.0 } else { 0.5 * side * rise };
        station.filling += dense * b;
    });
    [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)]
        .map(|(s, v)| {
            bone.frame
                .place(at.s + s * 1.6 * width, at.centre + v * (r + height))
        })
        .to_vec()
}
