//! Against values made by Pillow (`tests/oracles/make_oracles.py`).

use fast_image_resize::Resizer;
use image::{GrayImage, Luma};
use osteon_data::{Fit, Preprocess};
use serde_json::Value;

fn ramp(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        Luma([((x * 7 + y * 13 + (x * y) % 31) % 256) as u8])
    })
}

#[test]
fn resizing_agrees_with_pillow() {
    let oracles: Value =
        serde_json::from_str(include_str!("../oracles/oracles.json")).expect("JSON");
    for case in oracles["resizes"].as_array().expect("cases") {
        let number = |key: &str| case[key].as_u64().expect("number") as u32;
        let (width, height, to) = (number("width"), number("height"), number("to"));
        let preprocess = Preprocess {
            size: to,
            fit: Fit::Stretch,
            ..Preprocess::default()
        };
        let mut out = vec![0; (to * to) as usize];
        preprocess.fit_into(&ramp(width, height), &mut Resizer::new(), &mut out);
        let expected = case["pixels"].as_array().expect("pixels");
        assert_eq!(expected.len(), out.len());
        let differences: Vec<i64> = out
            .iter()
            .zip(expected)
            .map(|(&a, b)| (i64::from(a) - b.as_i64().expect("level")).abs())
            .collect();
        let (worst, sum) = (
            differences.iter().max().expect("some"),
            differences.iter().sum::<i64>(),
        );
        // Both round an 8-bit fixed-point filter once a pass: one level apart at most.
        assert!(*worst <= 1, "{width}×{height} → {to}: worst {worst}");
        assert!(
            (sum as f64) < 0.2 * out.len() as f64,
            "{width}×{height} → {to}: mean {sum}/{}",
            out.len()
        );
    }
}
