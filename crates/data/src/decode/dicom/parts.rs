//! The parts that a JPEG 2000 codestream is divided into (T.800 annexes A and B), counted before its decoder makes room for each: a few
//! hundred bytes can ask for as many as there are pixels.

use crate::DecodeError;

/// Parts of any kind that are fine whatever the image's size; above them one for so many pixels.
const FEW: u64 = 1 << 14;
const PIXELS_A_PART: u64 = 256;
/// The least area of a code-block, as the sum of its sides' exponents: 16×16. Encoders use 32×32 and 64×64.
const CODE_BLOCK: u32 = 8;

const SOT: u8 = 0x90;
const COD: u8 = 0x52;
const COC: u8 = 0x53;
const SOD: u8 = 0x93;

/// What SIZ says that matters here.
struct Size {
    image: (u32, u32),
    tile: (u32, u32),
    tiles: u64,
    channels: u16,
}

/// Refuses a codestream of more parts than an image has use for. What is no codestream is left to the decoder.
pub(super) fn check(frame: &[u8]) -> Result<(), DecodeError> {
    let Some(start) = frame.windows(4).position(|w| w == [0xff, 0x4f, 0xff, 0x51]) else {
        return Ok(());
    };
    let Some(size) = read_size(&frame[start + 4..]) else {
        return Err(DecodeError::DicomTruncated);
    };
    let pixels = u64::from(size.image.0) * u64::from(size.image.1);
    let most = FEW + pixels / PIXELS_A_PART;
    if size.tiles > most.min(65_535) {
        return Err(DecodeError::DicomParts);
    }
    let mut rest = &frame[start + 2..];
    // Markers of the main header, then those of each tile-part's.
    while let &[0xff, marker, high, low, ref after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = length.checked_sub(2).and_then(|length| after.get(..length)) else {
            return Ok(());
        };
        match marker {
            COD => coding(body.get(5..), body.first(), &size, most)?,
            COC => {
                let wide = usize::from(size.channels > 256);
                coding(body.get(2 + wide..), body.get(1 + wide), &size, most)?;
            }
            SOT => {
                // Isot, Psot, TPsot, TNsot; markers up to SOD, then packets up to the next tile-part.
                let &[_, _, a, b, c, d, ..] = body else {
                    return Ok(());
                };
                let end = u32::from_be_bytes([a, b, c, d]) as usize;
                in_tile(&after[body.len()..], &size, most)?;
                match rest.get(end..) {
                    Some(next) if end > 0 => rest = next,
                    _ => return Ok(()),
                }
                continue;
            }
            _ => {}
        }
        rest = &after[body.len()..];
    }
    Ok(())
}

fn in_tile(mut rest: &[u8], size: &Size, most: u64) -> Result<(), DecodeError> {
    while let &[0xff, marker, high, low, ref after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = length.checked_sub(2).and_then(|length| after.get(..length)) else {
            return Ok(());
        };
        match marker {
            SOD => return Ok(()),
            COD => coding(body.get(5..), body.first(), size, most)?,
            COC => {
                let wide = usize::from(size.channels > 256);
                coding(body.get(2 + wide..), body.get(1 + wide), size, most)?;
            }
            _ => {}
        }
        rest = &after[body.len()..];
    }
    Ok(())
}

