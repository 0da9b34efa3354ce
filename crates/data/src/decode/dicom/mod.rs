//! DICOM (CR, DX and their like) → luma: the first frame, through the modality and VOI transforms that the file states.

mod codestream;
mod color;
pub(super) mod file;
mod frame;
mod jpeg12;
mod jpeg2000;
mod meta;
mod parts;
mod rle;
mod shades;
mod texts;

use dicom_dictionary_std::tags;
use dicom_object::{FileDicomObject, InMemDicomObject};

use super::{DecodeScratch, Decoder, Limits, Stored, range};
use crate::DecodeError;
use file::{Held, text, whole};
use frame::Shape;

type Object = FileDicomObject<InMemDicomObject>;

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

/// Whether images of this DICOM transfer syntax are read.
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

    /// The same for samples of this many bits, which a codestream has from the lowest bit on, whatever High Bit says.
    fn of_bits(self, bits: u32) -> Self {
        let shift = if bits <= self.stored { 0 } else { self.shift };
        Self { shift, ..self }
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
        match (interpretation.as_str(), samples) {
            ("MONOCHROME1" | "MONOCHROME2", 1) => {
                let codes = codes(&object, size, layout)?;
                let shades =
                    shades::table(&object, layout, &codes, interpretation == "MONOCHROME1")?;
                for (out, code) in scratch.pixels.iter_mut().zip(codes) {
                    *out = shades[usize::from(code)];
                }
            }
            ("RGB" | "YBR_FULL" | "YBR_FULL_422" | "YBR_ICT" | "YBR_RCT", 3) => {
                let shape = Shape {
                    size,
                    channels: 3,
                    allocated: layout.allocated,
                    interpretation: &interpretation,
                };
                let sample = color::read(&object, &shape, layout, &mut scratch.pixels)?;
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
        let is_there = |tag| object.element_opt(tag).ok().flatten().is_some();
        if !is_there(tags::PIXEL_DATA) {
            // Reports, plans and directories have none; a few pictures of parameters have floats.
            return Err(if is_there(tags::FLOAT_PIXEL_DATA) {
                DecodeError::DicomDepth { bits: 32 }
            } else if is_there(tags::DOUBLE_FLOAT_PIXEL_DATA) {
                DecodeError::DicomDepth { bits: 64 }
            } else {
                DecodeError::DicomNoPixels
            });
        }
        let width = whole(object, tags::COLUMNS, "Columns")?;
        let height = whole(object, tags::ROWS, "Rows")?;
        self.limits.check(width, height)?;
        codestream::check(object, (width, height))?;
        let channels = whole(object, tags::SAMPLES_PER_PIXEL, "Samples per Pixel").unwrap_or(1);
        let samples = u64::from(width) * u64::from(height) * u64::from(channels.clamp(1, 4));
        if held.filled && whole(object, tags::BITS_ALLOCATED, "Bits Allocated")? == 16 {
            let there = object.element(tags::PIXEL_DATA).ok();
            let there = there.and_then(|data| data.to_bytes().ok().map(|bytes| bytes.len() as u64));
            let missing = (samples * 2).saturating_sub(there.unwrap_or(0).saturating_sub(1));
            if missing > 0 {
                return Err(DecodeError::DicomShort { missing });
            }
        }
        self.limits
            .afford(held.bytes + samples * cost(object) + range::HELD)?;
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
    let shape = Shape {
        size,
        channels: 1,
        allocated: layout.allocated,
        interpretation: "",
    };
    let frame = frame::read(object, &shape)?;
    let layout = layout.of_bits(frame.bits);
    Ok(frame.samples.into_iter().map(|v| layout.code(v)).collect())
}
