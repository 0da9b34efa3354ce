//! What `torch.save` writes: a zip archive of a pickle and the storages that it refers to.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::Path;
use std::rc::Rc;

use tch::Tensor;
use zip::{CompressionMethod, ZipArchive};

use super::pickle::state_dict;
use crate::ModelError;
use crate::error::ImportProblem;

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
    let (views, _) = state_dict(&pickle, 0).map_err(fault)?;
    for (name, view) in views {
        if skip(&name) {
            continue;
        }
        if !storages.contains_key(&view.storage) {
            let place = format!("{root}/data/{}", view.storage);
            let numbers = entry(&mut archive, &place).map_err(fault)?;
            storages.insert(view.storage.clone(), numbers);
        }
        let tensor = view.tensor(path, &name, &storages[&view.storage])?;
        tensors.push((name, tensor));
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
