//! What happens to pictures on their way to a program: turned, cut, framed, inverted, tinted, encoded again, drawn on. Images and others alike, so that none
//! of it tells them apart.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, Rgb, RgbImage};
use osteon_data::{ColorSample, DecodeScratch, Decoder, GrayView};
use osteon_gate::{Class, Picture};

use crate::dice::Dice;

/// The longest side that is worked on.
const WORK: u32 = 512;

/// A picture, changed at random; `plain` leaves it as it is but for its size. `class` decides how much: of a photograph any part is a photograph, of an image it
/// is not sure; and an image in colour is an image that was tinted or drawn on.
#[must_use]
pub fn vary(image: &DynamicImage, class: Class, seed: u64, index: u64, plain: bool) -> Picture {
    let mut dice = Dice::new(seed, "vary", index);
    let mut work = fitting(image.clone()).to_rgb8();
    if plain {
        let color = image.color().has_color();
        return finished(&work, color, None);
    }
    let film = class != Class::Other;
    cut(&mut work, &mut dice, film);
    turn(&mut work, &mut dice);
    let mut color = image.color().has_color() && (film || dice.chance(0.4));
    if !color {
        let gray = DynamicImage::ImageRgb8(work).to_luma8();
        work = DynamicImage::ImageLuma8(gray).to_rgb8();
    }
    processing(&mut work, &mut dice);
    if class == Class::Radiograph && dice.chance(0.06) {
        metal(&mut work, &mut dice);
    }
    tone(&mut work, &mut dice);
    if dice.chance(0.35) {
        let long = work.width().max(work.height()) as f32;
        let to = dice.between(0.3, 1.0) * long;
        work = scaled(&work, (to / long).max(96.0 / long));
    }
    if dice.chance(0.12) {
        collimate(&mut work, &mut dice);
    }
    frame(&mut work, &mut dice);
    if dice.chance(0.2) {
        imageops::invert(&mut work);
    }
    if film && dice.chance(0.12) {
        tint(&mut work, &mut dice);
        color = true;
    }
    if dice.chance(if film { 0.12 } else { 0.05 }) {
        annotate(&mut work, seed, index);
        color = true;
    } else if dice.chance(0.08) {
        letters(&mut work, &mut dice);
    }
    let quality = dice.chance(0.6).then(|| dice.between(20.0, 97.0) as u8);
    finished(&work, color || dice.chance(0.15), quality)
}

/// A picture no larger than is worked on.
pub fn fitting(image: DynamicImage) -> DynamicImage {
    if image.width().max(image.height()) > WORK {
        image.resize(WORK, WORK, FilterType::Triangle)
    } else {
        image
    }
}

fn scaled(image: &RgbImage, scale: f32) -> RgbImage {
    let side = |v: u32| ((v as f32 * scale).round() as u32).max(16);
    imageops::resize(
        image,
        side(image.width()),
        side(image.height()),
        FilterType::Triangle,
    )
}

/// As a file would be read: as JPEG if a quality is given.
fn finished(work: &RgbImage, color: bool, quality: Option<u8>) -> Picture {
    let gray = DynamicImage::ImageRgb8(work.clone()).to_luma8();
    if let Some(quality) = quality {
        let mut bytes = Cursor::new(Vec::new());
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        let done = if color {
            work.write_with_encoder(encoder)
        } else {
            gray.write_with_encoder(encoder)
        };
        let mut scratch = DecodeScratch::default();
        if done.is_ok()
            && let Ok((film, color)) =
                Decoder::default().decode_in_color(bytes.get_ref(), None, &mut scratch)
        {
            return Picture::new(film.view, color);
        }
    }
    let sample = color.then(|| {
        ColorSample::of(work.width(), work.height(), |i| {
            let at = 3 * i;
            [
                work.as_raw()[at],
                work.as_raw()[at + 1],
                work.as_raw()[at + 2],
            ]
        })
    });
    Picture::new(GrayView::from(&gray), sample)
}

