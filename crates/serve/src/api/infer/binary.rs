//! The protocol's binary tensor data extension: tensors as bytes behind the JSON instead of within it, as Triton's own clients send and ask
//! for them. `Inference-Header-Content-Length` says where the JSON ends.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};

use crate::problem::{Code, Problem};

/// Length of the JSON that a body begins with.
pub(super) const HEADER_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

/// Where the JSON of a body ends, if bytes follow.
pub(super) fn header_length(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let Some(length) = headers.get(HEADER_LENGTH) else {
        return Ok(None);
    };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    let bad = || malformed("Inference-Header-Content-Length must be a number");
    length.map(Some).ok_or_else(bad)
}

/// Takes a tensor's bytes off the front of what is left of the body.
pub(super) fn take<'a>(left: &mut &'a [u8], size: usize) -> Result<&'a [u8], Problem> {
    let (tensor, rest) = left
        .split_at_checked(size)
        .ok_or_else(|| malformed("binary_data_size is more than the body holds"))?;
    *left = rest;
    Ok(tensor)
}

/// The elements of a BYTES tensor: each behind its length, 32 bits, little endian. `None` if they do not end where the tensor does.
pub(super) fn elements(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (element, rest) = rest.split_at_checked(length)?;
        found.push(element);
        bytes = rest;
    }
    Some(found)
}

/// The elements of an FP32 tensor, little endian; `None` if the last is cut.
pub(super) fn numbers(bytes: &[u8]) -> Option<Vec<f32>> {
    let (numbers, rest) = bytes.as_chunks();
    let numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
    rest.is_empty().then(|| numbers.collect())
}

/// A BYTES tensor of these.
pub(super) fn of_texts(texts: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        // Invariant: names of decisions are short.
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// An answer whose tensors follow its JSON.
pub(super) fn response(json: Vec<u8>, tensors: &[Vec<u8>]) -> Response {
    let length = json.len().to_string();
    let mut body = json;
    body.extend(tensors.concat());
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (HEADER_LENGTH, length),
    ];
    (headers, body).into_response()
}

pub(super) fn malformed(detail: &str) -> Problem {
    Problem::new(Code::MalformedRequest, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_laid_out_as_the_extension_says() {
        let texts = ["doubt".to_owned(), String::new()];
        let bytes = of_texts(&texts);
        assert_eq!(bytes, b"\x05\0\0\0doubt\0\0\0\0");
        assert_eq!(elements(&bytes), Some(vec![&b"doubt"[..], b""]));
        for cut in [1, 5, 8, 12] {
            assert_eq!(elements(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(elements(&[255; 8]), None);
        assert_eq!(numbers(&[0, 0, 0x80, 0x3f]), Some(vec![1.0]));
        assert_eq!(numbers(&[0, 0, 0x80]), None);
        let mut left = &b"abcd"[..];
        assert_eq!(take(&mut left, 3).ok(), Some(&b"abc"[..]));
        assert!(take(&mut left, 2).is_err());
        assert_eq!(left, b"d");
    }
}
