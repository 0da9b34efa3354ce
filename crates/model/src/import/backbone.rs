//! What a backbone learned of ImageNet, as published, as the beginning of a network of ours.

use std::path::Path;

use tch::Tensor;

use super::tensors;
use crate::file::read_bytes;
use crate::network::BODY;
use crate::{ModelError, Net, TensorRecord};

/// The convolution that looks at the image.
const STEM: &str = "_conv_stem.weight";
/// The published classifier's last layer, which no network of ours has.
const CLASSIFIER: &str = "_fc.";

/// Takes over a backbone's published weights; what lies behind the backbone keeps its own. The stem's three colour kernels are summed,
/// since all three colours of a gray image are the same; the local contrast begins with weights of 0.
///
/// The input of the published weights is (level − 127) / 128, ours is (level − 127.5) / 127.5 with the default normalisation.
///
/// # Errors
/// A network without such a backbone; a file that is no `state_dict`; a tensor that is missing, unknown or of another shape.
pub fn begin_from_backbone(path: &Path, net: &Net) -> Result<(), ModelError> {
    if net.architecture.backbone().is_none() {
        return Err(ModelError::NoBackbone {
            architecture: net.architecture.name,
        });
    }
    let bytes = read_bytes(path)?;
    let mut record: TensorRecord = net
        .tensors()
        .into_iter()
        .filter(|(name, _)| !net.architecture.is_of_backbone(name))
        .collect();
    for (name, tensor) in tensors(path, &bytes)? {
        if name.starts_with(CLASSIFIER) {
            continue;
        }
        let tensor = if name == STEM { gray(&tensor)? } else { tensor };
        record.insert(format!("{BODY}.{name}"), tensor);
    }
    net.copy_weights(&record, path)
}

/// Kernels for red, green and blue → kernels for the level and for its local contrast. Other shapes stay as they are, and are refused.
fn gray(kernels: &Tensor) -> Result<Tensor, tch::TchError> {
    if kernels.size().get(1) != Some(&3) {
        return Ok(kernels.shallow_clone());
    }
    let level = kernels.f_sum_dim_intlist(1, true, kernels.kind())?;
    let contrast = level.f_zeros_like()?;
    Tensor::f_cat(&[level, contrast], 1)
}