fn cut(work: &mut RgbImage, dice: &mut Dice, film: bool) {
    if !dice.chance(if film { 0.4 } else { 0.7 }) {
        return;
    }
    let least = if film { 0.55 } else { 0.25 };
    let (w, h) = work.dimensions();
    let part = |length: u32, dice: &mut Dice| {
        let keep =
            ((length as f32 * dice.between(least, 1.0)) as u32).clamp(length.min(48), length);
        (dice.below((length - keep + 1) as usize) as u32, keep)
    };
    let ((x, cw), (y, ch)) = (part(w, dice), part(h, dice));
    *work = imageops::crop_imm(work, x, y, cw, ch).to_image();
}

fn turn(work: &mut RgbImage, dice: &mut Dice) {
    *work = match dice.below(8) {
        0 => imageops::rotate90(work),
        1 => imageops::rotate180(work),
        2 => imageops::rotate270(work),
        _ => std::mem::take(work),
    };
    if dice.chance(0.5) {
        imageops::flip_horizontal_in_place(work);
    }
    if dice.chance(0.25) {
        let angle = dice.between(-0.5, 0.5);
        let ground = match dice.below(3) {
            0 | 1 => Rgb([0; 3]),
            _ => *work.get_pixel(0, 0),
        };
        *work = imageproc::geometric_transformations::rotate_about_center(
            work,
            angle,
            imageproc::geometric_transformations::Interpolation::Bilinear,
            imageproc::geometric_transformations::Border::Constant(ground),
        );
    }
}

/// What the machines of one maker do and those of another do not: edges enhanced, large differences of brightness evened out, levels spread evenly.
fn processing(work: &mut RgbImage, dice: &mut Dice) {
    let long = work.width().max(work.height()) as f32;
    if dice.chance(0.25) {
        let blurred = imageops::fast_blur(work, long * dice.between(0.002, 0.02));
        let strength = dice.between(0.3, 2.5);
        for (v, &around) in work.iter_mut().zip(blurred.as_raw()) {
            *v = (f32::from(*v) + strength * (f32::from(*v) - f32::from(around))).round() as u8;
        }
    }
    if dice.chance(0.2) {
        let blurred = imageops::fast_blur(work, long * dice.between(0.04, 0.15));
        let (keep, gain) = (dice.between(0.1, 0.9), dice.between(0.8, 2.2));
        let level = dice.between(90.0, 160.0);
        for (v, &around) in work.iter_mut().zip(blurred.as_raw()) {
            let (v32, around) = (f32::from(*v), f32::from(around));
            *v = (level + keep * (around - level) + gain * (v32 - around)).round() as u8;
        }
    }
    if dice.chance(0.12) {
        let share = dice.between(0.3, 1.0);
        let mut counts = [0.0_f32; 256];
        for pixel in work.pixels() {
            counts[usize::from(pixel.0[1])] += 1.0;
        }
        let total = (work.width() * work.height()) as f32;
        let mut below = 0.0;
        let table: [u8; 256] = std::array::from_fn(|v| {
            below += counts[v];
            let even = 255.0 * (below - 0.5 * counts[v]) / total;
            (share * even + (1.0 - share) * v as f32).round() as u8
        });
        for v in work.iter_mut() {
            *v = table[usize::from(*v)];
        }
    }
}

/// Plates, nails and prostheses: bright, sharp, of one level.
fn metal(work: &mut RgbImage, dice: &mut Dice) {
    let (w, h) = (work.width() as f32, work.height() as f32);
    let long = w.max(h);
    let level = Rgb([dice.between(225.0, 255.0) as u8; 3]);
    let middle = (w * dice.between(0.35, 0.65), h * dice.between(0.35, 0.65));
    let turn = dice.between(0.0, std::f32::consts::TAU);
    for _ in 0..=dice.below(3) {
        let (angle, far) = (turn + 0.15 * dice.bell(), long * dice.between(0.05, 0.3));
        let end = (middle.0 + far * angle.cos(), middle.1 + far * angle.sin());
        stroke(work, middle, end, long * dice.between(0.01, 0.09), level);
    }
    for _ in 0..dice.below(6) {
        let far = long * dice.between(0.0, 0.3);
        let at = (middle.0 + far * turn.cos(), middle.1 + far * turn.sin());
        let (angle, length) = (turn + 1.57 + 0.3 * dice.bell(), long * 0.06);
        let end = (at.0 + length * angle.cos(), at.1 + length * angle.sin());
        stroke(work, at, end, long * 0.012, level);
    }
}

