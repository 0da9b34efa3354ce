//! A gate fitted on little tells what it was fitted on apart.

use osteon_gate::{Class, Picture, features};
use osteon_gate_fit::{Example, FitError, FitOptions, attach, drawn, fit};
use osteon_synth::Synth;

fn films(count: u64) -> Vec<Example> {
    (0..count)
        .map(|index| Example {
            class: Class::Radiograph,
            source: "synth".to_owned(),
            picture: index,
            features: features(&Picture::new(&Synth::new(1).image(index).pixels, None)),
        })
        .collect()
}

#[test]
fn drawn_films_are_told_from_drawn_pictures_and_always_alike() {
    let mut examples = drawn(6, 1, &|| {});
    examples.extend(films(60));
    let options = FitOptions {
        members: 2,
        hidden: 8,
        epochs: 40,
        ..FitOptions::default()
    };
    let gate = fit(&examples, &options, &|| {}).expect("fits");
    assert_eq!(gate, fit(&examples, &options, &|| {}).expect("fits"));
    let other = Synth::new(9);
    let scores: Vec<f64> = (0..12)
        .map(|i| {
            gate.judge(&Picture::new(&other.image(i).pixels, None))
                .xray_score
        })
        .collect();
    let mean = scores.iter().sum::<f64>() / 12.0;
    assert!(mean > 0.7, "{scores:?}");
    assert!(attach(b"nothing", &gate).is_err());
}

#[test]
fn without_a_class_nothing_is_fitted() {
    let error = fit(&films(2), &FitOptions::default(), &|| {}).expect_err("no pictures");
    assert!(matches!(
        error,
        FitError::NoExamples {
            class: "cross_section"
        }
    ));
}
