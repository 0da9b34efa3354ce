//! What must be true of the models that ship, whichever they are.

use std::io::Cursor;

use osteon_model::{ArchitectureName, Device, Predictor, Shipped};
use osteon_synth::Synth;

#[test]
fn they_load_fit_and_say_whom_they_are_owed_to() {
    for (shipped, most) in [(Shipped::Accurate, 24 << 20), (Shipped::Fast, 12 << 20)] {
        let bytes = shipped.bytes().len();
        assert!(bytes <= most, "{shipped}: {bytes} bytes");
        let info = shipped.info().expect("reads");
        assert_eq!(info.name.as_deref(), Some(shipped.name()));
        let licence = info.licence.as_deref().expect("stated");
        assert!(licence.contains("CC BY 4.0"), "{licence}");
        let attribution = info.attribution.as_deref().expect("stated");
        assert!(
            attribution.contains("FracAtlas") && attribution.contains("10.1038/s41597-023-02432-4")
        );
        assert!(info.training_data.train_images > 2000);
        assert_eq!(info.architecture.name, ArchitectureName::EfficientnetLite);
        assert_eq!(info.architecture.check(info.preprocess.side()), Ok(()));
        let begun = info.training_data.begun_from.as_deref().expect("stated");
        assert!(begun.contains("ImageNet"), "{begun}");

        let points: Vec<&str> = info
            .operating_points
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        assert_eq!(points, ["balanced", "screening"]);
        let screening = info.operating_points[1].sensitivity.expect("fitted");
        assert!(screening >= 0.95, "{screening}");
        assert!(info.doubt_band.is_some() != info.doubt_refusal.is_some());
        let val = info.metrics.val.as_ref().expect("judged on val");
        assert_eq!(val.images, info.training_data.val_images);
        // Chance is 0.5; the seed's CNN of the same images about 0.70.
        assert!(val.roc_auc.value.expect("both classes") > 0.8);
        let readme = include_str!("../../shipped/README.md");
        assert!(readme.contains(licence) && readme.contains(attribution));
    }
}

#[test]
fn they_have_names() {
    for shipped in Shipped::ALL {
        assert_eq!(Shipped::named(shipped.name()), Some(shipped));
    }
    assert_eq!(Shipped::named("osteon"), None);
}

#[test]
fn it_judges_films_from_the_library() {
    let predictor = Predictor::shipped(Device::Cpu).expect("opens");
    assert_eq!(predictor.info(), &Shipped::default().info().expect("reads"));
    let again = Predictor::from_bytes(Shipped::default().bytes(), Device::Cpu).expect("opens");
    let mut png = Cursor::new(Vec::new());
    let film = Synth::new(1).image(0).pixels;
    film.write_to(&mut png, image::ImageFormat::Png)
        .expect("encodes");
    let judge = |predictor: &Predictor| {
        predictor
            .predict_bytes(png.get_ref())
            .expect("judges")
            .score
    };
    let score = judge(&predictor);
    assert!((0.0..=1.0).contains(&score));
    assert!((score - judge(&again)).abs() < 1e-9);
    let info = predictor.info();
    let fresh = info
        .architecture
        .build(info.preprocess.side(), Device::Cpu)
        .expect("builds");
    assert_eq!(fresh.parameters() as u64, predictor.parameters());
}

#[test]
fn damaged_bytes_are_refused() {
    let whole = Shipped::default().bytes();
    let Err(error) = Predictor::from_bytes(&whole[..whole.len() - 1], Device::Cpu) else {
        panic!("taken for whole")
    };
    assert!(
        error
            .to_string()
            .contains("the model given as bytes is not a whole"),
        "{error}"
    );
}
