//! What an RLE frame says of itself (PS3.5, annex G), counted before its decoder sees it: dicom-rs (0.10.1) makes room for as many segments as
//! the header states, and lays out a whole segment, however long it gets.

use dicom_dictionary_std::uids;

use super::Object;
use super::codestream::fragments;
use crate::DecodeError;

/// Segments at most; the header has room for the offsets of no more.
const SEGMENTS: u32 = 15;

/// Bytes that the longest segment of the first frame becomes, if frames are coded so.
pub(super) fn longest(object: &Object) -> Result<u64, DecodeError> {
    if !is_rle(object) {
        return Ok(0);
    }
    let Some(fragments) = fragments(object) else {
        return Ok(0);
    };
    // Invariant: the decoder reads the first fragment alone.
    longest_of(fragments.first().map_or(&[], Vec::as_slice))
}

/// Whether frames are coded by run lengths.
pub(super) fn is_rle(object: &Object) -> bool {
    object.meta().transfer_syntax() == uids::RLE_LOSSLESS
}

fn longest_of(frame: &[u8]) -> Result<u64, DecodeError> {
    let (words, _) = frame
        .get(..64)
        .ok_or(DecodeError::DicomTruncated)?
        .as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|&word| u32::from_le_bytes(word)).collect();
    let segments = words[0];
    if segments == 0 || segments > SEGMENTS {
        return Err(DecodeError::DicomSegments { segments });
    }
    let starts = &words[1..=segments as usize];
    let ends = starts[1..].iter().copied().chain([frame.len() as u32]);
    let mut lengths = starts.iter().zip(ends).map(|(&start, end)| {
        let segment = frame.get(start as usize..end as usize);
        segment.map(length).ok_or(DecodeError::DicomTruncated)
    });
    lengths.try_fold(0, |most, length| Ok(most.max(length?)))
}

/// Bytes that a segment becomes.
fn length(segment: &[u8]) -> u64 {
    let (mut at, mut length) = (0, 0);
    while let Some(&control) = segment.get(at) {
        match control {
            0..=127 => {
                length += u64::from(control) + 1;
                at += usize::from(control) + 2;
            }
            128 => at += 1,
            _ => {
                length += 257 - u64::from(control);
                at += 2;
            }
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(starts: &[u32], rest: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; 64];
        frame[0] = starts.len() as u8;
        for (place, start) in frame[4..].chunks_mut(4).zip(starts) {
            place.copy_from_slice(&start.to_le_bytes());
        }
        frame.extend(rest);
        frame
    }

    #[test]
    fn the_longest_segment_counts() {
        // The standard's own words: 0 to 127 is as many bytes and one, 129 to 255 repeats the next byte, 128 is nothing.
        let two = frame(&[64, 67], &[1, 7, 7, 128, 129, 5, 255, 5]);
        assert_eq!(longest_of(&two).ok(), Some(128 + 2));
    }

    #[test]
    fn what_the_header_has_no_room_for_is_refused() {
        let mut many = frame(&[64], &[0, 1]);
        many[3] = 7;
        assert!(matches!(
            longest_of(&many),
            Err(DecodeError::DicomSegments {
                segments: 0x0700_0001
            })
        ));
        assert!(matches!(
            longest_of(&many[..60]),
            Err(DecodeError::DicomTruncated)
        ));
        let beyond = frame(&[64, 900], &[0, 1]);
        assert!(matches!(
            longest_of(&beyond),
            Err(DecodeError::DicomTruncated)
        ));
    }
}
