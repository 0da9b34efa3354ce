//! Frames coded by run lengths (PS3.5, annex G): a header with the places of up to 15 segments, one for each byte of each sample, the
//! highest byte first. Our own, since dicom-rs (0.10.1) makes room for as many segments as the header states, lays out each to its end,
//! falls over damaged ones, and reads the first fragment alone.

use crate::DecodeError;

/// Segments at most; the header has room for the offsets of no more.
const SEGMENTS: u32 = 15;

/// Whether a fragment begins with the header of a frame of as many segments as another: it states them, and that the first begins right
/// behind it.
pub(super) fn begins_as(fragment: &[u8], first: &[u8]) -> bool {
    fragment.len() >= 64
        && first.len() >= 64
        && fragment[..8] == first[..8]
        && fragment[4..8] == [64, 0, 0, 0]
}

/// The samples of a frame, channels interleaved, and how many bits they have: 8 where there is but one segment a channel, whatever was
/// allocated.
pub(super) fn decode(
    frame: &[u8],
    pixels: usize,
    channels: usize,
    bytes: usize,
) -> Result<(Vec<u16>, u32), DecodeError> {
    let (words, _) = frame
        .get(..64)
        .ok_or(DecodeError::DicomTruncated)?
        .as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|&word| u32::from_le_bytes(word)).collect();
    let segments = words[0];
    let refused = DecodeError::DicomSegments { segments };
    if segments == 0 || segments > SEGMENTS {
        return Err(refused);
    }
    let bytes = match segments as usize / channels {
        found if found * channels != segments as usize || found > bytes => return Err(refused),
        found => found,
    };
    let mut samples = vec![0_u16; pixels * channels];
    let starts = &words[1..=segments as usize];
    let ends = starts[1..].iter().copied().chain([frame.len() as u32]);
    for (index, (&start, end)) in starts.iter().zip(ends).enumerate() {
        let segment = frame
            .get(start as usize..end as usize)
            .ok_or(DecodeError::DicomTruncated)?;
        let (channel, byte) = (index / bytes, index % bytes);
        let shift = 8 * (bytes - 1 - byte);
        let mut places = samples.iter_mut().skip(channel).step_by(channels);
        lay_out(segment, |value| match places.next() {
            Some(sample) => {
                *sample |= u16::from(value) << shift;
                true
            }
            None => false,
        });
        if places.next().is_some() {
            return Err(DecodeError::DicomTruncated);
        }
    }
    Ok((samples, 8 * bytes as u32))
}

/// Gives the bytes that a segment stands for, until there is room for no more.
fn lay_out(segment: &[u8], mut put: impl FnMut(u8) -> bool) {
    let mut at = 0;
    while let Some(&control) = segment.get(at) {
        at += 1;
        let more = match control {
            0..=127 => {
                let end = segment.len().min(at + usize::from(control) + 1);
                let literal = &segment[at..end];
                at = end;
                literal.iter().all(|&value| put(value))
            }
            128 => true,
            _ => {
                let Some(&value) = segment.get(at) else {
                    return;
                };
                at += 1;
                (0..257 - usize::from(control)).all(|_| put(value))
            }
        };
        if !more {
            return;
        }
    }
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
    fn runs_are_laid_out() {
        // The standard's own words: 0 to 127 is as many bytes and one, 129 to 255 repeats the next byte, 128 is nothing.
        let two = frame(&[64, 70], &[1, 7, 8, 128, 255, 5, 253, 9]);
        let (deep, bits) = decode(&two, 4, 1, 2).expect("decodes");
        assert_eq!((deep, bits), (vec![0x0709, 0x0809, 0x0509, 0x0509], 16));
        // One segment where two bytes were allocated: eight bits, whose upper byte is nothing.
        let one = frame(&[64], &[1, 7, 8, 255, 5]);
        let (shallow, bits) = decode(&one, 4, 1, 2).expect("decodes");
        assert_eq!((shallow, bits), (vec![7, 8, 5, 5], 8));
        let colors = frame(&[64, 66, 68], &[255, 1, 255, 2, 255, 3]);
        let (colors, _) = decode(&colors, 2, 3, 1).expect("decodes");
        assert_eq!(colors, [1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn what_the_header_has_no_room_for_is_refused() {
        let mut many = frame(&[64], &[0, 1]);
        many[3] = 7;
        assert!(matches!(
            decode(&many, 1, 1, 1),
            Err(DecodeError::DicomSegments {
                segments: 0x0700_0001
            })
        ));
        let truncated = |bytes: &[u8], pixels| {
            let found = decode(bytes, pixels, 1, 1);
            assert!(
                matches!(found, Err(DecodeError::DicomTruncated)),
                "{found:?}"
            );
        };
        truncated(&many[..60], 1);
        truncated(&frame(&[900], &[0, 1]), 1);
        // Fewer bytes than there are pixels, by a run, a literal that is cut, and none at all.
        truncated(&frame(&[64], &[129, 1]), 129);
        truncated(&frame(&[64], &[3, 1, 2]), 3);
        truncated(&frame(&[64], &[128, 200]), 1);
        // Two segments for samples of one byte.
        let two = frame(&[64, 66], &[0, 1, 0, 1]);
        assert!(matches!(
            decode(&two, 1, 1, 1),
            Err(DecodeError::DicomSegments { segments: 2 })
        ));
    }
}
