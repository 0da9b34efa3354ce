//! From attenuation to gray: scatter, heel effect, quantum noise, processing and window.

use super::beam::Map;
use super::blur::{Broad, fine};
use super::calc::{exp, ln, sin_cos};
use super::dice::Dice;
use super::limb::View;

/// How one image was exposed and processed.
#[derive(Clone, Copy, Debug)]
struct Exposure {
    /// Scattered over primary photons.
    scatter: f32,
    /// Heel effect and uneven field: slope of the log exposure over the image, `(right, down)`, and its fall to the corners.
    heel: (f32, f32),
    vignette: f32,
    /// Standard deviation of the noise in log exposure where the window ends.
    noise: f32,
    /// Strength of the edge enhancement that digital systems apply.
    enhance: f32,
    /// Share of the slow changes of the log exposure that digital systems take out, so that thick and thin parts both show.
    level: f32,
    /// Blur of detector and screen: weight of each neighbour.
    blur: f32,
    /// Gray of the window's two ends, 0..=1, and the curve between.
    black: f32,
    white: f32,
    gamma: f32,
}

impl Exposure {
    fn draw(dice: &mut Dice) -> Self {
        let faint = dice.chance(0.05);
        Self {
            scatter: dice.between(0.04, 0.28),
            heel: (0.08 * dice.bell(), 0.08 * dice.bell()),
            vignette: dice.between(0.0, 0.15),
            noise: 0.005 + 0.03 * dice.unit() * dice.unit() * dice.unit(),
            enhance: if dice.chance(0.75) {
                dice.between(0.2, 0.9)
            } else {
                0.0
            },
            level: dice.between(0.15, 0.6),
            blur: dice.between(0.06, 0.2),
            black: 0.02 + 0.2 * dice.unit() * dice.unit(),
            white: if faint {
                dice.between(0.45, 0.7)
            } else {
                dice.between(0.82, 1.0)
            },
            gamma: exp(0.22 + 0.18 * dice.bell()),
        }
    }
}

/// Image values 0..=1 (black to white) from attenuation with (`map`) and without (`plain`) metal; the window is set where there is
/// none, as automatic exposure looks at the patient.
pub(super) fn develop(
    view: View,
    plain: &[f32],
    map: &[f32],
    dice: &mut Dice,
    grain: &mut Dice,
) -> Map {
    let e = Exposure::draw(dice);
    let block = (view.width.max(view.height) / 28).max(4);
    let mut film = arrive(view, map, &e, block);
    fine(&mut film, view.width, e.blur);

    let thick = window(&film, plain, map).1;
    let speckle = grains(film.len(), view.width, grain);
    for (value, speck) in film.iter_mut().zip(&speckle) {
        *value += e.noise * exp(0.5 * (*value - thick).clamp(-6.0, 1.5)) * speck;
    }
    flatten(&mut film, view.width, 2 * block, e.level, 10.0);
    flatten(&mut film, view.width, (block / 3).max(3), -e.enhance, 0.35);

    let (low, high) = window(&film, plain, map);
    let curve = Curve::new(&e);
    let scale = 1.0 / (high - low).max(0.15);
    for value in &mut film {
        *value = curve.at((*value - low) * scale);
    }
    film
}

/// The log exposure, negated so that dense is high: primary photons `e^−L` plus scattered ones, over an uneven field.
fn arrive(view: View, map: &[f32], e: &Exposure, block: usize) -> Map {
    let mut film: Map = map.iter().map(|&l| exp(-l)).collect();
    let mean = film.iter().sum::<f32>() / film.len().max(1) as f32;
    let mut broad = Broad::new(&film, view.width, block);
    for (y, row) in film.chunks_exact_mut(view.width).enumerate() {
        let v = y as f32 / view.height as f32 - 0.5;
        for (x, (value, scattered)) in row.iter_mut().zip(broad.row(y)).enumerate() {
            let u = x as f32 / view.width as f32 - 0.5;
            let uneven = e.heel.0 * u + e.heel.1 * v + e.vignette * (u * u + v * v);
            *value = uneven - ln(*value + e.scatter * (0.75 * scattered + 0.25 * mean));
        }
    }
    film
}

/// Takes out the share `level` of what varies over more than about `4·block` pixels; a negative share sharpens what varies
/// over less. `most` bounds the change.
fn flatten(film: &mut [f32], width: usize, block: usize, level: f32, most: f32) {
    if level == 0.0 {
        return;
    }
    let mut broad = Broad::new(film, width, block);
    for (y, row) in film.chunks_exact_mut(width).enumerate() {
        for (value, around) in row.iter_mut().zip(broad.row(y)) {
            *value -= if level > 0.0 {
                level * around
            } else {
                level * (*value - around).clamp(-most, most)
            };
        }
    }
}

/// The log exposures that become black and white: bare image or the thinnest flesh, and the densest bone but for a little.
fn window(film: &[f32], plain: &[f32], map: &[f32]) -> (f32, f32) {
    let mut sample: Vec<f32> = film
        .iter()
        .zip(plain.iter().zip(map))
        .step_by(31)
        .filter(|(_, (plain, map))| *map - *plain < 1e-3)
        .map(|(value, _)| *value)
        .collect();
    let mut rank = |share: f32| {
        let i = (share * sample.len() as f32) as usize;
        if i < sample.len() {
            *sample.select_nth_unstable_by(i, f32::total_cmp).1
        } else {
            0.0
        }
    };
    (rank(0.03), rank(0.99))
}

/// Approximately normal noise of unit deviation, slightly smeared, as image grain and phosphor make it.
fn grains(count: usize, width: usize, dice: &mut Dice) -> Map {
    let mut grains: Map = (0..count).map(|_| dice.bell()).collect();
    let side = dice.between(0.05, 0.28);
    fine(&mut grains, width, side);
    // Each pass keeps the share √(m² + 2·side²) of the deviation.
    let m = 1.0 - 2.0 * side;
    let keep = m * m + 2.0 * side * side;
    for grain in &mut grains {
        *grain /= keep;
    }
    grains
}

/// The characteristic curve: a toe and a shoulder around a power law, tabulated.
struct Curve(Vec<f32>);

impl Curve {
    const STEPS: usize = 1024;
    /// The table reaches from −0.5 to 1.5 of the window.
    const REACH: f32 = 2.0;

    fn new(e: &Exposure) -> Self {
        let table = (0..=Self::STEPS + 1)
            .map(|i| {
                let x = i as f32 / Self::STEPS as f32 * Self::REACH - 0.5;
                // Past its ends the window bends instead of clipping.
                let x = if x > 0.9 {
                    1.0 - 0.1 * exp(-(x - 0.9) / 0.1)
                } else if x < 0.06 {
                    0.06 * exp((x - 0.06) / 0.06)
                } else {
                    x
                };
                let curved = exp(e.gamma * ln(x));
                // A gentle S for contrast.
                let s = curved - 0.04 * sin_cos(curved * std::f32::consts::TAU).0;
                e.black + (e.white - e.black) * s
            })
            .collect();
        Self(table)
    }

    fn at(&self, x: f32) -> f32 {
        let place = ((x + 0.5) / Self::REACH).clamp(0.0, 1.0) * Self::STEPS as f32;
        let i = place as usize;
        self.0[i] + (self.0[i + 1] - self.0[i]) * (place - i as f32)
    }
}
