//! A checksum over the header of a safetensors file, which the format itself has not: without one, a flipped bit in a threshold goes unnoticed.
//!
//! It is an entry of the header's metadata, the SHA-256 of the file's first bytes up to the tensors' values: the header's length, every name, shape, type
//! and place, every other entry, the spaces after it. Its own digits count as zeros. It finds damage, not malice: whoever changes a header can compute it.

use std::ops::Range;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::hex;

/// The entry of `__metadata__` that holds the checksum.
pub const SEAL: &str = "osteon_header_sha256";
/// What the entry is written with, for [`seal_header`] to replace: 64 zeros.
pub const UNSEALED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a header's checksum says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// The header is as it was written.
    Sound,
    /// There is no checksum.
    Absent,
    /// The header is not as it was written, or was written by another program.
    Broken,
}

/// A safetensors file with the entry [`SEAL`] and the right checksum in it; `None` of what is no safetensors file.
#[must_use]
pub fn sealed(file: &[u8]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(header(file)?).ok()?;
    let metadata = json
        .as_object_mut()?
        .entry("__metadata__")
        .or_insert_with(|| Value::Object(Map::new()));
    metadata
        .as_object_mut()?
        .insert(SEAL.to_owned(), UNSEALED.into());
    let out = with_header(file, &json)?;
    (check_seal(&out) == Seal::Sound).then_some(out)
}

/// A safetensors file with this header in place of its own, and the right checksum in it if it has the entry [`SEAL`]; `None` of what is no safetensors file.
#[must_use]
pub fn with_header(file: &[u8], json: &Value) -> Option<Vec<u8>> {
    let values = file.get(8 + header(file)?.len()..)?;
    let mut new = serde_json::to_vec(json).ok()?;
    // As the format wants it: values begin at a multiple of eight.
    new.resize(new.len().next_multiple_of(8), b' ');
    let mut out = (new.len() as u64).to_le_bytes().to_vec();
    out.extend(&new);
    out.extend(values);
    seal_header(&mut out);
    Some(out)
}

/// Sets the checksum of a safetensors file that has the entry [`SEAL`] with 64 characters. Gives whether it has.
pub fn seal_header(file: &mut [u8]) -> bool {
    match place(file) {
        Place::At(digits) => {
            let sum = sum(file, &digits);
            file[digits].copy_from_slice(sum.as_bytes());
            true
        }
        Place::Nowhere | Place::Odd => false,
    }
}

/// Looks whether a safetensors file's header is as it was written.
#[must_use]
pub fn check_seal(file: &[u8]) -> Seal {
    match place(file) {
        Place::At(digits) if sum(file, &digits).as_bytes() == &file[digits.clone()] => Seal::Sound,
        Place::At(_) | Place::Odd => Seal::Broken,
        Place::Nowhere => Seal::Absent,
    }
}

enum Place {
    At(Range<usize>),
    Nowhere,
    /// More than one, or no 64 characters.
    Odd,
}

/// Where the digits stand. In the text of another entry the quotes around the key would have backslashes.
fn place(file: &[u8]) -> Place {
    let Some(header) = header(file) else {
        return Place::Nowhere;
    };
    let key = format!("\"{SEAL}\":\"");
    let mut found = header
        .windows(key.len())
        .enumerate()
        .filter(|(_, window)| *window == key.as_bytes());
    let Some((at, _)) = found.next() else {
        return Place::Nowhere;
    };
    let start = 8 + at + key.len();
    let end = start + UNSEALED.len();
    let closed = end < 8 + header.len() && file[end] == b'"';
    if found.next().is_some() || !closed {
        return Place::Odd;
    }
    Place::At(start..end)
}

/// The JSON of a safetensors file's header, with the spaces after it; `None` of what is no such file.
#[must_use]
pub fn header(file: &[u8]) -> Option<&[u8]> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// The checksum of all before the values, with zeros for its own digits.
fn sum(file: &[u8], digits: &Range<usize>) -> String {
    let end = 8 + header(file).map_or(0, <[u8]>::len);
    let mut hash = Sha256::new();
    hash.update(&file[..digits.start]);
    hash.update(UNSEALED);
    hash.update(&file[digits.end..end]);
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str) -> Vec<u8> {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend([1, 2, 3, 4]);
        file
    }

    #[test]
    fn every_bit_of_a_header_is_under_the_seal() {
        let header = format!(
            r#"{{"__metadata__":{{"a":"\"{SEAL}\":\"","{SEAL}":"{UNSEALED}"}},"w":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}  "#
        );
        let mut whole = file(&header);
        assert_eq!(check_seal(&whole), Seal::Broken);
        let unsealed = hex(&Sha256::digest(&whole[..whole.len() - 4]));
        assert!(seal_header(&mut whole));
        assert_eq!(check_seal(&whole), Seal::Sound);
        assert!(String::from_utf8_lossy(&whole).contains(&unsealed));
        for bit in 0..8 * (8 + header.len()) {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(check_seal(&flipped), Seal::Sound, "bit {bit}");
        }
        // One is made where there is none, whatever else there is.
        let again = sealed(&file(
            r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        ));
        let again = again.expect("a safetensors file");
        assert_eq!(check_seal(&again), Seal::Sound);
        assert_eq!(sealed(&again), Some(again.clone()));
        assert!(again.ends_with(&[1, 2, 3, 4]) && again.len() % 8 == 4);
        assert_eq!(sealed(b"12345678"), None);
        // The values have their own.
        *whole.last_mut().expect("bytes") ^= 1;
        assert_eq!(check_seal(&whole), Seal::Sound);
    }

    #[test]
    fn what_has_no_seal_or_two_is_told() {
        for (header, seal) in [
            ("{}".to_owned(), Seal::Absent),
            (
                format!(r#"{{"a":"\"{SEAL}\":\"{UNSEALED}\""}}"#),
                Seal::Absent,
            ),
            (format!(r#"{{"{SEAL}":"12"}}"#), Seal::Broken),
            (
                format!(r#"{{"{SEAL}":"{UNSEALED}","{SEAL}":"{UNSEALED}"}}"#),
                Seal::Broken,
            ),
        ] {
            let mut file = file(&header);
            assert_eq!(check_seal(&file), seal, "{header}");
            assert!(!seal_header(&mut file), "{header}");
        }
        assert_eq!(check_seal(b""), Seal::Absent);
        assert_eq!(check_seal(&[255; 9]), Seal::Absent);
    }
}
