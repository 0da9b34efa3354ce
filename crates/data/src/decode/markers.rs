//! What a JPEG or JPEG-LS says of itself before its first scan: a walk over the segments' lengths.

/// The frame header, and what the markers say of its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JpegHeader {
    /// The second byte of the frame's marker, `0xc0` to `0xcf` or, of JPEG-LS, `0xf7`.
    pub frame: u8,
    /// Pixels across and down.
    pub size: (u32, u32),
    /// Samples a pixel.
    pub channels: u32,
    /// Bits a sample.
    pub bits: u32,
    /// Whether three channels are luma and chroma, by a JFIF or an Adobe segment.
    pub in_ybr: Option<bool>,
}

/// JPEG-LS.
pub(super) const JPEG_LS: u8 = 0xf7;

/// The header of bytes that begin as a JPEG; `None` where it ends before its frame header, or what stands there is none.
pub(super) fn jpeg(bytes: &[u8]) -> Option<JpegHeader> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    let (mut found, mut in_ybr) = (None, None);
    while let &[0xff, marker, ref after @ ..] = rest {
        match marker {
            // Filling before a marker.
            0xff => rest = &rest[1..],
            0x01 | 0xd0..=0xd8 => rest = after,
            0xd9 | 0xda => break,
            _ => {
                let Some((length, body)) = after.split_first_chunk() else {
                    break;
                };
                let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2);
                // The frame header's first bytes are all that is needed of it.
                if is_frame(marker) {
                    found = frame(marker, body);
                }
                let Some((body, next)) = length.and_then(|length| body.split_at_checked(length))
                else {
                    break;
                };
                match (marker, body) {
                    (0xe0, [b'J', b'F', b'I', b'F', 0, ..]) => in_ybr = Some(true),
                    // JFIF is luma and chroma whatever Adobe says, as libjpeg has it.
                    (0xee, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, kind, ..]) => {
                        in_ybr = in_ybr.or(Some(*kind != 0));
                    }
                    _ => {}
                }
                rest = next;
            }
        }
    }
    found.map(|header: JpegHeader| JpegHeader { in_ybr, ..header })
}

/// Frame headers of any kind; the three left out are DHT, JPG and DAC.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | JPEG_LS)
}

fn frame(marker: u8, body: &[u8]) -> Option<JpegHeader> {
    let &[bits, y1, y0, x1, x0, channels, ..] = body else {
        return None;
    };
    Some(JpegHeader {
        frame: marker,
        size: (
            u32::from(u16::from_be_bytes([x1, x0])),
            u32::from(u16::from_be_bytes([y1, y0])),
        ),
        channels: channels.into(),
        bits: bits.into(),
        in_ybr: None,
    })
}
