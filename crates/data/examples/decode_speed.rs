//! How fast JPEGs decode on one thread, and how far an image decoded smaller lies from the same image decoded whole.
//!
//! `cargo run --release -p data [--features turbo] --example decode_speed -- FOLDER [FILMS]`
//!
//! Files are read beforehand: it is decoding alone that is timed. Differences are between 224×224 letterboxes, in gray levels.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use fast_image_resize::Resizer;
use osteon_data::{DecodeScratch, Decoder, Preprocess, image_files};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let most = arguments.next().map_or(Ok(usize::MAX), |n| n.parse())?;
    let files = image_files(Path::new(&folder))?;
    // Evenly over the folder, so that a part stands for the whole.
    let step = files.len().div_ceil(most).max(1);
    let films = files
        .iter()
        .step_by(step)
        .map(std::fs::read)
        .filter(|film| {
            film.as_ref()
                .map_or(true, |film| film.starts_with(&[0xff, 0xd8]))
        })
        .collect::<Result<Vec<_>, _>>()?;
    println!(
        "{} JPEGs of {folder}, turbo: {}",
        films.len(),
        cfg!(feature = "turbo")
    );

    let preprocess = Preprocess::default();
    let mut scratch = DecodeScratch::default();
    let whole = Decoder {
        reduce_gap: f32::INFINITY,
        ..Decoder::default()
    };
    let read = films
        .iter()
        .filter(|film| whole.decode(film).is_ok())
        .count();
    println!("{read} of them read");
    let rate = measure(films.len(), || {
        for film in &films {
            let _ = whole.decode_with(film, None, &mut scratch);
        }
    });
    println!("whole    {rate:8.1} images/s");
    for gap in [2.0, 1.5, 1.25, 1.0] {
        let decoder = Decoder {
            reduce_gap: gap,
            ..Decoder::default()
        };
        let wanted = Some(preprocess.wanted());
        let rate = measure(films.len(), || {
            for film in &films {
                let _ = decoder.decode_with(film, wanted, &mut scratch);
            }
        });
        let apart = differences(&films, &decoder, &whole, &preprocess);
        println!("gap {gap:4} {rate:8.1} images/s   {apart}");
    }
    Ok(())
}

/// Images a second: the fastest of at least three passes and a second.
fn measure(images: usize, mut pass: impl FnMut()) -> f64 {
    let (start, mut best, mut passes) = (Instant::now(), Duration::MAX, 0);
    while passes < 3 || start.elapsed() < Duration::from_secs(1) {
        let begun = Instant::now();
        pass();
        best = best.min(begun.elapsed());
        passes += 1;
    }
    images as f64 / best.as_secs_f64()
}

fn differences(
    films: &[Vec<u8>],
    decoder: &Decoder,
    whole: &Decoder,
    preprocess: &Preprocess,
) -> String {
    let mut resizer = Resizer::new();
    let mut scratch = DecodeScratch::default();
    let side = preprocess.side() * preprocess.side();
    let (mut small, mut large) = (vec![0; side], vec![0; side]);
    let (mut means, mut worst, mut reduced) = (Vec::new(), 0, 0);
    for film in films {
        let Ok(decoded) = decoder.decode_with(film, Some(preprocess.wanted()), &mut scratch) else {
            continue;
        };
        if decoded.view.full_size() == (decoded.view.width(), decoded.view.height()) {
            continue;
        }
        reduced += 1;
        preprocess.fit_into(decoded.view, &mut resizer, &mut small);
        if let Ok(decoded) = whole.decode_with(film, None, &mut scratch) {
            preprocess.fit_into(decoded.view, &mut resizer, &mut large);
        }
        let apart = small.iter().zip(&large).map(|(a, b)| a.abs_diff(*b));
        worst = worst.max(apart.clone().max().unwrap_or(0));
        means.push(apart.map(f64::from).sum::<f64>() / side as f64);
    }
    means.sort_by(f64::total_cmp);
    let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
    format!(
        "{reduced} decoded smaller; mean difference {mean:.3}, of the worst image {:.3}, largest {worst}",
        means.last().unwrap_or(&0.0)
    )
}