/// All outside a turned rectangle of one level, as a collimator leaves it.
fn collimate(work: &mut RgbImage, dice: &mut Dice) {
    let (w, h) = (work.width() as f32, work.height() as f32);
    let (sin, cos) = (0.15 * dice.bell()).sin_cos();
    let (half_w, half_h) = (w * dice.between(0.33, 0.5), h * dice.between(0.33, 0.5));
    let (cx, cy) = (w * dice.between(0.42, 0.58), h * dice.between(0.42, 0.58));
    let level = if dice.chance(0.75) {
        0.0
    } else {
        dice.between(60.0, 255.0)
    };
    let kept = dice.between(0.0, 0.3) * f32::from(u8::from(dice.chance(0.5)));
    for (x, y, pixel) in work.enumerate_pixels_mut() {
        let (dx, dy) = (x as f32 - cx, y as f32 - cy);
        let inside = (dx * cos + dy * sin).abs() < half_w && (dy * cos - dx * sin).abs() < half_h;
        if !inside {
            for v in &mut pixel.0 {
                *v = (level + kept * (f32::from(*v) - level)).round() as u8;
            }
        }
    }
}

fn tone(work: &mut RgbImage, dice: &mut Dice) {
    if dice.chance(0.5) {
        let gamma = (0.55 * dice.bell()).exp();
        let (low, high) = (dice.between(-0.35, 0.25), dice.between(0.7, 1.5));
        let table: [u8; 256] = std::array::from_fn(|v| {
            let v = (v as f32 / 255.0).powf(gamma);
            ((low + (high - low) * v) * 255.0).round() as u8
        });
        for v in work.iter_mut() {
            *v = table[usize::from(*v)];
        }
    }
    if dice.chance(0.15) {
        *work = imageops::fast_blur(work, dice.between(0.4, 2.0));
    }
    if dice.chance(0.15) {
        let strength = dice.between(1.0, 12.0);
        for pixel in work.pixels_mut() {
            let grain = strength * dice.bell();
            for v in &mut pixel.0 {
                *v = (f32::from(*v) + grain).round() as u8;
            }
        }
    }
    if dice.chance(0.1) {
        // Light that falls off to one side, as on an image before a lamp.
        let (w, h) = work.dimensions();
        let (dx, dy) = (dice.between(-0.4, 0.4), dice.between(-0.4, 0.4));
        for (x, y, pixel) in work.enumerate_pixels_mut() {
            let lit = 0.9 + dx * (x as f32 / w as f32 - 0.5) + dy * (y as f32 / h as f32 - 0.5);
            for v in &mut pixel.0 {
                *v = (f32::from(*v) * lit).round() as u8;
            }
        }
    }
}

/// Bars at two sides or a frame around, of one level.
fn frame(work: &mut RgbImage, dice: &mut Dice) {
    if !dice.chance(0.2) {
        return;
    }
    let (w, h) = work.dimensions();
    let level = match dice.below(5) {
        0..=2 => 0,
        3 => 255,
        _ => (dice.unit() * 255.0) as u8,
    };
    let mut pad = |length: u32| (length as f32 * dice.between(0.0, 0.4)) as u32;
    let (x, y) = match (pad(w), pad(h)) {
        (x, y) if x > y => (x, y / 6),
        (x, y) => (x / 6, y),
    };
    let mut framed = RgbImage::from_pixel(w + 2 * x, h + 2 * y, Rgb([level; 3]));
    imageops::replace(&mut framed, work, i64::from(x), i64::from(y));
    *work = framed;
}

