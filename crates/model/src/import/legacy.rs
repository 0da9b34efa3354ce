//! What `torch.save` wrote before PyTorch 1.6: five pickles behind each other, then the storages.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use tch::Tensor;

use super::pickle::{is_little_endian, names, state_dict};
use crate::ModelError;
use crate::error::ImportProblem;

/// The first pickle, a number of ten bytes by which the format is known, and the second, its version.
const BEGINS: &[u8] =
    b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.";

/// Whether a file is of this format.
pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(BEGINS)
}

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
    let layout = |name: &str, is| {
        fault(ImportProblem::Layout {
            name: name.to_owned(),
            is,
        })
    };
    let (little, at) = is_little_endian(bytes, BEGINS.len()).map_err(fault)?;
    if !little {
        return Err(layout("little_endian", "says another byte order"));
    }
    let (views, at) = state_dict(bytes, at).map_err(fault)?;
    let (stored, mut at) = names(bytes, at).map_err(fault)?;
    // How large a number is stands with the tensors alone, of which all of a storage must agree.
    let mut widths: HashMap<&Rc<str>, usize> = HashMap::new();
    for (name, view) in &views {
        let width = match &*view.element {
            "Double" | "Long" => 8,
            "Int" => 4,
            "Short" | "BFloat16" => 2,
            "Byte" | "Char" | "Bool" => 1,
            _ => view.kind(path, name)?.elt_size_in_bytes(),
        };
        if *widths.entry(&view.storage).or_insert(width) != width {
            return Err(layout(name, "has numbers of another size than its storage"));
        }
    }
    let mut storages: HashMap<Rc<str>, &[u8]> = HashMap::new();
    for key in stored {
        let Some(&width) = widths.get(&key) else {
            return Err(layout(&key, "is a storage of no tensor"));
        };
        let numbers = (|| {
            let (count, rest) = bytes.get(at..)?.split_first_chunk()?;
            let count = usize::try_from(i64::from_le_bytes(*count)).ok()?;
            rest.get(..count.checked_mul(width)?)
        })();
        let Some(numbers) = numbers else {
            return Err(layout(&key, "ends too early"));
        };
        at += 8 + numbers.len();
        storages.insert(key, numbers);
    }
    let mut tensors = Vec::new();
    for (name, view) in &views {
        if skip(name) {
            continue;
        }
        let Some(numbers) = storages.get(&view.storage) else {
            return Err(layout(&view.storage, "is missing"));
        };
        tensors.push((name.clone(), view.tensor(path, name, numbers)?));
    }
    Ok(tensors)
}
