//! The report of a model on the test split of a data set.
//!
//! ```text
//! cargo run -p evaluate --example evaluate -- runs/mine/model.safetensors data/sample out
//! ```
#![allow(clippy::print_stdout, reason = "says what it finds")]

use std::path::PathBuf;

use osteon_data::{Catalog, Split};
use osteon_evaluate::{Request, evaluate};
use osteon_model::{Device, Predictor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [model, data, out] = paths.as_slice() else {
        return Err("expected: MODEL DATA OUT".into());
    };
    let predictor = Predictor::open(model, Device::Cpu)?;
    let catalog = Catalog::open(data)?;
    let request = Request {
        model: Some(model),
        explain: true,
        ..Request::new(&predictor, &catalog, Split::Test)
    };
    let found = evaluate(&request, &())?;
    found.write(out, &predictor, &())?;
    let summary = &found.judgement.summary;
    println!(
        "{} images, ROC-AUC {:?}, {} warnings: {}",
        summary.images,
        summary.roc_auc.value,
        found.judgement.warnings.len(),
        out.join("index.html").display()
    );
    Ok(())
}
