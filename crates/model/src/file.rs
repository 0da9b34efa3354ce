//! The model file: safetensors with everything needed to use the weights in its header. No pickle is ever read.

use std::collections::BTreeMap;
use std::path::Path;

use osteon_files::{FileError, sealed};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use tch::{Device, Kind, Tensor};

use crate::error::WeightProblem;
use crate::header::{KEY, Metadata, check_header, parse, parse_info};
use crate::{FORMAT_VERSION, ModelError, ModelInfo, Net};

/// Networks of fewer numbers are built whatever the file holds, so that the tensor that does not fit is named.
const SMALL: u64 = 1 << 24;

/// Tensors by name, as read from a file, on the CPU.
pub type TensorRecord = BTreeMap<String, Tensor>;

/// How a model file holds weights. Read, they are f32 in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// 32 bits.
    #[default]
    Full,
    /// 16 bits for kernels and matrices, which are nearly all of a model. What has one dimension stays at 32: biases, and norms' gains and
    /// statistics, whose range 16 bits may not hold.
    Half,
}

impl Storage {
    /// The type that a tensor is stored as.
    fn kind(self, tensor: &Tensor) -> Kind {
        match self {
            Self::Half if tensor.dim() > 1 => Kind::Half,
            _ => Kind::Float,
        }
    }
}

/// A tensor's values as a file holds them.
struct Raw {
    dtype: Dtype,
    bytes: Vec<u8>,
}

/// Writes f32 tensors and header entries as one safetensors file, atomically. A checksum over its header is among the entries.
pub fn write_tensors(
    path: &Path,
    tensors: &[(String, Tensor)],
    metadata: BTreeMap<String, String>,
) -> Result<(), ModelError> {
    write_raw(path, tensors, &raw(tensors, Storage::Full)?, metadata)
}

/// Reads what [`write_tensors`] wrote: tensors and header entries. Only F32 is accepted, and only a header that has its checksum.
pub fn read_tensors(path: &Path) -> Result<(TensorRecord, Metadata), ModelError> {
    let bytes = read_bytes(path)?;
    let (tensors, metadata) = parse(path, &bytes)?;
    check_header(path, &bytes, &metadata, true)?;
    Ok((to_record(path, &tensors, Storage::Full)?, metadata))
}

/// Writes a model file of 32 bits, atomically. Format version and checksums are set on the way.
pub fn save(path: &Path, net: &Net, info: &ModelInfo) -> Result<(), ModelError> {
    save_as(path, net, info, Storage::Full)
}

/// As [`save`], with the weights stored as told.
///
/// # Errors
/// Besides those of writing: a weight too large for 16 bits.
pub fn save_as(
    path: &Path,
    net: &Net,
    info: &ModelInfo,
    storage: Storage,
) -> Result<(), ModelError> {
    let tensors = net.tensors();
    if storage == Storage::Half {
        fits_half(path, &tensors)?;
    }
    let raw = raw(&tensors, storage)?;
    let info = ModelInfo {
        format_version: FORMAT_VERSION,
        weights_sha256: checksum(raw.iter().map(|raw| raw.bytes.as_slice())),
        ..info.clone()
    };
    let header = serde_json::to_string(&info).map_err(|source| ModelError::Header {
        path: path.to_owned(),
        source,
    })?;
    let metadata = BTreeMap::from([(KEY.to_owned(), header)]);
    write_raw(path, &tensors, &raw, metadata)
}

/// Reads a model file: checks format, header, architecture, names, shapes, types, values and both checksums before anything is used.
pub fn load(path: &Path, device: Device) -> Result<(Net, ModelInfo), ModelError> {
    load_bytes(path, &read_bytes(path)?, device)
}

/// As [`load`], of a model file's bytes; `path` is what errors call them.
pub fn load_bytes(
    path: &Path,
    bytes: &[u8],
    device: Device,
) -> Result<(Net, ModelInfo), ModelError> {
    let (tensors, metadata) = parse(path, bytes)?;
    let info = parse_info(path, bytes, &metadata)?;
    let mut by_name: Vec<_> = tensors.iter().collect();
    by_name.sort_by_key(|(name, _)| *name);
    if checksum(by_name.iter().map(|(_, view)| view.data())) != info.weights_sha256 {
        return Err(ModelError::Checksum {
            path: path.to_owned(),
        });
    }
    fits_file(path, &info, &tensors)?;
    let net = info.architecture.build(info.preprocess.side(), device)?;
    net.copy_weights(&to_record(path, &tensors, Storage::Half)?, path)?;
    Ok((net, info))
}

