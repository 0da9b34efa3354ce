//! Whether all ranks hold the same.

use sha2::{Digest, Sha256};
use tch::Tensor;

use crate::{CollectiveError, Group};

impl Group {
    /// Holds every rank's tensors to be the same, bit by bit: names, shapes, types and values. Every rank gets the same answer.
    ///
    /// `what` names them in the error ("weights after epoch 3"). Costs a SHA-256 over the values and 32 bytes a tensor between ranks.
    ///
    /// # Errors
    /// [`CollectiveError::Unequal`] names the first tensor that differs, and on which ranks; those of an operation.
    pub fn assert_equal<'a>(
        &self,
        what: &str,
        tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    ) -> Result<(), CollectiveError> {
        let mut names = Vec::new();
        let mut hashes = Vec::new();
        for (name, tensor) in tensors {
            hashes.extend_from_slice(&hash(name, tensor)?);
            names.push(name);
        }
        let all = self.all_gather_bytes(&hashes)?;
        compare(what, &names, &all)
    }

    /// Holds every rank's bytes to be the same: a configuration, a fingerprint. `what` names them in the error.
    ///
    /// # Errors
    /// [`CollectiveError::Unequal`]; those of an operation.
    pub fn assert_equal_bytes(&self, what: &str, bytes: &[u8]) -> Result<(), CollectiveError> {
        let all = self.all_gather_bytes(&Sha256::digest(bytes))?;
        compare(what, &[what], &all)
    }
}

/// `all`: a row of hashes from each rank, in the order of `names`.
fn compare(what: &str, names: &[&str], all: &[Vec<u8>]) -> Result<(), CollectiveError> {
    let [first, others @ ..] = all else {
        return Ok(());
    };
    let mut differ = Vec::new();
    let mut earliest = usize::MAX;
    for (rank, row) in (1..).zip(others).filter(|(_, row)| *row != first) {
        differ.push(rank);
        let same = row.iter().zip(first).take_while(|(a, b)| a == b).count();
        earliest = earliest.min(same / HASH);
    }
    if differ.is_empty() {
        return Ok(());
    }
    // A rank with more tensors than this one: there is no name for them here.
    let item = names.get(earliest).copied().unwrap_or("their number");
    Err(CollectiveError::Unequal {
        what: what.to_owned(),
        item: item.to_owned(),
        differ,
    })
}

/// Bytes of a hash.
const HASH: usize = 32;

fn hash(name: &str, tensor: &Tensor) -> Result<[u8; HASH], CollectiveError> {
    let plain = tensor.f_detach()?.f_contiguous()?;
    let mut bytes = vec![0; plain.numel() * plain.f_kind()?.elt_size_in_bytes()];
    plain.f_copy_data_u8(&mut bytes, plain.numel())?;
    let mut hasher = Sha256::new();
    hasher.update(format!("{name} {:?} {:?}\n", plain.size(), plain.f_kind()?));
    hasher.update(&bytes);
    Ok(hasher.finalize().into())
}
