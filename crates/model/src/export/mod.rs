//! A model in the forms of other programs: TorchScript, ONNX, plain safetensors. `docs/EXPORT.md` says how each is used.

mod about;
mod calibrate;
mod onnx;
mod torchscript;

use std::path::Path;

use serde::Serialize;

use self::calibrate::Calibrated;
use crate::{ModelError, ModelInfo, Net, save};

/// What a model can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// For `torch.jit.load`, in Python and C++; the header is its extra file `osteon.json`.
    #[serde(rename = "torchscript")]
    TorchScript,
    /// For ONNX Runtime and others, opset 17; the header is under `osteon` in `metadata_props`.
    Onnx,
    /// A model file of our own with every weight in 32 bits.
    Safetensors,
}

/// Writes a model as another program reads it, atomically: N×1×side×side images, preprocessed, to scores, logits and, where the network has one, maps.
///
/// `net` and `info` as [`crate::load`] gives them.
pub fn export(
    net: &Net,
    info: &ModelInfo,
    format: ExportFormat,
    path: &Path,
) -> Result<(), ModelError> {
    if format == ExportFormat::Safetensors {
        return save(path, net, info);
    }
    let graph = net.architecture.graph(info.preprocess.side());
    let calibrated = Calibrated::of(&info.calibration);
    let about = about::about(net, info, format)?;
    let bytes = match format {
        ExportFormat::Onnx => onnx::model(net, &graph, &calibrated, info, &about)?,
        _ => torchscript::archive(net, &graph, &calibrated, &about)?,
    };
    Ok(osteon_files::write_atomic(path, &bytes)?)
}
