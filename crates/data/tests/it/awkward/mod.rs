//! DICOM files as they are really written: lengths, items, labels and fragments that the standard does not have, or has and few write.

mod coded;
mod colors;
mod header;
mod shades;

use image::{GrayImage, Luma};
use osteon_data::{DecodeError, DecodeScratch, Decoder};

use crate::film::{self, CR, NATIVE, element, word};

const JPEG: &str = "1.2.840.10008.1.2.4.50";
const RLE: &str = "1.2.840.10008.1.2.5";

fn file(syntax: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    film::file(syntax, CR, "1.2.3.4", elements)
}

/// What kind of picture it is.
#[derive(Clone, Copy)]
struct Kind {
    photometric: &'static str,
    size: (u16, u16),
    allocated: u16,
    stored: u16,
    signed: u16,
}

const DEEP: Kind = Kind {
    photometric: "MONOCHROME2",
    size: (4, 1),
    allocated: 16,
    stored: 12,
    signed: 0,
};

impl Kind {
    fn elements(self) -> Vec<u8> {
        let is_gray = self.photometric.starts_with("MONO");
        [
            word(0x28, 2, if is_gray { 1 } else { 3 }),
            element(0x28, 4, b"CS", self.photometric.as_bytes()),
            word(0x28, 0x10, self.size.1),
            word(0x28, 0x11, self.size.0),
            word(0x28, 0x100, self.allocated),
            word(0x28, 0x101, self.stored),
            word(0x28, 0x102, self.stored - 1),
            word(0x28, 0x103, self.signed),
        ]
        .concat()
    }

    /// Of 8 bits.
    fn bytes(photometric: &'static str, size: (u16, u16)) -> Self {
        Self {
            photometric,
            size,
            allocated: 8,
            stored: 8,
            signed: 0,
        }
    }
}

fn words(values: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    element(0x7fe0, 0x10, b"OW", &bytes)
}

fn item(content: &[u8]) -> Vec<u8> {
    let mut item = vec![0xfe, 0xff, 0, 0xe0];
    item.extend((content.len() as u32).to_le_bytes());
    item.extend(content);
    item
}

/// Pixel data of a table of offsets and fragments.
fn fragments(table: &[u32], fragments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![
        0xe0, 0x7f, 0x10, 0, b'O', b'B', 0, 0, 0xff, 0xff, 0xff, 0xff,
    ];
    let table: Vec<u8> = table.iter().flat_map(|place| place.to_le_bytes()).collect();
    bytes.extend(item(&table));
    for fragment in fragments {
        bytes.extend(item(fragment));
    }
    bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    Decoder::default().decode(bytes).map(GrayImage::into_raw)
}

fn levels(kind: Kind, elements: &[Vec<u8>]) -> Vec<u8> {
    let bytes = file(NATIVE, &[&[kind.elements()][..], elements].concat());
    decode(&bytes).expect("decodes")
}

fn error(kind: Kind, elements: &[Vec<u8>]) -> DecodeError {
    let bytes = file(NATIVE, &[&[kind.elements()][..], elements].concat());
    decode(&bytes).expect_err("is refused")
}

fn near(a: &[u8], b: &[u8], worst: u8) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= worst)
}

fn window(center: &str, width: &str) -> Vec<u8> {
    [
        element(0x28, 0x1050, b"DS", center.as_bytes()),
        element(0x28, 0x1051, b"DS", width.as_bytes()),
    ]
    .concat()
}

fn in_color(bytes: &[u8]) -> (Vec<u8>, Vec<[u8; 3]>) {
    let mut scratch = DecodeScratch::default();
    let (film, color) = Decoder::default()
        .decode_in_color(bytes, None, &mut scratch)
        .expect("decodes");
    let color = color.expect("three channels");
    (film.view.pixels().to_vec(), color.pixels().to_vec())
}

/// A JPEG without loss (T.81 process 14, predictor 1), each of whose lengths has a code of five bits; of one channel or three.
fn lossless(samples: &[u16], (width, height): (u16, u16), bits: u8, channels: u8) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xc3, 0, 8 + 3 * channels, bits];
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.push(channels);
    for channel in 0..channels {
        bytes.extend([channel + 1, 0x11, 0]);
    }
    bytes.extend([0xff, 0xc4, 0, 36, 0, 0, 0, 0, 0, 17]);
    bytes.extend([0; 11]);
    bytes.extend(0..17);
    bytes.extend([0xff, 0xda, 0, 6 + 2 * channels, channels]);
    for channel in 0..channels {
        bytes.extend([channel + 1, 0]);
    }
    bytes.extend([1, 0, 0]);
    let (mut held, mut count) = (0_u64, 0);
    let mut put = |value: u32, length: u32, bytes: &mut Vec<u8>| {
        held = held << length | u64::from(value);
        count += length;
        while count >= 8 {
            count -= 8;
            let byte = (held >> count) as u8;
            bytes.push(byte);
            if byte == 0xff {
                bytes.push(0);
            }
        }
    };
    let (width, channels) = (usize::from(width), usize::from(channels));
    for (index, &sample) in samples.iter().enumerate() {
        let (pixel, channel) = (index / channels, index % channels);
        let predicted = match (pixel % width, pixel / width) {
            (0, 0) => 1 << (bits - 1),
            (0, _) => samples[(pixel - width) * channels + channel],
            _ => samples[index - channels],
        };
        let difference = i32::from(sample) - i32::from(predicted);
        let length = 32 - difference.unsigned_abs().leading_zeros();
        put(length, 5, &mut bytes);
        let coded = if difference < 0 {
            difference - 1
        } else {
            difference
        };
        put(coded as u32 & ((1 << length) - 1), length, &mut bytes);
    }
    put(0x7f, 7, &mut bytes);
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// A frame of run lengths: a segment for each of these planes, of literals alone.
fn runs(planes: &[&[u8]]) -> Vec<u8> {
    let (mut head, mut segments) = (vec![0; 64], Vec::new());
    head[0] = planes.len() as u8;
    for (index, plane) in planes.iter().enumerate() {
        let start = 64 + segments.len() as u32;
        head[4 + 4 * index..][..4].copy_from_slice(&start.to_le_bytes());
        for part in plane.chunks(128) {
            segments.push(part.len() as u8 - 1);
            segments.extend(part);
        }
        if segments.len() % 2 == 1 {
            // Nothing.
            segments.push(128);
        }
    }
    [head, segments].concat()
}

/// An image in the middle of the range, where no transform of colours clips.
fn middle() -> GrayImage {
    GrayImage::from_fn(32, 24, |x, y| Luma([(110 + x + y / 2) as u8]))
}
