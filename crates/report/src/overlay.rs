//! An image beside itself with heat on it: what `osteon predict --heatmap` writes.

use ab_glyph::FontRef;
use image::imageops;
use image::{GrayImage, Rgb, RgbImage, Rgba, RgbaImage};
use imageproc::drawing::{draw_hollow_rect_mut, draw_line_segment_mut, draw_text_mut, text_size};
use imageproc::rect::Rect;

/// Longest side of an image in the picture, in pixels.
pub const LONGEST: u32 = 1024;
/// Smaller images are enlarged to this.
const SHORTEST: u32 = 384;
/// Around everything.
const MARGIN: u32 = 12;
/// Above the images, for the words.
const HEAD: u32 = 44;
/// Below the images.
const FOOT: u32 = 30;
/// The scale's colours.
const BAR: u32 = 16;
/// The scale with its numbers.
const SCALE: u32 = 58;
/// Narrower pictures would not hold the words.
const NARROWEST: u32 = 560;

const BACKGROUND: Rgb<u8> = Rgb([17, 18, 22]);
const INK: Rgb<u8> = Rgb([232, 232, 236]);
const FAINT: Rgb<u8> = Rgb([150, 152, 160]);
const BOX: Rgb<u8> = Rgb([80, 220, 255]);

/// The Latin-1 letters of `DejaVu` Sans; its licence lies beside it.
const FONT: &[u8] = include_bytes!("../assets/DejaVuSans-latin.ttf");

/// What a picture is drawn of.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// The image at the size it is to be shown at (see [`shown_size`]).
    pub film: &'a GrayImage,
    /// The heat at every pixel of it, row by row, 0..=1.
    pub heat: &'a [f32],
    /// Boxes to be drawn on the right, as (left, top, right, bottom) relative to the image's width and height.
    pub boxes: &'a [[f32; 4]],
}

/// The words around an image and its overlay.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'a> {
    /// Calibrated probability of a fracture, 0 to 1.
    pub score: f64,
    /// What follows from it, in words.
    pub decision: &'a str,
    /// What the heat is, in a few words.
    pub heat: &'a str,
    /// The image's name.
    pub name: &'a str,
}

/// The size (width, height) at which an image is shown in a picture: its long side within 384 to 1,024 pixels.
#[must_use]
pub fn shown_size((width, height): (u32, u32)) -> (u32, u32) {
    let long = f64::from(width.max(height).max(1));
    let scale = long.clamp(f64::from(SHORTEST), f64::from(LONGEST)) / long;
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, LONGEST);
    (side(width), side(height))
}

/// Inferno: perceptually uniform, from black to pale yellow.
fn colour(heat: f32) -> [u8; 3] {
    colorous::INFERNO
        .eval_continuous(f64::from(heat.clamp(0.0, 1.0)))
        .as_array()
}

/// How much of the image the heat covers: nothing where it is cold, and never all.
fn opacity(heat: f32) -> f32 {
    let t = (heat / 0.5).clamp(0.0, 1.0);
    0.68 * t * t * (3.0 - 2.0 * t)
}

/// The heat alone, row by row (`heat`: width × height values, 0..=1), as a layer to be laid over an image of that size: clear where it is cold.
/// Missing values are cold.
#[must_use]
pub fn layer(heat: &[f32], width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let place = y as usize * width as usize + x as usize;
        let heat = heat.get(place).copied().unwrap_or(0.0);
        let [r, g, b] = colour(heat);
        Rgba([r, g, b, (opacity(heat) * 255.0).round() as u8])
    })
}

