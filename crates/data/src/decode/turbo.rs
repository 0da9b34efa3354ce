//! JPEG by libjpeg-turbo: straight to luma, at the smallest size that is enough.

use image::metadata::Orientation;
use turbojpeg::{Colorspace, Decompressor, Error, Image, PixelFormat, ScalingFactor};

use super::{ColorSample, DecodeScratch, Decoder, Stored, Wanted, orient};
use crate::DecodeError;

/// More scans than any real progressive file has: each costs a pass over the image, and a file of a few kilobytes can hold
/// thousands.
const MAX_SCANS: u32 = 500;

/// Sizes to choose from, in eighths, smallest first. Those between are slower than the next larger of these: libjpeg-turbo has
/// vector code for these alone.
const EIGHTHS: [u32; 4] = [1, 2, 4, 8];

/// What came of it.
pub(super) enum Outcome {
    /// The image.
    Whole(Stored),
    /// The file ends before its picture does; what there was is in the scratch.
    Truncated(Stored),
    /// Something is odd (damage, or CMYK that it does not turn to luma): the other decoder shall say what.
    Unsure,
}

impl Decoder {
    pub(super) fn turbo(
        &self,
        bytes: &[u8],
        wanted: Option<Wanted>,
        orientation: Orientation,
        scratch: &mut DecodeScratch,
    ) -> Result<Outcome, DecodeError> {
        let turbo = match &mut scratch.turbo {
            Some(turbo) => turbo,
            // Fails only without memory for the handle.
            None => match new_decompressor() {
                Ok(turbo) => scratch.turbo.insert(turbo),
                Err(_) => return Ok(Outcome::Unsure),
            },
        };
        let Ok(header) = turbo.read_header(bytes) else {
            return Ok(Outcome::Unsure);
        };
        let full = (header.width as u32, header.height as u32);
        self.limits.check(full.0, full.1)?;
        if matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK) {
            return Ok(Outcome::Unsure);
        }
        let eighths = match wanted {
            Some(wanted) if !header.is_lossless => {
                let swap = orient::swaps_sides(orientation);
                enough(full, swap, wanted, self.reduce_gap)
            }
            _ => 8,
        };
        let factor = ScalingFactor::new(eighths as usize, 8);
        let (width, height) = (factor.scale(header.width), factor.scale(header.height));
        scratch.pixels.resize(width * height, 0);
        if self.repair {
            // What a damaged file leaves out must not show the image before.
            scratch.pixels.fill(0);
        }
        let image = Image {
            pixels: scratch.pixels.as_mut_slice(),
            width,
            pitch: width,
            height,
            format: PixelFormat::GRAY,
        };
        let done = turbo
            .set_scaling_factor(factor)
            .and_then(|()| turbo.decompress(bytes, image));
        if scratch.in_color && done.is_ok() && header.colorspace != Colorspace::Gray {
            scratch.color = in_color(turbo, &mut scratch.samples, bytes, full);
        }
        let stored = |repaired| Stored {
            size: (width as u32, height as u32),
            full,
            eighths,
            orientation,
            repaired,
        };
        Ok(match done {
            Ok(()) => Outcome::Whole(stored(false)),
            // A warning comes back as an error too, once the image is decoded; the first one's text is all there is to tell them.
            Err(Error::TurboJpegError(text))
                if text.contains("Premature end of JPEG file")
                    || text.contains("premature end of data segment") =>
            {
                Outcome::Truncated(stored(true))
            }
            Err(_) => Outcome::Unsure,
        })
    }
}

/// A sample of the colours, from a reduction that is large enough for one; none where that fails, as it does for no file whose luma decodes.
fn in_color(
    turbo: &mut Decompressor,
    samples: &mut Vec<u8>,
    bytes: &[u8],
    full: (u32, u32),
) -> Option<ColorSample> {
    let enough = |eighths: &u32| full.0.max(full.1) * eighths >= 8 * 256;
    let eighths = EIGHTHS.into_iter().find(enough).unwrap_or(8);
    let factor = ScalingFactor::new(eighths as usize, 8);
    let (width, height) = (factor.scale(full.0 as usize), factor.scale(full.1 as usize));
    samples.resize(width * height * 3, 0);
    let image = Image {
        pixels: samples.as_mut_slice(),
        width,
        pitch: width * 3,
        height,
        format: PixelFormat::RGB,
    };
    turbo.set_scaling_factor(factor).ok()?;
    turbo.decompress(bytes, image).ok()?;
    let rgb = samples.as_chunks::<3>().0;
    Some(ColorSample::of(width as u32, height as u32, |pixel| {
        rgb[pixel]
    }))
}

fn new_decompressor() -> turbojpeg::Result<Decompressor> {
    let mut turbo = Decompressor::new()?;
    turbo.set_scan_limit(MAX_SCANS)?;
    Ok(turbo)
}

/// The smallest size in eighths that is `gap` times what is wanted, of an image stored with this size.
fn enough(full: (u32, u32), swap: bool, wanted: Wanted, gap: f32) -> u32 {
    let upright = if swap { (full.1, full.0) } else { full };
    let target = wanted.fit.target(upright, (wanted.width, wanted.height));
    EIGHTHS
        .into_iter()
        .find(|&eighths| {
            let reaches = |side: u32, target: u32| {
                f64::from(side) * f64::from(eighths) / 8.0 >= f64::from(target) * f64::from(gap)
            };
            reaches(upright.0, target.0) && reaches(upright.1, target.1)
        })
        .unwrap_or(8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fit;

    #[test]
    fn the_smallest_size_that_is_enough() {
        let square = |fit| Wanted {
            width: 224,
            height: 224,
            fit,
        };
        let letterbox = square(Fit::Letterbox);
        assert_eq!(enough((224, 224), false, letterbox, 1.0), 8);
        assert_eq!(enough((447, 447), false, letterbox, 1.0), 8);
        assert_eq!(enough((448, 448), false, letterbox, 1.0), 4);
        assert_eq!(enough((448, 448), false, letterbox, 2.0), 8);
        assert_eq!(enough((1792, 104), false, letterbox, 1.0), 1);
        assert_eq!(enough((1792, 104), false, square(Fit::Stretch), 1.0), 8);
        assert_eq!(enough((1792, 1792), false, letterbox, f32::INFINITY), 8);
        assert_eq!(enough((1792, 1792), false, letterbox, f32::NAN), 8);
        // Lying down as stored: what is wanted across is stored down.
        let upright = Wanted {
            width: 100,
            height: 800,
            fit: Fit::Stretch,
        };
        assert_eq!(enough((1600, 200), true, upright, 1.0), 4);
        assert_eq!(enough((1600, 200), false, upright, 1.0), 8);
    }
}