/// Reads what a model file says of itself, without its weights.
pub fn read_info(path: &Path) -> Result<ModelInfo, ModelError> {
    info_of(path, &read_bytes(path)?)
}

/// As [`read_info`], of a model file's bytes; `path` is what errors call them.
pub fn info_of(path: &Path, bytes: &[u8]) -> Result<ModelInfo, ModelError> {
    let (_, metadata) = parse(path, bytes)?;
    parse_info(path, bytes, &metadata)
}

/// Refuses an architecture that would take far more memory than there are weights in the file.
fn fits_file(path: &Path, info: &ModelInfo, tensors: &SafeTensors<'_>) -> Result<(), ModelError> {
    let held = tensors
        .iter()
        .map(|(_, view)| view.shape().iter().product::<usize>() as u64)
        .sum();
    let side = info.preprocess.side();
    info.architecture
        .check(side)
        .map_err(|(key, must)| ModelError::Architecture { key, must })?;
    let expected = info.architecture.numbers(side);
    if expected > SMALL.max(held) {
        return Err(ModelError::Count {
            path: path.to_owned(),
            expected,
            held,
        });
    }
    Ok(())
}

impl Net {
    /// Rounds the weights to what a file of such a storage holds.
    pub fn round_to(&self, storage: Storage) -> Result<(), ModelError> {
        for (_, tensor) in self.tensors() {
            let rounded = tensor.f_detach()?.f_to_kind(storage.kind(&tensor))?;
            tensor.f_detach()?.f_copy_(&rounded)?;
        }
        Ok(())
    }

    /// Takes over weights by name, after checking every name and shape: `VarStore::load` would silently broadcast another shape. The
    /// file they come from is named in errors.
    pub fn copy_weights(&self, record: &TensorRecord, from: &Path) -> Result<(), ModelError> {
        let targets = self.tensors();
        let fault = |problem| ModelError::Weights {
            path: from.to_owned(),
            problem,
        };
        if let Some(name) = record
            .keys()
            .find(|name| !targets.iter().any(|(known, _)| known == *name))
        {
            return Err(fault(WeightProblem::Unknown {
                name: name.clone(),
                nearest: nearest(name, &targets),
            }));
        }
        for (name, target) in &targets {
            let Some(source) = record.get(name) else {
                return Err(fault(WeightProblem::Missing(name.clone())));
            };
            if source.size() != target.size() {
                return Err(fault(WeightProblem::Shape {
                    name: name.clone(),
                    found: source.size(),
                    expected: target.size(),
                }));
            }
        }
        for (name, target) in targets {
            target.detach().f_copy_(&record[&name])?;
        }
        Ok(())
    }
}

pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ModelError::NoFile {
            path: path.to_owned(),
        },
        _ => FileError::new("read", path, source).into(),
    })
}

/// All tensors as f32; those of 16 bits are accepted if `storage` says so.
fn to_record(
    path: &Path,
    tensors: &SafeTensors<'_>,
    storage: Storage,
) -> Result<TensorRecord, ModelError> {
    let mut record = TensorRecord::new();
    for (name, view) in tensors.iter() {
        record.insert(name.to_owned(), to_tensor(path, name, &view, storage)?);
    }
    Ok(record)
}

