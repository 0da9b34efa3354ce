//! Side markers: L or R in lead or burned in, sometimes with a few digits or on a plate. Letters are strokes; there is no font.

use super::calc::step;
use super::dice::Dice;
use super::frame::{Frame, Patch};
use super::limb::View;

/// A stroke from one point to another, in a cell one unit high and about 0.6 wide, y down.
type Stroke = ((f32, f32), (f32, f32));

const L: &[Stroke] = &[((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (0.55, 1.0))];
const R: &[Stroke] = &[
    ((0.0, 0.0), (0.0, 1.0)),
    ((0.0, 0.0), (0.4, 0.02)),
    ((0.4, 0.02), (0.55, 0.25)),
    ((0.55, 0.25), (0.4, 0.48)),
    ((0.4, 0.48), (0.0, 0.5)),
    ((0.25, 0.5), (0.58, 1.0)),
];
/// The bars of a seven-segment digit: top, upper left, upper right, middle, lower left, lower right, bottom.
const BARS: [Stroke; 7] = [
    ((0.0, 0.0), (0.5, 0.0)),
    ((0.0, 0.0), (0.0, 0.5)),
    ((0.5, 0.0), (0.5, 0.5)),
    ((0.0, 0.5), (0.5, 0.5)),
    ((0.0, 0.5), (0.0, 1.0)),
    ((0.5, 0.5), (0.5, 1.0)),
    ((0.0, 1.0), (0.5, 1.0)),
];
const DIGITS: [u8; 10] = [0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f];

/// Draws the marker, if any, on a map of image values 0..=1; `busy` says how much of the limb covers a pixel.
pub(super) fn draw(view: View, busy: &[f32], film: &mut [f32], dice: &mut Dice) {
    if !dice.chance(0.6) {
        return;
    }
    let side = view.side();
    let height = side * dice.between(0.03, 0.06);
    let letter = if dice.chance(0.5) { L } else { R };
    let digits = if dice.chance(0.3) {
        1 + dice.below(3)
    } else {
        0
    };
    let bright = dice.between(0.75, 1.0);
    let plate = dice.chance(0.3).then(|| dice.between(0.1, 0.35));
    let turn = match dice.below(6) {
        0 => dice.between(-3.1, 3.1),
        1 => 1.57,
        _ => 0.12 * dice.bell(),
    };
    let length = height * (0.6 + 0.75 * digits as f32);
    let frame = roomy(view, busy, dice, length).child(-0.5 * length, -0.5 * height, 0.0);
    let frame = Frame {
        axis: Frame::new((0.0, 0.0), turn).axis,
        ..frame
    };
    if let Some(level) = plate {
        let pad = 0.35 * height;
        let patch = Patch {
            frame,
            s: (-pad, length + pad),
            v: (-pad, height + pad),
        };
        patch.each(view.size(), view.per_cm, |i, _, _| {
            film[i] += level * (1.0 - film[i]);
        });
    }
    let pen = height * dice.between(0.05, 0.1);
    let mirrored = dice.chance(0.06);
    let mut write = |strokes: &[Stroke], left: f32| {
        for &stroke in strokes {
            ink(
                view,
                frame,
                film,
                (stroke, left, height),
                pen,
                (bright, mirrored),
            );
        }
    };
    write(letter, 0.0);
    for digit in 0..digits {
        let bars = DIGITS[dice.below(10) as usize];
        let lit: Vec<Stroke> = (0..7)
            .filter(|bar| bars >> bar & 1 == 1)
            .map(|bar| BARS[bar])
            .collect();
        write(&lit, (0.9 + 0.75 * digit as f32) * height);
    }
}

/// One stroke of a letter of the given height whose left edge is at `left`.
fn ink(
    view: View,
    frame: Frame,
    film: &mut [f32],
    (stroke, left, height): (Stroke, f32, f32),
    pen: f32,
    (bright, mirrored): (f32, bool),
) {
    let flip = |y: f32| if mirrored { 1.0 - y } else { y } * height;
    let a = (left + stroke.0.0 * height, flip(stroke.0.1));
    let b = (left + stroke.1.0 * height, flip(stroke.1.1));
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length2 = (dx * dx + dy * dy).max(1e-9);
    let soft = 1.0 / view.per_cm;
    let reach = pen + soft;
    let patch = Patch {
        frame,
        s: (a.0.min(b.0) - reach, a.0.max(b.0) + reach),
        v: (a.1.min(b.1) - reach, a.1.max(b.1) + reach),
    };
    patch.each(view.size(), view.per_cm, |i, s, v| {
        let t = (((s - a.0) * dx + (v - a.1) * dy) / length2).clamp(0.0, 1.0);
        let (ex, ey) = (s - a.0 - t * dx, v - a.1 - t * dy);
        let d = (ex * ex + ey * ey).sqrt();
        let cover = step((pen - d) / soft + 0.5);
        film[i] += (bright - film[i]).max(0.0) * cover;
    });
}

/// Of a dozen places the one where the limb covers least.
fn roomy(view: View, busy: &[f32], dice: &mut Dice, length: f32) -> Frame {
    let inset = 0.5 * length + 0.03 * view.side();
    let (w, h) = (
        view.width as f32 / view.per_cm,
        view.height as f32 / view.per_cm,
    );
    let mut best = ((0.5 * w, 0.5 * h), f32::MAX);
    for _ in 0..12 {
        let spot = (
            dice.between(inset, (w - inset).max(inset)),
            dice.between(inset, (h - inset).max(inset)),
        );
        let mut sum = 0.0;
        for k in 0..9 {
            let x = spot.0 + (k % 3 - 1) as f32 * 0.5 * length;
            let y = spot.1 + (k / 3 - 1) as f32 * 0.5 * length;
            let column = ((x * view.per_cm) as usize).min(view.width - 1);
            let row = ((y * view.per_cm) as usize).min(view.height - 1);
            sum += busy.get(row * view.width + column).copied().unwrap_or(0.0);
        }
        if sum < best.1 {
            best = (spot, sum);
        }
    }
    Frame::new(best.0, 0.0)
}
