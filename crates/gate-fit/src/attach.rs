//! A gate put into the header of a model file, whose every other byte of meaning stays as it is: no number is read and written again on the way.

use osteon_files::{Seal, check_seal, header, with_header};
use osteon_gate::Gate;
use serde_json::Value;

use crate::AttachError;

/// The header entry that holds what a model says of itself, and the key in it that holds its gate.
const ENTRY: &str = "osteon";
const KEY: &str = "gate";

/// The model file with this gate in place of the one it may have.
///
/// # Errors
/// If the bytes are no safetensors file with an `osteon` entry that is a JSON object, or its header does not have the checksum in it.
pub fn attach(model: &[u8], gate: &Gate) -> Result<Vec<u8>, AttachError> {
    let mut header = sound_header(model)?;
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
    // One of a format without a checksum stays without.
    with_header(model, &header).ok_or(AttachError::NotOsteon)
}

/// The gate of a model file, if it has one.
///
/// # Errors
/// As [`attach`], and if its gate is damaged.
pub fn attached(model: &[u8]) -> Result<Option<Gate>, AttachError> {
    let mut header = sound_header(model)?;
    let entry = entry(&mut header)?;
    let info: Value = serde_json::from_str(entry.as_str().ok_or(AttachError::NotOsteon)?)?;
    match info.get(KEY) {
        Some(gate) => Ok(Some(serde_json::from_value(gate.clone())?)),
        None => Ok(None),
    }
}

/// The header as JSON, if it is as it was written.
fn sound_header(model: &[u8]) -> Result<Value, AttachError> {
    match check_seal(model) {
        Seal::Broken => Err(AttachError::Checksum),
        Seal::Sound | Seal::Absent => {
            let header = header(model).ok_or(AttachError::NotOsteon)?;
            Ok(serde_json::from_slice(header)?)
        }
    }
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

    use osteon_gate::Fitted;
    use osteon_gate::network::Networks;

    /// A gate of two small networks that knows nothing.
    fn any() -> Gate {
        let mut weights = vec![0.0; Networks::count(2, 2)];
        weights[osteon_gate::FEATURES..2 * osteon_gate::FEATURES].fill(1.0);
        Gate {
            networks: Networks {
                hidden: 2,
                members: 2,
                weights,
            },
            threshold: 0.5,
            cross_section_threshold: 0.5,
            outside_threshold: 0.5,
            fitted: Fitted::default(),
            measured: Vec::new(),
        }
    }

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
        let gate = any();
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
        let mut gate = any();
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
