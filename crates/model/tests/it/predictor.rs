//! A predictor gives one answer, however it is asked.

use std::io::Cursor;
use std::sync::Arc;

use osteon_data::{Catalog, Dataset, Decoder, Split};
use osteon_model::{Architecture, Decision, Device, ModelInfo, Predictor, save};
use osteon_synth::{Synth, write_synth};

#[test]
fn path_bytes_and_batch_agree() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let model = dir.path().join("model.safetensors");
    let info = ModelInfo::new(
        Architecture::default(),
        osteon_data::Preprocess {
            size: 64,
            ..Default::default()
        },
    );
    tch::manual_seed(1);
    save(
        &model,
        &info.architecture.build(64, Device::Cpu).expect("builds"),
        &info,
    )
    .expect("saves");
    let predictor = Predictor::open(&model, Device::Cpu).expect("opens");

    let root = dir.path().join("set");
    write_synth(&root, 40, 2, &|| {}).expect("writes");
    let catalog = Catalog::open(&root).expect("opens");
    let entries = catalog.split(Split::Train).expect("train");
    let films =
        Dataset::load(entries, &Decoder::default(), &info.preprocess, &|| {}).expect("loads");
    let scores = predictor.scores(&Arc::new(films), &|_| {}).expect("scores");
    assert_eq!(scores.len(), entries.len());
    for (entry, score) in entries.iter().zip(scores) {
        let from_path = predictor.predict_path(&entry.path).expect("predicts");
        let from_bytes = predictor
            .predict_bytes(&std::fs::read(&entry.path).expect("reads"))
            .expect("predicts");
        assert!(
            (from_path.score - score).abs() < 1e-5,
            "{}: {} and {score}",
            entry.id,
            from_path.score
        );
        assert!((from_path.score - from_bytes.score).abs() < 1e-12);
        assert!((0.0..=1.0).contains(&score));
        assert_eq!(
            from_path.decision == Decision::Fractured,
            from_path.score >= 0.5
        );
    }
}

#[test]
fn what_is_no_film_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let model = dir.path().join("model.safetensors");
    let info = ModelInfo::new(
        Architecture::default(),
        osteon_data::Preprocess {
            size: 32,
            ..Default::default()
        },
    );
    save(
        &model,
        &info.architecture.build(32, Device::Cpu).expect("builds"),
        &info,
    )
    .expect("saves");
    let predictor = Predictor::open(&model, Device::Cpu).expect("opens");
    assert!(predictor.predict_bytes(b"no image").is_err());
    let mut png = Cursor::new(Vec::new());
    Synth::new(1)
        .image(0)
        .pixels
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("encodes");
    assert!(predictor.predict_bytes(png.get_ref()).is_ok());
}