impl Overlay<'_> {
    /// The image with the heat on it; where `heat` has another length, the image alone.
    #[must_use]
    pub fn blended(&self) -> RgbImage {
        let film = self.film;
        let known = self.heat.len() == film.as_raw().len();
        let mut picture = RgbImage::new(film.width(), film.height());
        for (place, (pixel, gray)) in picture.pixels_mut().zip(film.as_raw()).enumerate() {
            let heat = if known { self.heat[place] } else { 0.0 };
            let (over, share) = (colour(heat), opacity(heat));
            let mix = |over: u8| {
                (f32::from(*gray) * (1.0 - share) + f32::from(over) * share).round() as u8
            };
            *pixel = Rgb(over.map(mix));
        }
        let (w, h) = (f64::from(picture.width()), f64::from(picture.height()));
        for relative in self.boxes {
            let [left, top, right, bottom] = relative.map(f64::from);
            let (x, y) = ((left * w).round() as i32, (top * h).round() as i32);
            let across = ((right * w).round() as i32 - x).max(2) as u32;
            let down = ((bottom * h).round() as i32 - y).max(2) as u32;
            draw_hollow_rect_mut(&mut picture, Rect::at(x, y).of_size(across, down), BOX);
        }
        picture
    }

    /// The image on the left, with the heat on it on the right, the score in the corner, the heat's scale at the right edge.
    #[must_use]
    pub fn picture(&self, caption: &Caption<'_>) -> RgbImage {
        let (w, h) = self.film.dimensions();
        let films = 2 * w + MARGIN;
        let width = (2 * MARGIN + films + MARGIN + SCALE).max(NARROWEST);
        let height = HEAD + h + FOOT;
        let mut picture = RgbImage::from_pixel(width, height, BACKGROUND);
        // Narrow images stand in the middle.
        let left = (width - SCALE - films) / 2;
        let mut film = RgbImage::new(w, h);
        for (pixel, gray) in film.pixels_mut().zip(self.film.as_raw()) {
            *pixel = Rgb([*gray; 3]);
        }
        imageops::replace(&mut picture, &film, i64::from(left), i64::from(HEAD));
        let right = left + w + MARGIN;
        let overlay = self.blended();
        imageops::replace(&mut picture, &overlay, i64::from(right), i64::from(HEAD));
        scale(&mut picture, width - SCALE, h);
        words(&mut picture, caption);
        picture
    }
}

/// The heat's colours from 0 below to 1 above, beside the images.
fn scale(picture: &mut RgbImage, left: u32, length: u32) {
    for row in 0..length {
        let heat = 1.0 - (row as f32 + 0.5) / length as f32;
        for column in 0..BAR {
            picture.put_pixel(left + column, HEAD + row, Rgb(colour(heat)));
        }
    }
    // Few ticks where there is little room for them.
    let ticks: &[f32] = if length >= 200 {
        &[0.0, 0.25, 0.5, 0.75, 1.0]
    } else {
        &[0.0, 1.0]
    };
    for &tick in ticks {
        let y = HEAD as f32 + (1.0 - tick) * (length - 1) as f32;
        let (from, to) = (left + BAR, left + BAR + 4);
        draw_line_segment_mut(picture, (from as f32, y), (to as f32, y), INK);
        let at = ((y - 8.0).max(HEAD as f32 - 4.0)) as i32;
        let text = if tick.fract() == 0.0 {
            format!("{tick:.0}")
        } else {
            format!("{tick:.2}")
        };
        write(picture, (to as i32 + 3, at), 13.0, INK, &text);
    }
}

fn words(picture: &mut RgbImage, caption: &Caption<'_>) {
    let (width, height) = picture.dimensions();
    let margin = MARGIN as i32;
    let score = format!("{:.3}", caption.score);
    let after = write(picture, (margin, 9), 25.0, INK, &score);
    write(
        picture,
        (margin + after + 12, 14),
        19.0,
        INK,
        caption.decision,
    );
    let font = font();
    let heat_width = font
        .as_ref()
        .map_or(0, |font| text_size(14.0_f32, font, caption.heat).0);
    let right = width.saturating_sub(MARGIN + heat_width) as i32;
    write(picture, (right, 17), 14.0, FAINT, caption.heat);
    // What the font has no letters for, and what is too long, is left out of the name.
    let legible: Vec<char> = caption
        .name
        .chars()
        .map(|c| {
            if matches!(c, ' '..='~' | '¡'..='ÿ') {
                c
            } else {
                '?'
            }
        })
        .collect();
    let most = ((width - 2 * MARGIN) / 8) as usize;
    let name: String = if legible.len() > most {
        std::iter::once('…')
            .chain(legible[legible.len() - most + 1..].iter().copied())
            .collect()
    } else {
        legible.into_iter().collect()
    };
    write(picture, (margin, height as i32 - 22), 13.0, FAINT, &name);
}

