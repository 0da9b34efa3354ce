//! The fused pass against imageproc, and its paths against each other.

use osteon_data::{Augment, Augmenter, GrayView, Instructions, Patch, Transform};
use osteon_synth::Synth;
use proptest::prelude::*;

const LEVELS: (f32, f32) = (1.0, 0.0);

fn applied(
    instructions: Instructions,
    transform: &Transform,
    film: GrayView<'_>,
    size: (u32, u32),
) -> Vec<f32> {
    let mut out = vec![f32::NAN; (size.0 * size.1) as usize];
    Augmenter::with(instructions).apply(transform, film, LEVELS, size, &mut out);
    out
}

/// Mean and greatest difference, in gray levels.
fn difference(a: &[f32], b: &[f32]) -> (f32, f32) {
    let each = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    let (sum, top) = each.fold((0.0, 0.0_f32), |(sum, top), d| (sum + d, top.max(d)));
    (sum / a.len() as f32, top)
}

#[test]
fn half_a_gray_level_from_imageproc() {
    let everything = Augment {
        gamma: 0.3,
        noise: 8.0,
        erase: 0.5,
        ..Augment::default()
    };
    let mut worst = 0.0_f32;
    for sample in 0..24 {
        let film = Synth::new(5).image(sample).pixels;
        let (w, h) = film.dimensions();
        let view = GrayView::new(w, h, film.as_raw()).expect("an image");
        // To the same size, and as the middle of it.
        for (augment, size) in [(&Augment::default(), (w, h)), (&everything, (224, 208))] {
            let transform = augment.draw(1, 2, sample);
            let reference = transform.apply_reference(view, LEVELS, size);
            for &instructions in Instructions::available() {
                let (mean, _) =
                    difference(&applied(instructions, &transform, view, size), &reference);
                assert!(
                    mean < 0.5,
                    "{instructions:?}, image {sample}: {mean} for {transform:?}"
                );
                worst = worst.max(mean);
            }
        }
    }
    assert!(
        worst > 0.0,
        "two independent programs never agree to the bit"
    );
}

fn any_transform() -> impl Strategy<Value = Transform> {
    let erase = proptest::option::of((0.0_f32..0.8, 0.0_f32..0.8, 0.0_f32..0.2, 0.0_f32..0.2));
    let geometry = (
        any::<bool>(),
        -4.0_f32..4.0,
        (-1.0_f32..1.0, -1.0_f32..1.0),
        0.1_f32..3.0,
        -1.0_f32..1.0,
    );
    let tone = (
        0.0_f32..2.0,
        0.0_f32..2.0,
        0.2_f32..4.0,
        0.0_f32..30.0,
        any::<u64>(),
    );
    (geometry, tone, erase).prop_map(
        |(
            (flip, rotate, shift, zoom, shear),
            (brightness, contrast, gamma, noise, noise_seed),
            erase,
        )| Transform {
            flip,
            rotate,
            shift,
            zoom,
            shear,
            brightness,
            contrast,
            gamma: if gamma > 3.0 { 1.0 } else { gamma },
            noise: if noise > 20.0 { 0.0 } else { noise },
            noise_seed,
            erase: erase.map(|(x, y, w, h)| Patch { x, y, w, h }),
        },
    )
}

proptest! {
    /// Any image, any change, any size, odd ones and slivers included: to the bit.
    #[test]
    fn all_paths_give_the_same_bits(
        transform in any_transform(),
        (w, h) in (1_u32..90, 1_u32..90),
        size in (1_u32..90, 1_u32..90),
        seed in any::<u8>(),
    ) {
        let film: Vec<u8> = (0..w * h).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed).collect();
        let view = GrayView::new(w, h, &film).expect("an image");
        let plain = applied(Instructions::Scalar, &transform, view, size);
        prop_assert!(plain.iter().all(|v| (0.0..=255.0).contains(v)));
        for &instructions in Instructions::available() {
            let fast = applied(instructions, &transform, view, size);
            prop_assert_eq!(&fast, &plain, "{:?}", instructions);
        }
    }
}

#[test]
fn erasing_takes_its_share_and_noise_its_spread() {
    let gray = vec![100_u8; 64 * 64];
    let film = GrayView::new(64, 64, &gray).expect("an image");
    let noisy = Transform {
        noise: 10.0,
        noise_seed: 3,
        ..Transform::NONE
    };
    let out = applied(Instructions::best(), &noisy, film, (64, 64));
    let mean = out.iter().sum::<f32>() / 4096.0;
    let sigma = (out.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 4096.0).sqrt();
    assert!(
        (mean - 100.0).abs() < 1.0 && (sigma - 10.0).abs() < 0.6,
        "{mean} {sigma}"
    );

    let mut half = gray.clone();
    half[..2048].fill(0);
    let erased = Transform {
        erase: Some(Patch {
            x: 0.0,
            y: 0.5,
            w: 1.0,
            h: 0.25,
        }),
        ..Transform::NONE
    };
    let film = GrayView::new(64, 64, &half).expect("an image");
    let out = applied(Instructions::best(), &erased, film, (64, 64));
    let seen = [7, 40 * 64 + 7, 60 * 64 + 7].map(|place| out[place] as u8);
    assert_eq!(
        seen,
        [0, 50, 100],
        "above, the mean where it was erased, below"
    );
}
