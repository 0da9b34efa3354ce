//! What is known of the data and of the model, for whoever reads the figures.

use std::collections::BTreeMap;
use std::path::Path;

use osteon_data::{Catalog, Entry, Fit, subgroup_columns};
use osteon_metrics::Estimate;
use osteon_model::{CalibrationMethod, Predictor};
use osteon_report::judgement::{DataCard, ModelCard};

pub fn data(catalog: &Catalog, judged: &[Entry], fingerprint: &str) -> DataCard {
    let mut splits: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for entry in catalog.entries() {
        let (fractured, not) = splits.entry(entry.split.name().to_owned()).or_default();
        *(if entry.label.is_fractured() {
            fractured
        } else {
            not
        }) += 1;
    }
    let columns = subgroup_columns(judged)
        .into_iter()
        .map(|(column, values)| {
            let count = |value: &String| {
                judged
                    .iter()
                    .filter(|e| e.fields.get(&column) == Some(value))
                    .count() as u64
            };
            let counts = values.iter().map(|v| (v.clone(), count(v))).collect();
            (column, counts)
        })
        .collect();
    DataCard {
        name: catalog.name(),
        path: catalog.root().display().to_string(),
        layout: catalog.layout().name().to_owned(),
        splits,
        groups_known: catalog.entries().iter().any(|e| e.group.is_some()),
        columns,
        caveat: catalog.layout().caveat().map(str::to_owned),
        fingerprint: fingerprint.to_owned(),
    }
}

/// Without a file, it is the model that ships with the program.
pub fn model(predictor: &Predictor, file: Option<&Path>) -> ModelCard {
    let info = predictor.info();
    let (pre, data) = (&info.preprocess, &info.training_data);
    let fit = match pre.fit {
        Fit::Letterbox => "letterboxed",
        Fit::Stretch => "stretched",
        Fit::Crop => "cropped to the middle",
    };
    let options = info
        .architecture
        .options()
        .map_or(String::new(), |options| format!(" {options}"));
    let calibration = match info.calibration.method {
        CalibrationMethod::None => "none: the plain sigmoid of the logit".to_owned(),
        CalibrationMethod::Isotonic => "isotonic regression of the logit".to_owned(),
        method => format!(
            "{}: sigmoid({:.4} · logit + {:.4})",
            if method == CalibrationMethod::Platt {
                "Platt"
            } else {
                "temperature"
            },
            info.calibration.slope,
            info.calibration.intercept
        ),
    };
    ModelCard {
        file: file.map_or_else(
            || "ships with the program".to_owned(),
            |file| {
                let name = file.file_name().unwrap_or_default();
                name.to_string_lossy().into_owned()
            },
        ),
        weights_sha256: info.weights_sha256.clone(),
        architecture: format!("{}{options}", info.architecture.name),
        parameters: predictor.parameters(),
        input: format!(
            "gray, {0}×{0} pixels, {fit}; (v/255 − {1}) / {2}",
            pre.size, pre.mean, pre.std
        ),
        calibration,
        program: format!("{} {}", info.program.name, info.program.version),
        trained_on: data.name.clone(),
        train_images: (data.train_images, data.train_fractured),
        val_images: (data.val_images, data.val_fractured),
        val_apart: data.val_apart,
        epochs: data.epochs,
        seed: data.seed,
        licence: info.licence.clone(),
        attribution: info.attribution.clone(),
        val_roc_auc: info
            .metrics
            .val
            .as_ref()
            .map_or(Estimate::UNDEFINED, |val| val.roc_auc),
    }
}
