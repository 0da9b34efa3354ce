//! What a model makes of the letters on images: finds burned-in and lead markers, paints them over and writes the images anew.
//!
//! `cargo run --release -p gate-fit --example markers -- FILMS OUT` writes, for each image on which something was found, `OUT/with/<name>.png` (as it is) and
//! `OUT/without/<name>.png` (painted over), and prints what it found. `osteon predict --json` on both folders says how far the scores move.
//!
//! A marker is a bright, compact thing near the border, apart from the bone: a connected part of the pixels that are brighter than their surroundings by
//! 50 levels (a mean over 8 % of the image) and than 110, 1 to 9 % of the longest side high, filling 12 to 90 % of its box, its middle no farther than 28 % of
//! the side from the nearest edge, on a ground that is even (the pixels around its box deviate by less than 26 levels) and darker than it by 60. It is painted
//! over with the median of the pixels around its box.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to the person who runs it"
)]

use std::path::{Path, PathBuf};

use image::{GrayImage, Luma};
use imageproc::region_labelling::{Connectivity, connected_components};
use osteon_data::{Decoder, image_files};
use rayon::prelude::*;

/// A box around a marker, in pixels: left, top, right and bottom, the last two not in it.
type Area = (u32, u32, u32, u32);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let (Some(films), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: markers FILMS OUT".into());
    };
    for name in ["with", "without"] {
        std::fs::create_dir_all(out.join(name))?;
    }
    let files = image_files(&films)?;
    let counts: Vec<usize> = files
        .par_iter()
        .map(|file| {
            let count = paint(file, &films, &out).unwrap_or_else(|error| {
                eprintln!("{}: {error}", file.display());
                0
            });
            if count > 0 {
                println!("{}\t{count}", file.display());
            }
            count
        })
        .collect();
    let with = counts.iter().filter(|&&count| count > 0).count();
    eprintln!(
        "{} of {} images have markers, {} in all",
        with,
        files.len(),
        counts.iter().sum::<usize>()
    );
    Ok(())
}

/// Writes an image with and without its markers, and says how many there are.
fn paint(file: &Path, films: &Path, out: &Path) -> Result<usize, Box<dyn std::error::Error>> {
    let film = Decoder::default().decode_path(file)?;
    let found = markers(&film);
    if found.is_empty() {
        return Ok(0);
    }
    let mut painted = film.clone();
    for &(area, level) in &found {
        for y in area.1..area.3 {
            for x in area.0..area.2 {
                painted.put_pixel(x, y, Luma([level]));
            }
        }
    }
    let name = file
        .strip_prefix(films)?
        .with_extension("png")
        .display()
        .to_string()
        .replace(['/', ' '], "_");
    film.save(out.join("with").join(&name))?;
    painted.save(out.join("without").join(&name))?;
    Ok(found.len())
}

/// Markers with some margin, and the level of the ground around them.
fn markers(film: &GrayImage) -> Vec<(Area, u8)> {
    let (w, h) = film.dimensions();
    let long = w.max(h);
    let around = imageproc::filter::box_filter(film, long * 4 / 100, long * 4 / 100);
    let bright = GrayImage::from_fn(w, h, |x, y| {
        let (v, mean) = (film.get_pixel(x, y).0[0], around.get_pixel(x, y).0[0]);
        Luma([u8::from(v > 110 && v > mean.saturating_add(50))])
    });
    let labels = connected_components(&bright, Connectivity::Eight, Luma([0]));
    let mut parts: Vec<Option<(Area, u32, u32)>> = Vec::new();
    for (x, y, label) in labels.enumerate_pixels() {
        let label = label.0[0] as usize;
        if label == 0 {
            continue;
        }
        if parts.len() <= label {
            parts.resize(label + 1, None);
        }
        let level = u32::from(film.get_pixel(x, y).0[0]);
        let (area, count, sum) = parts[label].get_or_insert(((x, y, x + 1, y + 1), 0, 0));
        area.0 = area.0.min(x);
        area.1 = area.1.min(y);
        area.2 = area.2.max(x + 1);
        area.3 = area.3.max(y + 1);
        *count += 1;
        *sum += level;
    }
    parts
        .into_iter()
        .flatten()
        .filter_map(|(area, count, sum)| marker(film, area, count, sum / count))
        .collect()
}

fn marker(film: &GrayImage, area: Area, count: u32, level: u32) -> Option<(Area, u8)> {
    let (w, h) = film.dimensions();
    let long = w.max(h) as f32;
    let (bw, bh) = ((area.2 - area.0) as f32, (area.3 - area.1) as f32);
    let sized = (0.01 * long..=0.09 * long).contains(&bh.max(bw)) && bh.min(bw) >= 2.0;
    let fill = count as f32 / (bw * bh);
    if !sized || !(0.12..=0.9).contains(&fill) {
        return None;
    }
    let (mx, my) = (
        (area.0 + area.2) as f32 / 2.0,
        (area.1 + area.3) as f32 / 2.0,
    );
    let edge = (mx.min(w as f32 - mx) / w as f32).min(my.min(h as f32 - my) / h as f32);
    if edge > 0.28 {
        return None;
    }
    let margin = 2 + (bw.max(bh) * 0.15) as u32;
    let grown = |by: u32| -> Area {
        (
            area.0.saturating_sub(by),
            area.1.saturating_sub(by),
            (area.2 + by).min(w),
            (area.3 + by).min(h),
        )
    };
    let (inner, outer) = (grown(margin), grown(2 * margin + 3));
    let mut ring: Vec<u8> = Vec::new();
    for y in outer.1..outer.3 {
        for x in outer.0..outer.2 {
            if x < inner.0 || x >= inner.2 || y < inner.1 || y >= inner.3 {
                ring.push(film.get_pixel(x, y).0[0]);
            }
        }
    }
    ring.sort_unstable();
    let ground = *ring.get(ring.len() / 2)?;
    let mean = ring.iter().map(|&v| f32::from(v)).sum::<f32>() / ring.len() as f32;
    let spread = (ring
        .iter()
        .map(|&v| (f32::from(v) - mean).powi(2))
        .sum::<f32>()
        / ring.len() as f32)
        .sqrt();
    (spread < 26.0 && level > u32::from(ground) + 60).then_some((inner, ground))
}
