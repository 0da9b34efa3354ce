//! A gate put into the header of a model file, whose every other byte of meaning stays as it is: no number is read and written again on the way.

use osteon_data::{Seal, check_seal, seal_header};
use serde_json::Value;

use crate::{AttachError, Gate};

/// The header entry that holds what a model says of itself, and the key in it that holds its gate.
const ENTRY: &str = "osteon";
const KEY: &str = "gate";

/// The model file with this gate in place of the one it may have.
///
/// # Errors
/// If the bytes are no safetensors file with an `osteon` entry that is a JSON object, or its header does not have the checksum in it.
pub fn attach(model: &[u8], gate: &Gate) -> Result<Vec<u8>, AttachError> {
    let (mut header, weights) = sound_parts(model)?;
    let entry = entry(&mut header)?;
    let text = entry.as_str().ok_or(AttachError::NotOsteon)?;
    let rest = without(text)?;
    let body = rest
        .trim_end()
        .strip_suffix('}')
        .ok_or(AttachError::NotOsteon)?;
    let comma = if body.trim_end().ends_with('{') {
        ""
    } else {
        ","
    };
    let gate = serde_json::to_string(gate)?;
    *entry = Value::String(format!("{body}{comma}\"{KEY}\":{gate}}}"));
    let mut head = serde_json::to_vec(&header)?;
    // As the format wants it: weights begin at a multiple of eight.
    head.resize(head.len().next_multiple_of(8), b' ');
    let mut out = (head.len() as u64).to_le_bytes().to_vec();
    out.extend(head);
    out.extend(weights);
    // One of a format without a checksum stays without.
    seal_header(&mut out);
    Ok(out)
}

/// The gate of a model file, if it has one.
///
/// # Errors
/// As [`attach`], and if its gate is damaged.
pub fn attached(model: &[u8]) -> Result<Option<Gate>, AttachError> {
    let (mut header, _) = sound_parts(model)?;
    let entry = entry(&mut header)?;
    let info: Value = serde_json::from_str(entry.as_str().ok_or(AttachError::NotOsteon)?)?;
    match info.get(KEY) {
        Some(gate) => Ok(Some(serde_json::from_value(gate.clone())?)),
        None => Ok(None),
    }
}

/// As [`parts`], if the header is as it was written.
fn sound_parts(model: &[u8]) -> Result<(Value, &[u8]), AttachError> {
    match check_seal(model) {
        Seal::Broken => Err(AttachError::Checksum),
        Seal::Sound | Seal::Absent => parts(model),
    }
}

/// The header as JSON, and the weights behind it.
fn parts(model: &[u8]) -> Result<(Value, &[u8]), AttachError> {
    let (length, rest) = model
        .split_first_chunk::<8>()
        .ok_or(AttachError::NotOsteon)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (head, weights) = rest
        .split_at_checked(length)
        .ok_or(AttachError::NotOsteon)?;
    Ok((serde_json::from_slice(head)?, weights))
}

fn entry(header: &mut Value) -> Result<&mut Value, AttachError> {
    header
        .get_mut("__metadata__")
        .and_then(|metadata| metadata.get_mut(ENTRY))
        .ok_or(AttachError::NotOsteon)
}

/// A JSON object's text without the member `gate`.
fn without(text: &str) -> Result<String, AttachError> {
    let bytes = text.as_bytes();
    let (mut depth, mut at, mut member) = (0_usize, 0, None);
    let name = format!("\"{KEY}\"");
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let start = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let end = (at + 1).min(bytes.len());
                let colon = text[end..].trim_start().starts_with(':');
                if depth == 1 && colon && text[start..end] == name {
                    member = Some(start);
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1).ok_or(AttachError::NotOsteon)?;
                if depth == 0
                    && let Some(start) = member
                {
                    // The last member: the comma before it goes with it.
                    let before = text[..start].trim_end().trim_end_matches(',');
                    return Ok(format!("{before}{}", &text[at..]));
                }
            }
            b',' if depth == 1 => {
                if let Some(start) = member {
                    return Ok(format!("{}{}", &text[..start], &text[at + 1..]));
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_taken_out_wherever_it_stands() {
        for (with, out) in [
            (
                r#"{"a":1.10,"gate":{"x":[1,"},"]},"b":2}"#,
                r#"{"a":1.10,"b":2}"#,
            ),
            (r#"{"a":1.10,"gate":{"x":{}}}"#, r#"{"a":1.10}"#),
            (r#"{"gate":null}"#, "{}"),
            (
                r#"{"a":{"gate":1},"b":"gate"}"#,
                r#"{"a":{"gate":1},"b":"gate"}"#,
            ),
        ] {
            assert_eq!(without(with).expect("JSON"), out);
        }
    }

    #[test]
    fn what_is_no_model_is_refused() {
        let gate = crate::gate::tests::any();
        for bytes in [&b""[..], b"12345678", b"\x02\0\0\0\0\0\0\0{}"] {
            assert!(attach(bytes, &gate).is_err());
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        let header = r#"{"__metadata__":{"osteon":"{\"t\":0.1000000000000000055,\"z\":1}"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let mut model = (header.len() as u64).to_le_bytes().to_vec();
        model.extend(header.as_bytes());
        model.extend([1, 2, 3, 4]);
        let mut gate = crate::gate::tests::any();
        let once = attach(&model, &gate).expect("attaches");
        gate.threshold = 0.25;
        let twice = attach(&once, &gate).expect("attaches");
        assert_eq!(attached(&model).expect("reads"), None);
        assert_eq!(attached(&twice).expect("reads"), Some(gate));
        assert!(twice.ends_with(&[1, 2, 3, 4]));
        let text = String::from_utf8_lossy(&twice);
        assert!(
            text.contains(r#"\"t\":0.1000000000000000055,\"z\":1,\"gate\":"#),
            "{text}"
        );
        assert_eq!(text.matches("cross_section_threshold").count(), 1);
    }
}