fn read_size(siz: &[u8]) -> Option<Size> {
    let long = |at: usize| {
        let bytes = siz.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let (right, bottom) = (long(4)?, long(8)?);
    let (tile, origin) = ((long(20)?, long(24)?), (long(28)?, long(32)?));
    let across = right.checked_sub(origin.0)?;
    let down = bottom.checked_sub(origin.1)?;
    if tile.0 == 0 || tile.1 == 0 {
        return None;
    }
    let image = (
        right.checked_sub(long(12)?)?,
        bottom.checked_sub(long(16)?)?,
    );
    Some(Size {
        image,
        tile: (tile.0.min(image.0.max(1)), tile.1.min(image.1.max(1))),
        tiles: u64::from(across.div_ceil(tile.0)) * u64::from(down.div_ceil(tile.1)),
        channels: u16::from_be_bytes([*siz.get(36)?, *siz.get(37)?]),
    })
}

/// The parameters of `SPcod` or `SPcoc`: levels, code-blocks and, if the style says so, precincts.
fn coding(
    parameters: Option<&[u8]>,
    style: Option<&u8>,
    size: &Size,
    most: u64,
) -> Result<(), DecodeError> {
    let (Some(&[levels, width, height, _, _, ref precincts @ ..]), Some(style)) =
        (parameters, style)
    else {
        return Ok(());
    };
    if u32::from(width & 15) + u32::from(height & 15) + 4 < CODE_BLOCK {
        return Err(DecodeError::DicomParts);
    }
    let levels = u32::from(levels.min(32));
    let mut count = 0;
    for resolution in 0..=levels {
        let exponents = if style & 1 == 0 {
            0xff
        } else {
            precincts.get(resolution as usize).copied().unwrap_or(0xff)
        };
        let parts = |side: u32, exponent: u8| {
            let reduced = u64::from(side).div_ceil(1 << (levels - resolution));
            // One more where the grid does not begin at the tile's edge.
            reduced.div_ceil(1 << exponent) + 1
        };
        count += parts(size.tile.0, exponents & 15) * parts(size.tile.1, exponents >> 4);
    }
    // Each tile has four at least of every resolution, by this count.
    let least = 4 * u64::from(levels + 1);
    if count.saturating_sub(least).saturating_mul(size.tiles) > most {
        return Err(DecodeError::DicomParts);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A codestream's main header: an image of this size, tiles, code-block exponents and precincts.
    fn header(size: (u32, u32), tile: (u32, u32), block: (u8, u8), precincts: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0];
        for number in [size.0, size.1, 0, 0, tile.0, tile.1, 0, 0] {
            bytes.extend(number.to_be_bytes());
        }
        bytes.extend([0, 1, 7, 1, 1, 0xff, COD]);
        bytes.extend((12 + precincts.len() as u16).to_be_bytes());
        let style = u8::from(!precincts.is_empty());
        bytes.extend([style, 0, 0, 1, 0, 5, block.0 - 2, block.1 - 2, 0, 1]);
        bytes.extend(precincts);
        bytes
    }

    #[test]
    fn what_encoders_write_is_fine_and_a_part_a_pixel_is_not() {
        let fine = |size, tile, block, precincts: &[u8]| {
            check(&header(size, tile, block, precincts)).is_ok()
        };
        let film = (3000, 3000);
        assert!(fine(film, film, (6, 6), &[]));
        assert!(fine(film, (256, 256), (5, 5), &[]));
        // 256 and 128 at the top, halved below.
        assert!(fine(
            film,
            film,
            (6, 6),
            &[0x33, 0x44, 0x55, 0x66, 0x77, 0x88]
        ));
        assert!(fine((40, 30), (40, 30), (6, 6), &[0x11; 6]));
        assert!(!fine(film, (1, 1), (6, 6), &[]));
        assert!(!fine(film, film, (2, 2), &[]));
        assert!(!fine(film, film, (6, 6), &[0x11; 6]));
        assert!(!fine(film, (0, 1), (6, 6), &[]));
    }

    #[test]
    fn a_tile_may_not_ask_for_more_than_the_film() {
        let mut bytes = header((3000, 3000), (3000, 3000), (6, 6), &[]);
        let small = header((3000, 3000), (3000, 3000), (6, 6), &[0x11; 6]);
        let cod = small
            .windows(2)
            .position(|w| w == [0xff, COD])
            .expect("one");
        let cod = &small[cod..];
        bytes.extend([0xff, SOT, 0, 10, 0, 0]);
        bytes.extend((12 + cod.len() as u32 + 2).to_be_bytes());
        bytes.extend([0, 1]);
        bytes.extend(cod);
        bytes.extend([0xff, SOD]);
        assert!(matches!(check(&bytes), Err(DecodeError::DicomParts)));
    }
}
