//! What is measured: always as many finite numbers, and the same for the same picture.

use image::{GrayImage, Luma, Rgb, RgbImage};
use osteon_gate::{FEATURES, Picture, features};
use osteon_gate_fit::draw;
use osteon_synth::Synth;

use crate::seen;

#[test]
fn any_shape_has_as_many_finite_numbers() {
    for (w, h) in [
        (1, 1),
        (2, 900),
        (900, 2),
        (31, 31),
        (256, 256),
        (1000, 700),
    ] {
        for level in [0, 128, 255] {
            let film = GrayImage::from_pixel(w, h, Luma([level]));
            let found = features(&Picture::new(&film, None));
            assert_eq!(found.len(), FEATURES);
            assert!(found.iter().all(|v| v.is_finite()), "{w}×{h} of {level}");
        }
    }
}

/// What an image is resized from hardly matters: a copy of twice the size has nearly the same numbers.
#[test]
fn a_film_of_twice_the_size_is_the_same_film() {
    let film = Synth::new(3).image(5).pixels;
    let (w, h) = film.dimensions();
    let double =
        image::imageops::resize(&film, 2 * w, 2 * h, image::imageops::FilterType::Triangle);
    let (a, b) = (
        features(&Picture::new(&film, None)),
        features(&Picture::new(&double, None)),
    );
    let far = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f32>() / FEATURES as f32;
    assert!(far < 0.06, "{far}");
}

/// Gray levels in three equal channels say nothing more than one channel.
#[test]
fn gray_in_colour_has_no_colour() {
    let film = Synth::new(3).image(1).pixels;
    let rgb = RgbImage::from_fn(film.width(), film.height(), |x, y| {
        Rgb([film.get_pixel(x, y).0[0]; 3])
    });
    let (plain, colored) = (features(&Picture::new(&film, None)), features(&seen(&rgb)));
    for (i, (a, b)) in plain.iter().zip(&colored).enumerate() {
        assert!((a - b).abs() < 1e-3, "{i}: {a} and {b}");
    }
}

#[test]
fn drawn_pictures_are_the_same_each_time_and_differ() {
    for kind in draw::KINDS {
        let picture = kind.draw(1, 0);
        assert!(picture == kind.draw(1, 0), "{}", kind.name);
        assert!(picture != kind.draw(1, 1), "{}", kind.name);
        assert!(picture != kind.draw(2, 0), "{}", kind.name);
    }
}
