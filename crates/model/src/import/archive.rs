//! What `torch.save` writes: a zip archive of a pickle and the storages that it refers to.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use tch::{Kind, Tensor};
use zip::{CompressionMethod, ZipArchive};

use super::pickle::{View, state_dict};
use crate::ModelError;
use crate::error::{ImportProblem, WeightProblem};
use crate::file::finite;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The tensors by name, as f32, without those that `skip` says are not wanted.
pub(super) fn tensors(
    path: &Path,
    bytes: &[u8],
    skip: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, Tensor)>, ModelError> {
    let fault = |problem| ModelError::Import {
        path: path.to_owned(),
        problem,
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| fault(e.into()))?;
    let mut roots = Vec::new();
    for name in archive.file_names() {
        let name = name.map_err(|e| fault(e.into()))?;
        roots.extend(name.strip_suffix("/data.pkl").map(str::to_owned));
    }
    let [root] = roots.as_slice() else {
        return Err(fault(ImportProblem::Format));
    };
    // Written by PyTorch 2.1 and newer; older machines of the other order are gone.
    let order = format!("{root}/byteorder");
    if archive.index_for_name(&order).is_some()
        && entry(&mut archive, &order).map_err(fault)? != b"little"
    {
        let is = "says another byte order than little";
        return Err(fault(ImportProblem::Layout { name: order, is }));
    }
    let pickle = entry(&mut archive, &format!("{root}/data.pkl")).map_err(fault)?;
    let mut storages: HashMap<Rc<str>, Vec<u8>> = HashMap::new();
    let mut tensors = Vec::new();
    for (name, view) in state_dict(&pickle).map_err(fault)? {
        if skip(&name) {
            continue;
        }
        let kind = match &*view.element {
            "Float" => Kind::Float,
            "Half" => Kind::Half,
            other => {
                return Err(ModelError::Weights {
                    path: path.to_owned(),
                    problem: WeightProblem::Dtype {
                        name,
                        found: other.to_owned(),
                        expected: "Float or Half",
                    },
                });
            }
        };
        if !storages.contains_key(&view.storage) {
            let place = format!("{root}/data/{}", view.storage);
            let numbers = entry(&mut archive, &place).map_err(fault)?;
            storages.insert(view.storage.clone(), numbers);
        }
        let numbers = &storages[&view.storage];
        if !lies_within(&view, numbers.len() / kind.elt_size_in_bytes()) {
            return Err(fault(ImportProblem::Beyond(name)));
        }
        let tensor = tensor(&view, numbers, kind)?;
        tensors.push((name.clone(), finite(path, &name, tensor)?));
    }
    Ok(tensors)
}

/// An entry's bytes. `torch.save` packs nothing, so no entry is larger than the file.
fn entry(archive: &mut Archive<'_>, name: &str) -> Result<Vec<u8>, ImportProblem> {
    let layout = |is| ImportProblem::Layout {
        name: name.to_owned(),
        is,
    };
    let Some(index) = archive.index_for_name(name) else {
        return Err(layout("is missing"));
    };
    let mut file = archive.by_index(index)?;
    if file.compression() != CompressionMethod::Stored {
        return Err(layout("is packed, which torch.save never does"));
    }
    let mut bytes = Vec::new();
    match file.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(source) => Err(ImportProblem::Entry {
            name: name.to_owned(),
            source,
        }),
    }
}

/// Whether a view reaches no further than its storage of so many numbers, and is no larger: one that repeats numbers could be of any size.
fn lies_within(view: &View, stored: usize) -> bool {
    let reach = || {
        let (mut last, mut count) = (view.offset, 1_usize);
        for (&size, &stride) in view.size.iter().zip(&view.stride) {
            last = last.checked_add(size.saturating_sub(1).checked_mul(stride)?)?;
            count = count.checked_mul(size)?;
        }
        Some((last, count))
    };
    match reach() {
        _ if view.size.len() != view.stride.len() => false,
        Some((_, 0)) => true,
        Some((last, count)) => last < stored && count <= stored,
        None => false,
    }
}

fn tensor(view: &View, numbers: &[u8], kind: Kind) -> Result<Tensor, ModelError> {
    let whole = |sizes: &[usize]| sizes.iter().map(|&n| n as i64).collect::<Vec<i64>>();
    let count = numbers.len() / kind.elt_size_in_bytes();
    let numbers = &numbers[..count * kind.elt_size_in_bytes()];
    let stored = Tensor::f_from_data_size(numbers, &[count as i64], kind)?;
    let view = stored.f_as_strided(whole(&view.size), whole(&view.stride), view.offset as i64)?;
    Ok(view.f_to_kind(Kind::Float)?.f_contiguous()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: usize, size: &[usize], stride: &[usize]) -> View {
        View {
            storage: "0".into(),
            element: "Float".into(),
            offset,
            size: size.to_vec(),
            stride: stride.to_vec(),
        }
    }

    #[test]
    fn views_stay_within_their_storage() {
        assert!(lies_within(&view(2, &[2, 2], &[2, 1]), 6));
        assert!(lies_within(&view(0, &[2, 3], &[1, 2]), 6), "transposed");
        assert!(lies_within(&view(0, &[], &[]), 1), "a scalar");
        assert!(!lies_within(&view(3, &[2, 2], &[2, 1]), 6));
        assert!(
            !lies_within(&view(0, &[1 << 40], &[0]), 6),
            "one number, repeated"
        );
        assert!(!lies_within(&view(usize::MAX, &[2], &[1]), 6));
        assert!(!lies_within(&view(0, &[2], &[]), 6));
    }
}
