//! Frames that are coded: how many bits they have, and which fragments are the first.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage, Luma};
use osteon_data::{DecodeError, Decoder};

use super::{
    DEEP, JPEG, Kind, RLE, decode, element, file, fragments, lossless, middle, near, runs, window,
};

/// A gray JPEG of these levels, as any program writes it.
fn jpeg(film: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95)
        .encode(film, film.width(), film.height(), ExtendedColorType::L8)
        .expect("encodes");
    bytes
}

/// A JPEG has as many bits as it needs, not as many as were allocated.
#[test]
fn eight_bits_in_sixteen() {
    let film = GrayImage::from_fn(24, 16, |x, y| Luma([((x * 10 + y * 3) % 256) as u8]));
    let smooth = middle();
    let read = |syntax: &str, kind: Kind, coded: &[u8]| {
        let bytes = file(
            syntax,
            &[
                kind.elements(),
                window("128", "256"),
                fragments(&[], &[coded]),
            ],
        );
        decode(&bytes).unwrap_or_else(|error| panic!("{syntax}: {error}"))
    };
    for photometric in ["MONOCHROME2", "MONOCHROME1"] {
        let shown = |film: &GrayImage| -> Vec<u8> {
            let is_inverted = photometric == "MONOCHROME1";
            film.iter()
                .map(|&v| if is_inverted { 255 - v } else { v })
                .collect()
        };
        for (allocated, stored) in [(16, 8), (16, 12), (16, 16), (8, 8)] {
            let kind = |size| Kind {
                photometric,
                size,
                allocated,
                stored,
                signed: 0,
            };
            for syntax in [JPEG, "1.2.840.10008.1.2.4.51"] {
                let found = read(syntax, kind((32, 24)), &jpeg(&smooth));
                assert!(
                    near(&found, &shown(&smooth), 4),
                    "{syntax} {allocated} {stored}"
                );
            }
            for syntax in ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"] {
                let samples: Vec<u16> = film.iter().map(|&v| v.into()).collect();
                let coded = lossless(&samples, (24, 16), 8, 1);
                let found = read(syntax, kind((24, 16)), &coded);
                assert_eq!(found, shown(&film), "{syntax} {allocated} {stored}");
            }
            let rle = runs(&[&film]);
            assert_eq!(
                read(RLE, kind((24, 16)), &rle),
                shown(&film),
                "RLE {allocated} {stored}"
            );
        }
    }
    // More bits than were allocated.
    let deep = lossless(&[0, 1, 2, 4095], (4, 1), 12, 1);
    let kind = Kind::bytes("MONOCHROME2", (4, 1));
    let bytes = file(
        "1.2.840.10008.1.2.4.70",
        &[kind.elements(), fragments(&[], &[&deep])],
    );
    assert!(matches!(
        decode(&bytes),
        Err(DecodeError::DicomFrame { bits: 12, .. })
    ));
    // Of other depths, in as many bits as were allocated.
    for bits in [9, 10, 12, 14, 15] {
        let white = ((1_u32 << bits) - 1) as u16;
        let coded = lossless(&[0, white / 4, white / 2, white], (4, 1), bits, 1);
        let kind = Kind {
            stored: bits.into(),
            ..DEEP
        };
        let elements = [kind.elements(), fragments(&[], &[&coded])];
        let found = decode(&file("1.2.840.10008.1.2.4.70", &elements)).expect("decodes");
        assert!(near(&found, &[0, 64, 127, 255], 1), "{bits}: {found:?}");
    }
}

/// A file of the fuzz targets' seeds, up to its pixel data, and its one fragment.
fn seed(name: &str) -> (Vec<u8>, Vec<u8>) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/dicom");
    let bytes = std::fs::read(folder.join(name)).expect("is there");
    let data = [
        0xe0, 0x7f, 0x10, 0, b'O', b'B', 0, 0, 0xff, 0xff, 0xff, 0xff,
    ];
    let at = bytes
        .windows(12)
        .position(|w| w == data)
        .expect("encapsulated");
    let length = |at: usize| {
        let four = bytes[at + 4..at + 8].try_into().expect("four");
        u32::from_le_bytes(four) as usize
    };
    let first = at + 12 + 8 + length(at + 12);
    let fragment = bytes[first + 8..first + 8 + length(first)].to_vec();
    (bytes[..at].to_vec(), fragment)
}

/// The first frame is shown, however it and those behind it are divided, and whatever says where they begin.
#[test]
fn frames_in_fragments() {
    for name in [
        "jpeg.dcm",
        "jpeg12.dcm",
        "jpeg_lossless.dcm",
        "jpeg_ls.dcm",
        "jpeg2000.dcm",
        "rle.dcm",
    ] {
        let (head, whole) = seed(name);
        let read = |stated: &str, extended: &[u64], table: &[u32], parts: &[&[u8]]| {
            let mut bytes = head.clone();
            if !stated.is_empty() {
                bytes.extend(element(0x28, 8, b"IS", stated.as_bytes()));
            }
            if !extended.is_empty() {
                let places: Vec<u8> = extended.iter().flat_map(|v| v.to_le_bytes()).collect();
                let mut table = vec![0xe0, 0x7f, 1, 0, b'O', b'V', 0, 0];
                table.extend((places.len() as u32).to_le_bytes());
                bytes.extend([table, places].concat());
            }
            bytes.extend(fragments(table, parts));
            Decoder::default()
                .dicom_samples(&bytes)
                .map(|samples| samples.values)
        };
        let film = read("", &[], &[], &[&whole]).expect("decodes");
        let half = (whole.len() / 2) & !1;
        let quarter = (half / 2) & !1;
        let other = {
            // Not the first frame: whoever takes it for the first does not get the image.
            let mut other = whole.clone();
            let from = other.len() * 3 / 4;
            other[from..].iter_mut().for_each(|byte| *byte ^= 0x11);
            other
        };
        let parts = [&whole[..quarter], &whole[quarter..half], &whole[half..]];
        let others = [&other[..half], &other[half..]];
        let all = [&parts[..], &others[..]].concat();
        let second = (whole.len() + 3 * 8) as u32;
        let same = |found: Result<Vec<i32>, DecodeError>, what: &str| {
            let found = found.unwrap_or_else(|error| panic!("{name}, {what}: {error}"));
            assert!(found == film, "{name}, {what}");
        };
        same(read("1", &[], &[0], &parts), "one frame");
        same(read("0", &[], &[], &parts), "none stated");
        same(read("", &[], &[], &parts), "nothing stated");
        same(read("2", &[], &[0, second], &all), "by table");
        same(
            read("2", &[0, second.into()], &[], &all),
            "by extended table",
        );
        same(read("2", &[], &[], &all), "without a table");
        same(read("2", &[], &[0, 77], &all), "with a table that is wrong");
        same(read("2", &[], &[], &[&whole, &other]), "a fragment each");
        if name != "rle.dcm" {
            let filled = [parts[2], &[0, 0]].concat();
            let all = [parts[0], parts[1], &filled, others[0], others[1]];
            same(read("2", &[], &[], &all), "filled up");
        }
    }
}
