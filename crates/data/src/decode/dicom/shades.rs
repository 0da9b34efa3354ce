//! From stored values to gray levels (DICOM PS3.3 C.11.1 modality LUT, C.11.2 VOI LUT), as one table over all stored values.

use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, Tag};

use super::file::{number, text};
use super::{Layout, Object};
use crate::DecodeError;

/// A LUT of the file: the modality's or the VOI's.
struct Lut {
    /// The input that the first entry is for; what is below takes it too.
    first: i32,
    bits: u32,
    entries: Vec<u16>,
}

impl Lut {
    fn read(object: &Object, sequence: Tag, layout: Layout) -> Result<Option<Self>, DecodeError> {
        let Some(element) = object.element_opt(sequence).ok().flatten() else {
            return Ok(None);
        };
        // More than one is a choice of views; the first is the default.
        match element.items().and_then(<[_]>::first) {
            Some(item) => Self::from_item(item, layout)
                .ok_or(DecodeError::DicomAttribute { name: "LUT Data" })
                .map(Some),
            None => Ok(None),
        }
    }

    fn from_item(item: &InMemDicomObject, layout: Layout) -> Option<Self> {
        let descriptor = item.element(tags::LUT_DESCRIPTOR).ok()?;
        let descriptor = descriptor.to_multi_int::<i32>().ok()?;
        let &[count, first, bits] = descriptor.as_slice() else {
            return None;
        };
        // A count of 65,536 is written as 0. The numbers are read signed or not as the file has it, so both are undone.
        let count = match count & 0xffff {
            0 => 65536,
            count => count as usize,
        };
        let first = if layout.signed && first > 0x7fff {
            first - 0x1_0000
        } else {
            first
        };
        let bits = u32::try_from(bits).ok().filter(|b| (8..=16).contains(b))?;
        let data = item.element(tags::LUT_DATA).ok()?;
        let mut entries: Vec<u16> = data
            .to_multi_int::<i32>()
            .ok()?
            .into_iter()
            .map(|entry| (entry & 0xffff) as u16)
            .collect();
        if entries.len() < count && bits == 8 {
            // Two entries of 8 bits in each word.
            entries = entries
                .into_iter()
                .flat_map(u16::to_le_bytes)
                .map(u16::from)
                .collect();
        }
        entries.truncate(count);
        (!entries.is_empty()).then_some(Self {
            first,
            bits,
            entries,
        })
    }

    fn at(&self, value: f64) -> u16 {
        let last = self.entries.len() - 1;
        let index = (value - f64::from(self.first)).clamp(0.0, last as f64);
        self.entries[index as usize]
    }
}

/// The window's functions (C.11.2.1.2, C.11.2.1.3).
enum Function {
    Linear,
    Exact,
    Sigmoid,
}

struct Window {
    center: f64,
    width: f64,
    function: Function,
}

impl Window {
    fn read(object: &Object) -> Result<Option<Self>, DecodeError> {
        let center = number(object, tags::WINDOW_CENTER, "Window Center")?;
        let width = number(object, tags::WINDOW_WIDTH, "Window Width")?;
        let (Some(center), Some(width)) = (center, width) else {
            return Ok(None);
        };
        let function = match text(object, tags::VOILUT_FUNCTION).as_deref() {
            None | Some("LINEAR") => Function::Linear,
            Some("LINEAR_EXACT") => Function::Exact,
            Some("SIGMOID") => Function::Sigmoid,
            Some(_) => {
                return Err(DecodeError::DicomAttribute {
                    name: "VOI LUT Function",
                });
            }
        };
        let least = if matches!(function, Function::Linear) {
            1.0
        } else {
            f64::MIN_POSITIVE
        };
        if width < least {
            return Err(DecodeError::DicomAttribute {
                name: "Window Width",
            });
        }
        Ok(Some(Self {
            center,
            width,
            function,
        }))
    }

    /// 0 for black to 1 for white.
    fn at(&self, value: f64) -> f64 {
        let linear = |center: f64, width: f64| {
            if value <= center - width / 2.0 {
                0.0
            } else if value > center + width / 2.0 {
                1.0
            } else {
                ((value - center) / width + 0.5).clamp(0.0, 1.0)
            }
        };
        match self.function {
            Function::Linear => linear(self.center - 0.5, self.width - 1.0),
            Function::Exact => linear(self.center, self.width),
            Function::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - self.center) / self.width).exp()),
        }
    }
}

/// The gray level of every index: modality LUT or rescale, then VOI LUT, else window, else the real range of the film (padding
/// left out), and MONOCHROME1 `inverted` once, at the end.
pub(super) fn table(
    object: &Object,
    layout: Layout,
    codes: &[u16],
    inverted: bool,
) -> Result<Vec<u8>, DecodeError> {
    let all = 0..=((1_u32 << layout.stored) - 1) as u16;
    let modality = Lut::read(object, tags::MODALITY_LUT_SEQUENCE, layout)?;
    let slope = number(object, tags::RESCALE_SLOPE, "Rescale Slope")?.unwrap_or(1.0);
    let intercept = number(object, tags::RESCALE_INTERCEPT, "Rescale Intercept")?.unwrap_or(0.0);
    let values = all.map(|code| {
        let value = f64::from(layout.value(code));
        match &modality {
            Some(lut) => f64::from(lut.at(value)),
            None => value * slope + intercept,
        }
    });
    let levels: Vec<f64> = if let Some(lut) = Lut::read(object, tags::VOILUT_SEQUENCE, layout)? {
        let full = f64::from((1_u32 << lut.bits) - 1);
        values.map(|v| f64::from(lut.at(v)) / full).collect()
    } else if let Some(window) = Window::read(object)? {
        values.map(|v| window.at(v)).collect()
    } else {
        let values: Vec<f64> = values.collect();
        let (low, high) = real_range(object, layout, codes, &values)?;
        let range = if high > low { high - low } else { 1.0 };
        values.iter().map(|v| (v - low) / range).collect()
    };
    Ok(levels
        .into_iter()
        .map(|level| {
            let level = (level * 255.0).round().clamp(0.0, 255.0) as u8;
            if inverted { 255 - level } else { level }
        })
        .collect())
}

fn real_range(
    object: &Object,
    layout: Layout,
    codes: &[u16],
    values: &[f64],
) -> Result<(f64, f64), DecodeError> {
    let padding = number(object, tags::PIXEL_PADDING_VALUE, "Pixel Padding Value")?;
    let mut seen = vec![false; values.len()];
    for &code in codes {
        seen[usize::from(code)] = true;
    }
    let range = |padding: Option<f64>| {
        (0..values.len())
            .filter(|&code| seen[code] && padding != Some(f64::from(layout.value(code as u16))))
            .map(|code| values[code])
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            })
    };
    Ok(match range(padding) {
        // Nothing but padding.
        (low, high) if low > high => range(None),
        found => found,
    })
}
