//! DICOM (CR, DX and their like) → luma: the first frame, through the modality and VOI transforms that the file states.

mod codestream;
pub(super) mod file;
mod jpeg12;
mod jpeg2000;
mod parts;
mod rle;
mod shades;

use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_dictionary_std::tags;
use dicom_object::{FileDicomObject, InMemDicomObject};
use dicom_pixeldata::PixelDecoder as _;

use super::{ColorSample, DecodeScratch, Decoder, Limits, Stored, color as colors, luma};
use crate::DecodeError;
use file::{Held, number, text, whole};

type Object = FileDicomObject<InMemDicomObject>;

/// The transfer syntax whose JPEGs may be 12 bits deep.
const JPEG_EXTENDED: &str = "1.2.840.10008.1.2.4.51";

/// Reads a DICOM file (with its 128 bytes and `DICM`) as a data set, pixels still coded. Every stated length is checked before
/// anything is allocated for it.
pub fn read_dicom(
    bytes: &[u8],
    limits: Limits,
) -> Result<FileDicomObject<InMemDicomObject>, DecodeError> {
    if bytes.get(128..132) == Some(b"DICM") {
        Ok(file::read(bytes, limits)?.object)
    } else if file::is_bare(bytes) {
        Err(DecodeError::DicomBare)
    } else {
        Err(DecodeError::NoDicom)
    }
}

/// Whether films of this DICOM transfer syntax are read.
#[must_use]
pub fn reads_transfer_syntax(uid: &str) -> bool {
    file::reads(uid)
}

/// The samples of a DICOM file's first frame as they are stored, before any transform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DicomSamples {
    /// Pixels across (Columns).
    pub width: u32,
    /// Pixels down (Rows).
    pub height: u32,
    /// Stored values, row by row.
    pub values: Vec<i32>,
}

/// How a stored value lies in its 8 or 16 bits.
#[derive(Debug, Clone, Copy)]
struct Layout {
    allocated: u32,
    stored: u32,
    shift: u32,
    signed: bool,
}

impl Layout {
    fn read(object: &Object) -> Result<Self, DecodeError> {
        let allocated = whole(object, tags::BITS_ALLOCATED, "Bits Allocated")?;
        let stored = whole(object, tags::BITS_STORED, "Bits Stored")?;
        let high = whole(object, tags::HIGH_BIT, "High Bit").unwrap_or(stored.saturating_sub(1));
        if !matches!(allocated, 8 | 16) {
            return Err(DecodeError::DicomDepth { bits: allocated });
        }
        if stored == 0 || stored > allocated || high >= allocated || high + 1 < stored {
            return Err(DecodeError::DicomAttribute {
                name: "Bits Stored",
            });
        }
        Ok(Self {
            allocated,
            stored,
            shift: high + 1 - stored,
            signed: whole(object, tags::PIXEL_REPRESENTATION, "Pixel Representation").unwrap_or(0)
                == 1,
        })
    }

    /// The stored bits alone, as an index.
    fn code(self, raw: u16) -> u16 {
        (u32::from(raw) >> self.shift & ((1 << self.stored) - 1)) as u16
    }

    /// The value that an index stands for.
    fn value(self, code: u16) -> i32 {
        let value = i32::from(code);
        if self.signed && value >> (self.stored - 1) != 0 {
            value - (1 << self.stored)
        } else {
            value
        }
    }
}

impl Decoder {
    /// The stored samples of a gray DICOM file's first frame, bit for bit, without modality or VOI transform.
    pub fn dicom_samples(&self, bytes: &[u8]) -> Result<DicomSamples, DecodeError> {
        let held = file::read(bytes, self.limits)?;
        let (width, height) = self.dicom_size(&held)?;
        let object = held.object;
        let layout = Layout::read(&object)?;
        if whole(&object, tags::SAMPLES_PER_PIXEL, "Samples per Pixel")? != 1 {
            return Err(photometric(&object));
        }
        let codes = codes(&object, (width, height), layout)?;
        Ok(DicomSamples {
            width,
            height,
            values: codes.into_iter().map(|code| layout.value(code)).collect(),
        })
    }