/// One tint over all of it: bluish images, yellowed ones.
fn tint(work: &mut RgbImage, dice: &mut Dice) {
    let strength = dice.between(0.05, 0.6);
    let (dark, light) = (
        [dice.unit() * 0.2, dice.unit() * 0.2, dice.unit() * 0.3],
        [
            1.0 - strength * dice.unit(),
            1.0 - strength * dice.unit(),
            1.0 - strength * dice.unit(),
        ],
    );
    let dark = dark.map(|v| v * strength);
    for pixel in work.pixels_mut() {
        for (c, v) in pixel.0.iter_mut().enumerate() {
            let t = f32::from(*v) / 255.0;
            *v = ((dark[c] + (light[c] - dark[c]) * t) * 255.0).round() as u8;
        }
    }
}

/// Draws arrows, rings or boxes on a picture, in a colour that no image has; the same for the same numbers.
pub fn annotate(work: &mut RgbImage, seed: u64, index: u64) {
    let mut dice = Dice::new(seed, "annotate", index);
    let colors = [
        [220, 20, 20],
        [255, 0, 0],
        [250, 230, 30],
        [30, 200, 40],
        [30, 80, 240],
        [240, 130, 20],
        [230, 40, 200],
    ];
    let color = Rgb(*dice.pick(&colors));
    let (w, h) = (work.width() as f32, work.height() as f32);
    let long = w.max(h);
    for _ in 0..=dice.below(2) {
        let tip = (w * dice.between(0.2, 0.8), h * dice.between(0.2, 0.8));
        let r = long * dice.between(0.05, 0.2);
        let pen = (long * dice.between(0.006, 0.02)).max(1.5);
        let turn = dice.between(0.0, std::f32::consts::TAU);
        let at = |angle: f32, far: f32| (tip.0 + far * angle.cos(), tip.1 + far * angle.sin());
        match dice.below(4) {
            0 | 1 => {
                stroke(work, tip, at(turn, 1.6 * r), pen, color);
                stroke(work, tip, at(turn + 0.5, 0.5 * r), pen, color);
                stroke(work, tip, at(turn - 0.5, 0.5 * r), pen, color);
            }
            2 => {
                let ring: Vec<_> = (0..=40).map(|i| at(i as f32 * 0.15708, r)).collect();
                for pair in ring.windows(2) {
                    stroke(work, pair[0], pair[1], pen, color);
                }
            }
            _ => {
                let (l, t) = (tip.0 - r, tip.1 - 0.7 * r);
                let (e, b) = (tip.0 + r, tip.1 + 0.7 * r);
                for (a, z) in [
                    ((l, t), (e, t)),
                    ((e, t), (e, b)),
                    ((e, b), (l, b)),
                    ((l, b), (l, t)),
                ] {
                    stroke(work, a, z, pen, color);
                }
            }
        }
    }
}

/// White letters and lines, as machines burn them in.
fn letters(work: &mut RgbImage, dice: &mut Dice) {
    let (w, h) = (work.width() as f32, work.height() as f32);
    let size = w.max(h) * dice.between(0.02, 0.06);
    for _ in 0..=dice.below(3) {
        let (x, y) = (
            w * dice.between(0.02, 0.8),
            h * if dice.chance(0.5) { 0.06 } else { 0.92 },
        );
        for letter in 0..=dice.below(8) {
            let left = x + letter as f32 * size * 0.7;
            for _ in 0..3 {
                let a = (
                    left + size * 0.5 * dice.unit(),
                    y + size * (dice.unit() - 0.5),
                );
                let b = (
                    left + size * 0.5 * dice.unit(),
                    y + size * (dice.unit() - 0.5),
                );
                stroke(work, a, b, (0.12 * size).max(1.0), Rgb([245; 3]));
            }
        }
    }
}

fn stroke(work: &mut RgbImage, a: (f32, f32), b: (f32, f32), pen: f32, color: Rgb<u8>) {
    let half = pen / 2.0;
    let span = |low: f32, high: f32, length: u32| {
        (low - half).max(0.0) as u32..((high + half).ceil().max(0.0) as u32).min(length)
    };
    for y in span(a.1.min(b.1), a.1.max(b.1), work.height()) {
        for x in span(a.0.min(b.0), a.0.max(b.0), work.width()) {
            if crate::draw::distance((x as f32, y as f32), a, b) <= half {
                work.put_pixel(x, y, color);
            }
        }
    }
}
