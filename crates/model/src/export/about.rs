//! What an exported file says of itself: the model file's header, and how a stranger feeds the network.

use osteon_data::{Fit, Preprocess};
use serde_json::{Value, json};

use super::{ExportFormat, ModelError};
use crate::{ModelInfo, Net};

/// The header as JSON, with `export` added. Without the lists of training images, which tell nothing to another program and are most of it.
pub(super) fn about(
    net: &Net,
    info: &ModelInfo,
    format: ExportFormat,
) -> Result<String, ModelError> {
    let fault = |source| ModelError::Header {
        path: "the exported file".into(),
        source,
    };
    let mut about = serde_json::to_value(info).map_err(fault)?;
    if let Some(data) = about["training_data"].as_object_mut() {
        data.retain(|key, _| !key.ends_with("_films") && !key.ends_with("_hashes"));
    }
    let side = info.preprocess.size;
    // Methods of the one, outputs of the other.
    let (score, map) = match format {
        ExportFormat::TorchScript => ("forward", "map_logits"),
        _ => ("score", "map"),
    };
    let mut outputs = json!({
        score: "N scores: the calibrated probability of a fracture",
        "logit": "N logits, before calibration",
    });
    if let Some(cell) = net.architecture.map_cell() {
        let cells = info.preprocess.side() / cell;
        outputs[map] = json!(format!(
            "N×{cells}×{cells} logits of a fracture at each place, one for {cell}×{cell} pixels, row by row"
        ));
    }
    about["export"] = json!({
        "format": format,
        "use": "Not a medical device: for research and teaching, never for a decision about a patient",
        "input": {
            "name": "images",
            "shape": ["N", 1, side, side],
            "type": "float32",
        },
        "outputs": outputs,
        "positive_class": info.class_names[1],
        "preprocess": preprocess(&info.preprocess),
    });
    serde_json::to_string(&about).map_err(fault)
}

/// From a file to the input, step by step, in words that a person can follow with Pillow and NumPy.
fn preprocess(pre: &Preprocess) -> Value {
    let fit = match pre.fit {
        Fit::Letterbox => {
            "scale = size / longest side; resized to round(width · scale) × round(height · scale), halves up; centred on black (0), left = (size − width) div 2, top likewise"
        }
        Fit::Stretch => "resized to size × size, whatever its shape",
        Fit::Crop => {
            "scale = size / shortest side; of round(width · scale) × round(height · scale) the middle size × size, cut out in the same resampling (Pillow's box)"
        }
    };
    json!({
        "gray": "8 bits: colour by ITU-R BT.601 luma as Pillow's convert('L'), alpha on black; deeper samples stretched so that the darkest is 0 and the brightest 255",
        "orientation": "as EXIF says (Pillow's ImageOps.exif_transpose)",
        "size": pre.size,
        "fit": pre.fit,
        "fit_means": fit,
        "order": "first down the image, then across, rounded to 8 bits after each: Pillow's resize((width, h)).resize((w, h))",
        "filter": "triangle, antialiased, to 8 bits: Pillow's Image.Resampling.BILINEAR",
        "mean": pre.mean,
        "std": pre.std,
        "normalised": "(gray / 255 − mean) / std",
    })
}
