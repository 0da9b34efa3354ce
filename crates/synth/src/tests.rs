use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::LazyLock;

use rayon::prelude::*;

use super::*;

/// The images several tests look at.
static FILMS: LazyLock<Vec<SynthImage>> = LazyLock::new(|| films(1, 400));

fn films(seed: u64, count: u64) -> Vec<SynthImage> {
    let synth = Synth::new(seed);
    (0..count).into_par_iter().map(|i| synth.image(i)).collect()
}

/// A number an image shows at a glance.
type Feature = fn(&SynthImage) -> f64;

/// Area under the ROC curve by ranks, ties counted half.
fn auc(films: &[SynthImage], feature: impl Fn(&SynthImage) -> f64) -> f64 {
    let values = |class: bool| -> Vec<f64> {
        let of_class = films.iter().filter(|f| f.fractured == class);
        of_class.map(&feature).collect()
    };
    let (positive, negative) = (values(true), values(false));
    let mut wins = 0.0;
    for p in &positive {
        for n in &negative {
            wins += match p.total_cmp(n) {
                Ordering::Greater => 1.0,
                Ordering::Equal => 0.5,
                Ordering::Less => 0.0,
            };
        }
    }
    wins / (positive.len() * negative.len()) as f64
}

fn mean(film: &SynthImage) -> f64 {
    let pixels = film.pixels.as_raw();
    pixels.iter().map(|&p| f64::from(p)).sum::<f64>() / pixels.len() as f64
}

fn deviation(film: &SynthImage) -> f64 {
    let (mean, pixels) = (mean(film), film.pixels.as_raw());
    let squares = pixels.iter().map(|&p| (f64::from(p) - mean).powi(2));
    (squares.sum::<f64>() / pixels.len() as f64).sqrt()
}

fn quantile(film: &SynthImage, share: f64) -> u8 {
    let mut pixels = film.pixels.as_raw().clone();
    pixels.sort_unstable();
    pixels[((pixels.len() - 1) as f64 * share) as usize]
}

#[test]
fn a_film_is_a_function_of_seed_and_index() {
    let synth = Synth::new(11);
    let forwards: Vec<_> = (0..12).map(|i| synth.image(i)).collect();
    for i in (0..12).rev() {
        let (again, before) = (Synth::new(11).image(i), &forwards[i as usize]);
        assert_eq!(again.pixels, before.pixels, "image {i}");
        assert_eq!(again.boxes, before.boxes, "image {i}");
        assert_eq!((again.fracture, again.bone), (before.fracture, before.bone));
        assert_ne!(Synth::new(12).image(i).pixels, before.pixels, "image {i}");
    }
    assert_ne!(forwards[0].pixels, forwards[1].pixels);
}

/// The bytes themselves, recorded: what one machine draws, every other draws too, and a change to the model is noticed.
#[test]
fn the_bytes_are_those_recorded() {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for film in films(5, 6) {
        for &byte in film.pixels.as_raw() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(format!("{hash:016x}"), "820893b7cdd51f64");
}

#[test]
fn classes_balance_and_boxes_belong_to_fractures() {
    let films = &*FILMS;
    let fractured = films.iter().filter(|f| f.fractured).count();
    assert!((160..=240).contains(&fractured), "{fractured} of 400");
    for (i, film) in films.iter().enumerate() {
        assert_eq!(film.fractured, film.fracture.is_some(), "image {i}");
        assert_eq!(film.fractured, !film.boxes.is_empty(), "image {i}");
        for b in &film.boxes {
            assert!(b.w > 0.0 && b.h > 0.0, "image {i}: {b:?}");
            let inside = b.cx - 0.5 * b.w >= -1e-5
                && b.cx + 0.5 * b.w <= 1.0 + 1e-5
                && b.cy - 0.5 * b.h >= -1e-5
                && b.cy + 0.5 * b.h <= 1.0 + 1e-5;
            assert!(inside, "image {i}: {b:?}");
        }
    }
}

#[test]
fn trivial_features_tell_nothing() {
    let films = &*FILMS;
    let features: [(&str, Feature); 6] = [
        ("mean", mean),
        ("deviation", deviation),
        ("width", |f| f64::from(f.pixels.width())),
        ("height", |f| f64::from(f.pixels.height())),
        ("aspect", |f| {
            f64::from(f.pixels.width()) / f64::from(f.pixels.height())
        }),
        ("median", |f| f64::from(quantile(f, 0.5))),
    ];
    for (name, feature) in features {
        let auc = auc(films, feature);
        assert!((0.38..=0.62).contains(&auc), "{name}: AUC {auc:.3}");
    }
}

#[test]
fn films_have_the_promised_size_and_a_sane_range() {
    for (i, film) in FILMS.iter().enumerate() {
        let (width, height) = film.pixels.dimensions();
        let (long, short) = (width.max(height), width.min(height));
        assert!((256..=512).contains(&long), "image {i}: {width} × {height}");
        assert!(short + 1 >= long * 6 / 10, "image {i}: {width} × {height}");
        let (dark, bright) = (quantile(film, 0.02), quantile(film, 0.98));
        assert!(bright - dark > 60, "image {i}: {dark} to {bright}");
        assert!(deviation(film) > 12.0, "image {i}");
    }
}

/// Each image and its twin of the other class are alike away from the fracture: the class leaks by no other way.
#[test]
fn a_twin_differs_little_but_at_the_fracture() {
    let synth = Synth::new(4);
    let mut drift = 0.0;
    for i in 0..40 {
        let (whole, broken) = (synth.image_of(i, false), synth.image_of(i, true));
        assert_eq!(whole.pixels.dimensions(), broken.pixels.dimensions());
        assert_eq!(whole.bone, broken.bone);
        assert!(broken.fractured && !whole.fractured, "image {i}");
        drift += (mean(&broken) - mean(&whole)) / 40.0;
        let (w, h) = broken.pixels.dimensions();
        let b = broken.boxes[0];
        let (x, y) = ((b.cx * w as f32) as u32, (b.cy * h as f32) as u32);
        let (rx, ry) = ((0.5 * b.w * w as f32) as u32, (0.5 * b.h * h as f32) as u32);
        let mut change = 0;
        for py in y.saturating_sub(ry)..(y + ry).min(h) {
            for px in x.saturating_sub(rx)..(x + rx).min(w) {
                let (a, b) = (
                    whole.pixels.get_pixel(px, py),
                    broken.pixels.get_pixel(px, py),
                );
                change = change.max(a.0[0].abs_diff(b.0[0]));
            }
        }
        assert!(change > 5, "image {i}: the box holds no change");
    }
    // One image's window may move by some grays, but not to one side.
    assert!(drift.abs() < 1.5, "the mean drifts by {drift}");
}

#[test]
fn every_limb_and_every_kind_occurs() {
    let films = &*FILMS;
    let limbs: HashSet<Bone> = films.iter().map(|f| f.bone).collect();
    let kinds: HashSet<FractureKind> = films.iter().filter_map(|f| f.fracture).collect();
    assert_eq!((limbs.len(), kinds.len()), (5, 5));
}