    pub(super) fn dicom(
        &self,
        bytes: &[u8],
        scratch: &mut DecodeScratch,
    ) -> Result<Stored, DecodeError> {
        let held = file::read(bytes, self.limits)?;
        let size = self.dicom_size(&held)?;
        let object = held.object;
        let layout = Layout::read(&object)?;
        let count = size.0 as usize * size.1 as usize;
        let interpretation = text(&object, tags::PHOTOMETRIC_INTERPRETATION)
            .unwrap_or_else(|| "MONOCHROME2".to_owned());
        let samples = whole(&object, tags::SAMPLES_PER_PIXEL, "Samples per Pixel").unwrap_or(1);
        scratch.pixels.resize(count, 0);
        match (interpretation.as_str(), samples, layout.allocated) {
            ("MONOCHROME1" | "MONOCHROME2", 1, _) => {
                let codes = codes(&object, size, layout)?;
                let shades =
                    shades::table(&object, layout, &codes, interpretation == "MONOCHROME1")?;
                for (out, code) in scratch.pixels.iter_mut().zip(codes) {
                    *out = shades[usize::from(code)];
                }
            }
            ("RGB" | "YBR_FULL" | "YBR_FULL_422" | "YBR_ICT" | "YBR_RCT", 3, 8) => {
                let sample = color(&object, size, &interpretation, &mut scratch.pixels)?;
                scratch.color = scratch.in_color.then_some(sample);
            }
            _ => return Err(photometric(&object)),
        }
        Ok(Stored {
            size,
            full: size,
            eighths: 8,
            orientation: image::metadata::Orientation::NoTransforms,
            repaired: false,
        })
    }

    fn dicom_size(&self, held: &Held) -> Result<(u32, u32), DecodeError> {
        let object = &held.object;
        let width = whole(object, tags::COLUMNS, "Columns")?;
        let height = whole(object, tags::ROWS, "Rows")?;
        self.limits.check(width, height)?;
        if object
            .element_opt(tags::PIXEL_DATA)
            .ok()
            .flatten()
            .is_none()
        {
            return Err(DecodeError::DicomNoPixels);
        }
        codestream::check(object, (width, height))?;
        let channels = whole(object, tags::SAMPLES_PER_PIXEL, "Samples per Pixel").unwrap_or(1);
        let samples = u64::from(width) * u64::from(height) * u64::from(channels.clamp(1, 4));
        // A segment is laid out in a vector that grows, and moves.
        let segment = rle::longest(object)?.saturating_mul(3);
        self.limits
            .afford(held.bytes + samples * cost(object) + segment)?;
        Ok((width, height))
    }
}

/// Bytes held at once for each sample of the first frame, the data set left out, as measured (`tests/decode_memory.rs`).
fn cost(object: &Object) -> u64 {
    if codestream::first_frame(object).is_none() {
        8
    } else if file::is_jpeg_2000(object.meta().transfer_syntax()) {
        // Coefficients and samples are 32-bit floats, and there several times.
        24
    } else {
        16
    }
}