/// Writes and gives the width that it took.
fn write(picture: &mut RgbImage, (x, y): (i32, i32), size: f32, ink: Rgb<u8>, text: &str) -> i32 {
    // Invariant: the font is part of the program; a test reads it.
    let Some(font) = font() else { return 0 };
    draw_text_mut(picture, ink, x, y, size, &font, text);
    text_size(size, &font, text).0 as i32
}

fn font() -> Option<FontRef<'static>> {
    FontRef::try_from_slice(FONT).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn the_font_reads_and_every_letter_shows() {
        let mut seen = std::collections::BTreeSet::new();
        for letter in "0123456789.…abcÄß".chars() {
            let mut picture = RgbImage::new(40, 40);
            let width = write(&mut picture, (5, 5), 20.0, INK, &letter.to_string());
            assert!(width > 2, "{letter}");
            assert!(seen.insert(picture.into_raw()), "{letter} is like another");
        }
    }

    #[test]
    fn films_of_any_size_are_shown_within_bounds() {
        assert_eq!(shown_size((2304, 2880)), (819, 1024));
        assert_eq!(shown_size((100, 50)), (384, 192));
        assert_eq!(shown_size((600, 500)), (600, 500));
        assert_eq!(shown_size((5000, 3)), (1024, 1));
        assert_eq!(shown_size((0, 0)), (1, 1));
    }

    #[test]
    fn cold_places_show_the_film_and_hot_ones_the_heat() {
        let film = GrayImage::from_pixel(384, 384, Luma([90]));
        let heat: Vec<f32> = (0..384 * 384)
            .map(|i| if i % 384 < 192 { 0.0 } else { 1.0 })
            .collect();
        let overlay = Overlay {
            film: &film,
            heat: &heat,
            boxes: &[[0.25, 0.25, 0.4, 0.5]],
        };
        let picture = overlay.blended();
        assert_eq!(picture.get_pixel(10, 10), &Rgb([90; 3]));
        assert_eq!(picture.get_pixel(96, 150), &BOX);
        let [r, g, b] = picture.get_pixel(300, 10).0;
        assert!(r > 190 && g > 190 && b < 170 && b > 60, "{r} {g} {b}");
        assert!(opacity(1.0) < 0.7 && opacity(0.0) == 0.0 && opacity(0.05) < 0.03);
    }

    #[test]
    fn a_picture_holds_film_overlay_scale_and_words() {
        let film = GrayImage::from_pixel(410, 512, Luma([60]));
        let heat = vec![0.0; 410 * 512];
        let overlay = Overlay {
            film: &film,
            heat: &heat,
            boxes: &[],
        };
        let caption = Caption {
            score: 0.5,
            decision: "fractured",
            heat: "fracture map",
            name: "films/日本.png",
        };
        let picture = overlay.picture(&caption);
        assert_eq!(
            picture.dimensions(),
            (2 * 410 + 4 * MARGIN + SCALE, 512 + HEAD + FOOT)
        );
        // Cold: both halves are the image.
        assert_eq!(picture.get_pixel(100, 300), &Rgb([60; 3]));
        assert_eq!(picture.get_pixel(600, 300), &Rgb([60; 3]));
        // The scale rises from black to bright.
        let bar = picture.width() - SCALE + 5;
        let light = |y: u32| {
            picture
                .get_pixel(bar, y)
                .0
                .iter()
                .map(|v| u32::from(*v))
                .sum::<u32>()
        };
        assert!(light(HEAD + 2) > 500 && light(HEAD + 509) < 60);
        let words = (0..HEAD).flat_map(|y| (0..300).map(move |x| (x, y)));
        assert!(
            words
                .filter(|&(x, y)| picture.get_pixel(x, y) != &BACKGROUND)
                .count()
                > 300
        );
        // Without room for them the words still fit.
        let thin = GrayImage::new(2, 600);
        let overlay = Overlay {
            film: &thin,
            heat: &[],
            boxes: &[],
        };
        assert_eq!(overlay.picture(&caption).width(), NARROWEST);
    }
}
