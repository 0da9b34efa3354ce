//! Integration tests of `evaluate`: small models with untrained weights on a handful of synthetic images.

mod comparing;
mod evaluating;

use std::path::{Path, PathBuf};

use osteon_data::{Catalog, Preprocess, Split};
use osteon_evaluate::{Evaluation, Request, evaluate};
use osteon_model::{Architecture, Device, ModelInfo, Predictor, save};
use osteon_synth::write_synth;

/// A folder with a data set `set`, of whose 40 images 6 are test.
fn drawn() -> (tempfile::TempDir, Catalog) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let set = dir.path().join("set");
    write_synth(&set, 40, 4, &|| {}).expect("writes");
    let catalog = Catalog::open(&set).expect("opens");
    (dir, catalog)
}

/// What an untrained model with an input of 32 pixels says of itself.
fn info() -> ModelInfo {
    let preprocess = Preprocess {
        size: 32,
        ..Preprocess::default()
    };
    ModelInfo::new(Architecture::default(), preprocess)
}

/// Writes a model into a run folder of its own.
fn written(dir: &Path, run: &str, info: &ModelInfo) -> PathBuf {
    let folder = dir.join(run);
    std::fs::create_dir_all(&folder).expect("makes");
    std::fs::write(folder.join("config.toml"), "").expect("writes");
    let file = folder.join("model.safetensors");
    let net = info.architecture.build(info.preprocess.side(), Device::Cpu);
    save(&file, &net.expect("builds"), info).expect("saves");
    file
}

fn opened(file: &Path) -> Predictor {
    Predictor::open(file, Device::Cpu).expect("opens")
}

/// A model in its run on a split, with boxes.
fn on(file: &Path, predictor: &Predictor, catalog: &Catalog, split: Split) -> Evaluation {
    let request = Request {
        model: Some(file),
        explain: true,
        ..Request::new(predictor, catalog, split)
    };
    evaluate(&request, &()).expect("evaluates")
}