fn photometric(object: &Object) -> DecodeError {
    DecodeError::DicomPhotometric {
        name: text(object, tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default(),
    }
}

/// The first frame's stored bits, one index a pixel.
fn codes(object: &Object, size: (u32, u32), layout: Layout) -> Result<Vec<u16>, DecodeError> {
    let count = size.0 as usize * size.1 as usize;
    if object.meta().transfer_syntax() == JPEG_EXTENDED
        && let Some(frame) = codestream::first_frame(object)
        && codestream::is_deep_jpeg(&frame)
    {
        let values = jpeg12::decode(&frame, size)?;
        return Ok(values.into_iter().map(|v| layout.code(v)).collect());
    }
    if file::is_jpeg_ls(object.meta().transfer_syntax()) {
        let values = jpeg_ls(object, size)?;
        return Ok(values.into_iter().map(|v| layout.code(v)).collect());
    }
    if file::is_jpeg_2000(object.meta().transfer_syntax()) {
        let frame = codestream::first_frame(object).ok_or(DecodeError::DicomTruncated)?;
        let values = jpeg2000::decode(&frame, size, 1)?;
        return Ok(values.into_iter().map(|v| layout.code(v)).collect());
    }
    let data = frame(object)?;
    let codes: Vec<u16> = if data.len() >= count * 2 && layout.allocated == 16 {
        let raw = data.as_chunks::<2>().0.iter().take(count);
        raw.map(|&raw| layout.code(u16::from_ne_bytes(raw)))
            .collect()
    } else {
        // Some decoders give as many bytes as the samples need, not as many as were allocated.
        let raw = data.iter().take(count);
        raw.map(|&raw| layout.code(u16::from(raw))).collect()
    };
    if codes.len() == count {
        Ok(codes)
    } else {
        Err(DecodeError::DicomTruncated)
    }
}

/// The samples of a gray JPEG-LS frame, whose shape was checked.
fn jpeg_ls(object: &Object, (width, height): (u32, u32)) -> Result<Vec<u16>, DecodeError> {
    let mut frame = codestream::first_frame(object).ok_or(DecodeError::DicomTruncated)?;
    // A marker may have 0xff before it as filling (T.81 B.1.1.2), and CharLS writes that; to pure_jpegls 2.0 the image then has no end.
    let end = frame.iter().rposition(|&byte| byte != 0);
    let end = end.map_or(0, |last| last + 1);
    if frame[..end].ends_with(&[0xff, 0xff, 0xd9]) {
        frame.to_mut().remove(end - 3);
    }
    // Its arithmetic overflows on some damaged streams, which panics in a debug build; nothing outlives the call but what it returns.
    let decoded = catch_unwind(|| jpegls::decode(&frame, width, height))
        .map_err(|_| DecodeError::DicomPanic)?
        .map_err(|source| DecodeError::DicomPixels {
            source: Box::new(source),
        })?;
    Ok(decoded.0)
}

fn frame(object: &Object) -> Result<Vec<u8>, DecodeError> {
    // dicom-rs indexes past the end of a damaged RLE segment, and panics (0.10.1, adapters/rle_lossless.rs). Nothing outlives the
    // call but what it returns, so nothing half-done is seen.
    let decoded = catch_unwind(AssertUnwindSafe(|| object.decode_pixel_data_frame(0)))
        .map_err(|_| DecodeError::DicomPanic)?
        .map_err(|source| DecodeError::DicomPixels {
            source: Box::new(source),
        })?;
    Ok(decoded.into_data())
}

/// Luma of 8-bit colour, and a sample of the colours.
fn color(
    object: &Object,
    size: (u32, u32),
    interpretation: &str,
    out: &mut [u8],
) -> Result<ColorSample, DecodeError> {
    let count = size.0 as usize * size.1 as usize;
    if cfg!(not(feature = "jpeg-ls")) && file::is_jpeg_ls(object.meta().transfer_syntax()) {
        return Err(DecodeError::DicomJpegLsColor);
    }
    let data = if file::is_jpeg_2000(object.meta().transfer_syntax()) {
        let frame = codestream::first_frame(object).ok_or(DecodeError::DicomTruncated)?;
        let values = jpeg2000::decode(&frame, size, 3)?;
        // No more bits than were allocated, which are eight.
        values.into_iter().map(|v| v as u8).collect()
    } else {
        frame(object)?
    };
    if data.len() < count * 3 {
        return Err(DecodeError::DicomTruncated);
    }
    let data = &data[..count * 3];
    let encapsulated = codestream::first_frame(object).is_some();
    let planar = !encapsulated
        && number(object, tags::PLANAR_CONFIGURATION, "Planar Configuration")?.unwrap_or(0.0) > 0.0;
    // The decoders of JPEG and JPEG 2000 give RGB whatever the file was coded in; else YBR's first channel is the luma.
    let luma_first = interpretation.starts_with("YBR") && (!encapsulated || rle::is_rle(object));
    match (luma_first, planar) {
        (true, true) => out.copy_from_slice(&data[..count]),
        (true, false) => {
            for (out, ybr) in out.iter_mut().zip(data.as_chunks::<3>().0) {
                *out = ybr[0];
            }
        }
        (false, true) => {
            let rgb: Vec<u8> = (0..count)
                .flat_map(|i| [data[i], data[count + i], data[2 * count + i]])
                .collect();
            luma::rgb8(&rgb, out);
        }
        (false, false) => luma::rgb8(data, out),
    }
    Ok(ColorSample::of(size.0, size.1, |pixel| {
        let values = [0, 1, 2].map(|c| {
            data[if planar {
                c * count + pixel
            } else {
                pixel * 3 + c
            }]
        });
        if luma_first {
            colors::from_ybr(values)
        } else {
            values
        }
    }))
}
