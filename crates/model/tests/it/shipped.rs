//! What must be true of the model that ships, whichever it is.

use std::io::Cursor;

use osteon_data::synth::Synth;
use osteon_model::{ArchitectureName, Device, Predictor, SHIPPED, shipped_info};

#[test]
fn it_loads_fits_and_says_whom_it_is_owed_to() {
    assert!(SHIPPED.len() <= 8 << 20, "{} bytes", SHIPPED.len());
    let info = shipped_info().expect("reads");
    assert_eq!(info.licence.as_deref(), Some("CC BY 4.0"));
    let attribution = info.attribution.as_deref().expect("stated");
    assert!(
        attribution.contains("FracAtlas") && attribution.contains("10.1038/s41597-023-02432-4")
    );
    assert!(
        info.training_data.name.to_lowercase().contains("fracatlas"),
        "{}",
        info.training_data.name
    );
    assert!(info.training_data.train_images > 2000);
    assert_eq!(info.architecture.name, ArchitectureName::FractureMap);
    assert_eq!(info.architecture.check(info.preprocess.side()), Ok(()));

    let points: Vec<&str> = info
        .operating_points
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    assert_eq!(points, ["balanced", "screening"]);
    assert!(info.operating_points[1].sensitivity.expect("of val") >= 0.95);
    assert!(info.doubt_band.is_some() != info.doubt_refusal.is_some());
    let val = info.metrics.val.as_ref().expect("judged on val");
    assert_eq!(val.images, info.training_data.val_images);
    // A coin has 0.5; the seed's CNN of the same films about 0.70.
    assert!(val.roc_auc.value.expect("both classes") > 0.8);
    let readme = include_str!("../../shipped/README.md");
    assert!(
        readme.contains("CC BY 4.0")
            && readme.contains("FracAtlas")
            && readme.contains(attribution)
    );
}

#[test]
fn it_judges_films_from_the_library() {
    let predictor = Predictor::shipped(Device::Cpu).expect("opens");
    assert_eq!(predictor.info(), &shipped_info().expect("reads"));
    let again = Predictor::from_bytes(SHIPPED, Device::Cpu).expect("opens");
    let mut png = Cursor::new(Vec::new());
    let film = Synth::new(1).film(0).pixels;
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
    let Err(error) = Predictor::from_bytes(&SHIPPED[..SHIPPED.len() - 1], Device::Cpu) else {
        panic!("taken for whole")
    };
    assert!(
        error
            .to_string()
            .contains("the model given as bytes is not a whole"),
        "{error}"
    );
}
