//! A `state_dict` as a model.

use std::path::Path;
use std::str::FromStr;

use osteon_data::Preprocess;
use tch::Device;

use super::tensors;
use crate::error::WeightProblem;
use crate::file::read_bytes;
use crate::{Architecture, ModelError, ModelInfo, Net, TensorRecord};

/// How names of a file become names of ours: `old`, a whole name or what stands before a dot, becomes `new`. An empty `new` takes it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// As in the file.
    pub old: String,
    /// As in `docs/MODELS.md`.
    pub new: String,
}

impl FromStr for Rename {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((old, new)) if !old.is_empty() => Ok(Self {
                old: old.to_owned(),
                new: new.to_owned(),
            }),
            _ => {
                Err("expected OLD=NEW, such as features.0=conv1, or module= to take `module.` away")
            }
        }
    }
}

impl Rename {
    /// The name after it, if it is for this one.
    fn apply(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix(&self.old)?;
        match (rest.strip_prefix('.'), self.new.as_str()) {
            (Some(rest), "") => Some(rest.to_owned()),
            (Some(rest), new) => Some(format!("{new}.{rest}")),
            (None, new) if rest.is_empty() => Some(new.to_owned()),
            _ => None,
        }
    }
}

/// Reads a `state_dict`, as `safetensors.torch.save_file` or `torch.save` wrote it, as the weights of an architecture. The first rename that is for a
/// name is applied. Of the image's way to the input and of calibration such a file says nothing: the header has this `preprocess`, no calibration and
/// the threshold 0.5.
///
/// # Errors
/// Whatever is not a flat dict of tensors of 32 or 16 bits, and a tensor whose name or shape the architecture does not have.
pub fn import(
    path: &Path,
    architecture: &Architecture,
    preprocess: &Preprocess,
    renames: &[Rename],
) -> Result<(Net, ModelInfo), ModelError> {
    let bytes = read_bytes(path)?;
    let net = architecture.build(preprocess.side(), Device::Cpu)?;
    let mut record = TensorRecord::new();
    for (name, tensor) in tensors(path, &bytes)? {
        let renamed = renames.iter().find_map(|rename| rename.apply(&name));
        let name = renamed.unwrap_or(name);
        if record.insert(name.clone(), tensor).is_some() {
            return Err(ModelError::Weights {
                path: path.to_owned(),
                problem: WeightProblem::Twice(name),
            });
        }
    }
    net.copy_weights(&record, path)?;
    Ok((
        net,
        ModelInfo::new(architecture.clone(), preprocess.clone()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_at_dots() {
        let rename = |text: &str| text.parse::<Rename>().expect("reads");
        let conv = rename("features.0=conv1");
        assert_eq!(
            conv.apply("features.0.weight").as_deref(),
            Some("conv1.weight")
        );
        assert_eq!(conv.apply("features.01.weight"), None);
        assert_eq!(
            rename("module=").apply("module.fc.bias").as_deref(),
            Some("fc.bias")
        );
        assert_eq!(
            rename("w=fc.weight").apply("w").as_deref(),
            Some("fc.weight")
        );
        assert!("=x".parse::<Rename>().is_err());
        assert!("x".parse::<Rename>().is_err());
    }
}
