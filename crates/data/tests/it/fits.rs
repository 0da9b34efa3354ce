//! Fits against Pillow: real images (`tests/oracles/make_fits.py`), and an image decoded smaller against itself decoded whole.

use fast_image_resize::Resizer;
use osteon_data::{DecodeScratch, Decoder, Fit, Preprocess, image_files};
use serde_json::Value;

/// 128 levels and the mean of each image and fit, as Pillow's antialiased BILINEAR has them from its own decoder.
#[test]
fn real_films_are_fitted_as_pillow_fits_them() {
    let Some(folder) = crate::real_films("originals") else {
        return;
    };
    let oracles: Value = serde_json::from_str(include_str!("../oracles/fits.json")).expect("JSON");
    let whole = Decoder {
        reduce_gap: f32::INFINITY,
        ..Decoder::default()
    };
    let mut scratch = DecodeScratch::default();
    let mut resizer = Resizer::new();
    let (mut worst_mean, mut worst) = (0.0_f64, 0);
    for case in oracles["films"].as_array().expect("films") {
        let file = case["file"].as_str().expect("file");
        let preprocess = Preprocess {
            fit: serde_json::from_value(case["fit"].clone()).expect("fit"),
            ..Preprocess::default()
        };
        let bytes = std::fs::read(folder.join(file)).expect("is there");
        let decoded = whole
            .decode_with(&bytes, None, &mut scratch)
            .expect("decodes");
        let mut out = vec![0; 224 * 224];
        preprocess.fit_into(decoded.view, &mut resizer, &mut out);
        let levels = case["levels"].as_array().expect("levels");
        let apart: Vec<i64> = levels
            .iter()
            .enumerate()
            .map(|(i, level)| {
                let at = i * out.len() / 128 + 57 * (i % 3);
                (i64::from(out[at]) - level.as_i64().expect("level")).abs()
            })
            .collect();
        let mean = apart.iter().sum::<i64>() as f64 / apart.len() as f64;
        worst_mean = worst_mean.max(mean);
        worst = worst.max(apart.into_iter().max().unwrap_or(0));
        let own = out.iter().map(|&v| f64::from(v)).sum::<f64>() / out.len() as f64;
        let theirs = case["mean"].as_f64().expect("mean");
        assert!(
            (own - theirs).abs() < 0.5,
            "{file} {}: {own} {theirs}",
            case["fit"]
        );
        assert!(mean <= 1.0, "{file} {}: mean {mean}", case["fit"]);
    }
    assert!(worst <= 3, "worst {worst}, worst mean {worst_mean}");
}

/// What the default `reduce_gap` costs, on real images: see the table at `Decoder::reduce_gap`.
#[test]
fn a_film_decoded_smaller_is_the_same_film() {
    let Some(folder) = crate::real_films("originals") else {
        return;
    };
    let (default, whole) = (
        Decoder::default(),
        Decoder {
            reduce_gap: f32::INFINITY,
            ..Decoder::default()
        },
    );
    let mut scratch = DecodeScratch::default();
    let mut resizer = Resizer::new();
    for fit in [Fit::Letterbox, Fit::Stretch, Fit::Crop] {
        let preprocess = Preprocess {
            fit,
            ..Preprocess::default()
        };
        let (mut small, mut large) = (vec![0; 224 * 224], vec![0; 224 * 224]);
        for path in image_files(&folder).expect("lists").iter().step_by(4) {
            let bytes = std::fs::read(path).expect("reads");
            let decoded = default
                .decode_with(&bytes, Some(preprocess.wanted()), &mut scratch)
                .expect("decodes");
            let full = decoded.view.full_size();
            preprocess.fit_into(decoded.view, &mut resizer, &mut small);
            let decoded = whole
                .decode_with(&bytes, None, &mut scratch)
                .expect("decodes");
            assert_eq!(full, (decoded.view.width(), decoded.view.height()));
            preprocess.fit_into(decoded.view, &mut resizer, &mut large);
            let sum: u64 = small
                .iter()
                .zip(&large)
                .map(|(a, b)| u64::from(a.abs_diff(*b)))
                .sum();
            let mean = sum as f64 / small.len() as f64;
            assert!(mean < 0.5, "{} {fit:?}: {mean}", path.display());
        }
    }
}
