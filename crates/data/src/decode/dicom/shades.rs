//! From stored values to gray levels (DICOM PS3.3 C.11.1 modality LUT, C.11.2 VOI LUT), as one table over all stored values.

use dicom_core::header::HasLength as _;
use dicom_dictionary_std::tags;
use dicom_object::{InMemDicomObject, Tag};

use super::file::{number, text};
use super::{Layout, Object};
use crate::DecodeError;
use crate::decode::range;

/// A LUT of the file: the modality's or the VOI's.
struct Lut {
    /// The input that the first entry is for; what is below takes it too.
    first: i32,
    entries: Vec<u16>,
}

impl Lut {
    fn read(
        object: &InMemDicomObject,
        sequence: Tag,
        layout: Layout,
    ) -> Result<Option<Self>, DecodeError> {
        let Some(element) = object.element_opt(sequence).ok().flatten() else {
            return Ok(None);
        };
        // More than one is a choice of views; the first is the default.
        match element.items().and_then(<[_]>::first) {
            // Some write an item without anything in it, which is no LUT.
            Some(item) if has(item, tags::LUT_DESCRIPTOR) || has(item, tags::LUT_DATA) => {
                Self::from_item(item, layout)
                    .ok_or(DecodeError::DicomAttribute { name: "LUT Data" })
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    fn from_item(item: &InMemDicomObject, layout: Layout) -> Option<Self> {
        let descriptor = item.element(tags::LUT_DESCRIPTOR).ok()?;
        let descriptor = descriptor.to_multi_int::<i32>().ok()?;
        let &[count, first, _] = descriptor.as_slice() else {
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
        let data = item.element(tags::LUT_DATA).ok()?;
        let mut entries: Vec<u16> = data
            .to_multi_int::<i32>()
            .ok()?
            .into_iter()
            .map(|entry| (entry & 0xffff) as u16)
            .collect();
        if entries.len() == count.div_ceil(2) && count > 1 {
            // Two entries of 8 bits in each word.
            entries = entries
                .into_iter()
                .flat_map(u16::to_le_bytes)
                .map(u16::from)
                .collect();
        }
        entries.truncate(count);
        (!entries.is_empty()).then_some(Self { first, entries })
    }

    /// What is white: the entries' own full scale, as many bits as the largest needs. How many bits they have is stated, too, and wrongly by
    /// some: 16 of entries that end at 4095 would show an image of 16 gray levels.
    fn full(&self) -> f64 {
        let most = self.entries.iter().copied().max().unwrap_or(0);
        f64::from((u32::from(most) + 1).next_power_of_two() - 1).max(1.0)
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
    fn read(object: &InMemDicomObject) -> Result<Option<Self>, DecodeError> {
        let center = number(object, tags::WINDOW_CENTER, "Window Center")?;
        let width = number(object, tags::WINDOW_WIDTH, "Window Width")?;
        let (Some(center), Some(width)) = (center, width) else {
            return Ok(None);
        };
        let function = text(object, tags::VOILUT_FUNCTION).map(|name| name.to_ascii_uppercase());
        let function = match function.as_deref() {
            // The formula has the width less one: of narrower ones, which values below one need, it makes no sense.
            None | Some("LINEAR") if width > 0.0 && width < 1.0 => Function::Exact,
            None | Some("LINEAR") => Function::Linear,
            Some("LINEAR_EXACT") => Function::Exact,
            Some("SIGMOID") => Function::Sigmoid,
            Some(_) => {
                return Err(DecodeError::DicomAttribute {
                    name: "VOI LUT Function",
                });
            }
        };
        if width <= 0.0 {
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

fn has(item: &InMemDicomObject, tag: Tag) -> bool {
    let element = item.element_opt(tag).ok().flatten();
    element.is_some_and(|element| !element.is_empty())
}

/// The first item of a sequence, if there is one.
fn first_item(object: &InMemDicomObject, sequence: Tag) -> Option<&InMemDicomObject> {
    let element = object.element_opt(sequence).ok().flatten()?;
    element.items()?.first()
}

/// Where the attributes of a transform stand: in the first frame's functional group of this name, else in the one that all frames share
/// (C.7.6.16, enhanced images), else in the data set itself.
fn of_first_frame(object: &InMemDicomObject, group: Tag) -> &InMemDicomObject {
    [
        tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    ]
    .into_iter()
    .find_map(|groups| first_item(first_item(object, groups)?, group))
    .unwrap_or(object)
}

/// The gray level of every index: modality LUT or rescale, then VOI LUT, else window, else the real range of the image (padding and
/// what lies far outside left out), and MONOCHROME1 `inverted` once, at the end.
pub(super) fn table(
    object: &Object,
    layout: Layout,
    codes: &[u16],
    inverted: bool,
) -> Result<Vec<u8>, DecodeError> {
    let all = 0..=((1_u32 << layout.stored) - 1) as u16;
    let modality = Lut::read(object, tags::MODALITY_LUT_SEQUENCE, layout)?;
    let rescale = of_first_frame(object, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let slope = number(rescale, tags::RESCALE_SLOPE, "Rescale Slope")?.unwrap_or(1.0);
    let intercept = number(rescale, tags::RESCALE_INTERCEPT, "Rescale Intercept")?.unwrap_or(0.0);
    if modality.is_none() && slope == 0.0 {
        // All of the image would be one level.
        return Err(DecodeError::DicomAttribute {
            name: "Rescale Slope",
        });
    }
    let values = all.map(|code| {
        let value = f64::from(layout.value(code));
        match &modality {
            Some(lut) => f64::from(lut.at(value)),
            None => value * slope + intercept,
        }
    });
    let voi = of_first_frame(object, tags::FRAME_VOILUT_SEQUENCE);
    let levels: Vec<f64> = if let Some(lut) = Lut::read(voi, tags::VOILUT_SEQUENCE, layout)? {
        let full = lut.full();
        values.map(|v| f64::from(lut.at(v)) / full).collect()
    } else if let Some(window) = Window::read(voi)? {
        values.map(|v| window.at(v)).collect()
    } else {
        let values: Vec<f64> = values.collect();
        let padding = Padding::read(object, layout)?;
        let (low, high) = real_range(codes, &values, &padding);
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

/// Stored values that are no image (C.7.5.1.1.2): Pixel Padding Value, and all from there to Pixel Padding Range Limit.
struct Padding {
    codes: Vec<bool>,
}

impl Padding {
    fn read(object: &Object, layout: Layout) -> Result<Self, DecodeError> {
        let value = number(object, tags::PIXEL_PADDING_VALUE, "Pixel Padding Value")?;
        let limit = tags::PIXEL_PADDING_RANGE_LIMIT;
        let limit = number(object, limit, "Pixel Padding Range Limit")?;
        let mut codes = vec![false; 1 << layout.stored];
        if let Some(value) = value {
            let limit = limit.unwrap_or(value);
            let (low, high) = (value.min(limit), value.max(limit));
            for (code, is_padding) in codes.iter_mut().enumerate() {
                let value = f64::from(layout.value(code as u16));
                *is_padding = (low..=high).contains(&value);
            }
            if low.to_bits() == high.to_bits() {
                // It may have more bits than are stored, or be written with the other sign.
                let code = value as i64 & ((1 << layout.stored) - 1);
                codes[code as usize] = true;
            }
        }
        Ok(Self { codes })
    }
}

/// The darkest and the brightest value of the image.
fn real_range(codes: &[u16], values: &[f64], padding: &Padding) -> (f64, f64) {
    let mut counts = vec![0_u64; values.len()];
    for &code in codes {
        counts[usize::from(code)] += 1;
    }
    let levels = |with_padding: bool| {
        let film = (0..values.len())
            .filter(|&code| counts[code] > 0 && (with_padding || !padding.codes[code]));
        let mut levels: Vec<(f64, u64)> = film.map(|code| (values[code], counts[code])).collect();
        levels.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        levels
    };
    let mut found = levels(false);
    if found.is_empty() {
        // Nothing but padding.
        found = levels(true);
    }
    range::without_outliers(&found).unwrap_or_else(|| {
        let low = found.first().map_or(0.0, |(value, _)| *value);
        let high = found.last().map_or(0.0, |(value, _)| *value);
        (low, high)
    })
}
