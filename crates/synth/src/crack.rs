//! The surface that parts a bone in two, and the shapes it takes.
//!
//! Seen along the beam a crack is two lines, one in the front wall and one in the back wall, which coincide only when the
//! crack runs along the beam. Each is a function `s(x)` of the place across the bone, `x = −1` and `x = 1` at its edges.

use super::calc::{lerp, step};
use super::dice::Dice;

const KNOTS: usize = 53;
/// The lines are known for `|x| ≤ EDGE`; beyond they run on level.
const EDGE: f32 = 1.3;

/// A crack through a bone, in the bone's own frame, cm.
#[derive(Clone, Debug)]
pub(super) struct Crack {
    pub(super) s: f32,
    pub(super) centre: f32,
    pub(super) radius: f32,
    front: Vec<f32>,
    back: Vec<f32>,
    /// Width of the gap, cm, shared by both sides.
    pub(super) gap: f32,
    /// Share of the gap at `x = −1` and at `x = 1`: an incomplete fracture closes on one side.
    pub(super) open: (f32, f32),
}

/// The courses a crack may take across a bone; lengths in radii.
#[derive(Clone, Copy, Debug)]
pub(super) enum Course {
    /// Rises by `slope` a radius; the back wall lies `lag` further.
    Straight { slope: f32, lag: f32 },
    /// Half a helix turn in front, half behind, over `pitch`.
    Helix { pitch: f32, hand: f32 },
    /// From the edge `x = −hand` outwards: one flank of a wedge that is `width` wide at the other edge.
    Flank { width: f32, hand: f32 },
}

impl Crack {
    /// A crack at the station `(s, centre, radius)`, whose lines stray by about `rough` radii.
    pub(super) fn new(
        (s, centre, radius): (f32, f32, f32),
        course: Course,
        rough: f32,
        gap: f32,
        dice: &mut Dice,
    ) -> Self {
        let shared = jagged(dice, rough * radius);
        let mut line = |behind: bool| -> Vec<f32> {
            let own = jagged(dice, 0.45 * rough * radius);
            (0..KNOTS)
                .map(|i| {
                    let x = lerp(-EDGE, EDGE, i as f32 / (KNOTS - 1) as f32);
                    course.at(x, behind) * radius + shared[i] + own[i]
                })
                .collect()
        };
        Self {
            s,
            centre,
            radius,
            front: line(false),
            back: line(true),
            gap,
            open: (1.0, 1.0),
        }
    }

    /// The half-height of the crack along the bone, cm.
    pub(super) fn reach(&self) -> f32 {
        let inside = KNOTS / 8..KNOTS - KNOTS / 8;
        let most = |line: &[f32]| {
            line.get(inside.clone())
                .unwrap_or_default()
                .iter()
                .fold(0.0_f32, |m, f| m.max(f.abs()))
        };
        most(&self.front).max(most(&self.back)) + 0.5 * self.gap
    }

    /// How far `(s, v)` lies past the front and the back line, and half the gap there, cm.
    pub(super) fn past(&self, s: f32, v: f32) -> ([f32; 2], f32) {
        let x = ((v - self.centre) / self.radius).clamp(-EDGE, EDGE);
        let at = (x + EDGE) / (2.0 * EDGE) * (KNOTS - 1) as f32;
        let i = (at as usize).min(KNOTS - 2);
        let t = at - i as f32;
        let open = lerp(self.open.0, self.open.1, 0.5 * (x + 1.0)).clamp(0.0, 1.0);
        let d = s - self.s;
        (
            [
                d - lerp(self.front[i], self.front[i + 1], t),
                d - lerp(self.back[i], self.back[i + 1], t),
            ],
            0.5 * self.gap * open,
        )
    }
}

impl Course {
    fn at(self, x: f32, behind: bool) -> f32 {
        match self {
            Self::Straight { slope, lag } => slope * x + if behind { lag } else { -lag } * 0.5,
            Self::Helix { pitch, hand } => {
                // arccos(x)/π by an S-shaped cubic, error below 0.03.
                let x = (x * hand).clamp(-1.0, 1.0);
                let turn = 0.5 - 0.5 * x * (0.64 + 0.36 * x * x);
                0.5 * pitch * if behind { 1.0 - turn } else { turn - 1.0 }
            }
            Self::Flank { width, hand } => 0.5 * width * (1.0 + x * hand).max(-0.1),
        }
    }
}

/// A zigzag of about `size` cm with fine teeth on coarse ones: bone does not break along a ruler.
fn jagged(dice: &mut Dice, size: f32) -> Vec<f32> {
    let mut line = vec![0.0; KNOTS];
    for (stride, share) in [(9.0, 1.0), (3.6, 0.45)] {
        let teeth: Vec<f32> = (0..KNOTS)
            .map(|_| 0.7 * dice.bell() * share * size)
            .collect();
        for (i, value) in line.iter_mut().enumerate() {
            let at = i as f32 / stride;
            let tooth = at as usize;
            *value += lerp(teeth[tooth], teeth[tooth + 1], at - tooth as f32);
        }
    }
    line
}

/// The share of bone left on one side of a line: 0 inside the gap, 1 beyond, over an edge of `soft` cm.
pub(super) fn share(beyond: f32, soft: f32) -> f32 {
    step(beyond / soft + 0.5)
}