pub(crate) fn to_tensor(
    path: &Path,
    name: &str,
    view: &TensorView<'_>,
    storage: Storage,
) -> Result<Tensor, ModelError> {
    let problem = |problem| ModelError::Weights {
        path: path.to_owned(),
        problem,
    };
    let kind = match (view.dtype(), storage) {
        (Dtype::F32, _) => Kind::Float,
        (Dtype::F16, Storage::Half) => Kind::Half,
        (found, _) => {
            return Err(problem(WeightProblem::Dtype {
                name: name.to_owned(),
                found: format!("{found:?}"),
                expected: match storage {
                    Storage::Full => "F32",
                    Storage::Half => "F32 or F16",
                },
            }));
        }
    };
    let shape: Vec<i64> = view.shape().iter().map(|&d| d as i64).collect();
    let tensor = Tensor::f_from_data_size(view.data(), &shape, kind)?.f_to_kind(Kind::Float)?;
    let tensor = finite(path, name, tensor)?;
    if name.ends_with("running_var") && tensor.f_lt(0.0)?.f_any()?.f_int64_value(&[])? != 0 {
        return Err(problem(WeightProblem::Negative(name.to_owned())));
    }
    Ok(tensor)
}

/// The tensor, if all its values are numbers.
pub(crate) fn finite(path: &Path, name: &str, tensor: Tensor) -> Result<Tensor, ModelError> {
    if tensor.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
        return Err(ModelError::Weights {
            path: path.to_owned(),
            problem: WeightProblem::NotFinite(name.to_owned()),
        });
    }
    Ok(tensor)
}

/// The known name that is most like this one.
fn nearest(name: &str, known: &[(String, Tensor)]) -> String {
    let likeness = |known: &str| strsim::normalized_levenshtein(name, known);
    known
        .iter()
        .map(|(known, _)| known)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .cloned()
        .unwrap_or_default()
}

fn write_raw(
    path: &Path,
    tensors: &[(String, Tensor)],
    raw: &[Raw],
    metadata: BTreeMap<String, String>,
) -> Result<(), ModelError> {
    let metadata = Some(metadata.into_iter().collect());
    let bytes =
        safetensors::serialize(views(tensors, raw)?, metadata).map_err(ModelError::Serialise)?;
    // Invariant: what was just written as a safetensors file is one.
    let bytes = sealed(&bytes).unwrap_or(bytes);
    Ok(osteon_files::write_atomic(path, &bytes)?)
}

/// The first tensor that rounding to 16 bits would make infinite.
fn fits_half(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), ModelError> {
    for (name, tensor) in tensors {
        let rounded = tensor.f_detach()?.f_to_kind(Storage::Half.kind(tensor))?;
        if rounded.f_isfinite()?.f_all()?.f_int64_value(&[])? == 0 {
            return Err(ModelError::Weights {
                path: path.to_owned(),
                problem: WeightProblem::TooLarge(name.clone()),
            });
        }
    }
    Ok(())
}

fn raw(tensors: &[(String, Tensor)], storage: Storage) -> Result<Vec<Raw>, ModelError> {
    let mut all = Vec::new();
    for (_, tensor) in tensors {
        let (kind, dtype, size) = match storage.kind(tensor) {
            Kind::Half => (Kind::Half, Dtype::F16, 2),
            _ => (Kind::Float, Dtype::F32, 4),
        };
        let plain = tensor
            .detach()
            .f_to_device(Device::Cpu)?
            .f_to_kind(kind)?
            .f_contiguous()?;
        let count = plain.numel();
        let mut bytes = vec![0; count * size];
        plain.f_copy_data_u8(&mut bytes, count)?;
        all.push(Raw { dtype, bytes });
    }
    Ok(all)
}

fn views<'a>(
    tensors: &'a [(String, Tensor)],
    raw: &'a [Raw],
) -> Result<Vec<(&'a str, TensorView<'a>)>, ModelError> {
    let mut all = Vec::new();
    for ((name, tensor), raw) in tensors.iter().zip(raw) {
        let shape = tensor.size().iter().map(|&d| d as usize).collect();
        all.push((
            name.as_str(),
            TensorView::new(raw.dtype, shape, &raw.bytes).map_err(ModelError::Serialise)?,
        ));
    }
    Ok(all)
}

/// SHA-256 over the values of tensors in their order, as a file of 32 bits holds them: 64 hexadecimal digits.
pub fn checksum_of(tensors: &[(String, Tensor)]) -> Result<String, ModelError> {
    let raw = raw(tensors, Storage::Full)?;
    Ok(checksum(raw.iter().map(|raw| raw.bytes.as_slice())))
}

fn checksum<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    parts.for_each(|part| hash.update(part));
    osteon_files::hex(&hash.finalize())
}
