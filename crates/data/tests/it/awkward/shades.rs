//! Which gray levels are shown.

use super::{DEEP, Kind, element, error, item, levels, near, window, word, words};

/// White is what the entries end at, whatever the third number of the descriptor says; entries of a byte may share words.
#[test]
fn a_voi_lut_is_as_deep_as_its_entries() {
    let lut = |bits: u16, type_of: &[u8], entries: &[u8]| {
        let descriptor: Vec<u8> = [4, 0, bits].iter().flat_map(|v| v.to_le_bytes()).collect();
        let content = [
            element(0x28, 0x3002, b"US", &descriptor),
            element(0x28, 0x3006, type_of, entries),
        ];
        element(0x28, 0x3010, b"SQ", &item(&content.concat()))
    };
    let pixels = || words(&[0, 1, 2, 3]);
    for stored in [10, 12, 14, 16] {
        let white = (1_u32 << stored) - 1;
        let entries = [0, white / 3, 2 * (white / 3), white];
        let entries: Vec<u8> = entries
            .iter()
            .flat_map(|&v| (v as u16).to_le_bytes())
            .collect();
        for stated in [stored, 12, 16, 0] {
            for type_of in [b"OW", b"US"] {
                let shown = levels(DEEP, &[lut(stated, type_of, &entries), pixels()]);
                assert!(
                    near(&shown, &[0, 85, 170, 255], 1),
                    "{stored} as {stated}: {shown:?}"
                );
            }
        }
    }
    for stated in [8, 16] {
        let shown = levels(DEEP, &[lut(stated, b"OW", &[0, 85, 170, 255]), pixels()]);
        assert_eq!(shown, [0, 85, 170, 255], "{stated}");
        let apart = [0, 0, 85, 0, 170, 0, 255, 0];
        let shown = levels(DEEP, &[lut(stated, b"OW", &apart), pixels()]);
        assert_eq!(shown, [0, 85, 170, 255], "{stated}");
    }
    // It does not reach white, and keeps that within its bits.
    let dim: Vec<u8> = [0_u16, 700, 1500, 3000]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    assert_eq!(
        levels(DEEP, &[lut(12, b"OW", &dim), pixels()]),
        [0, 44, 93, 187]
    );
}

/// Values of the image from 0 to 0.4095, by Rescale Slope: the formula with the width less one makes no sense of them.
#[test]
fn a_window_may_be_narrower_than_one() {
    let slope = element(0x28, 0x1053, b"DS", b"0.0001");
    let pixels = || words(&[0, 1024, 2048, 4095]);
    let shown = |width: &str, function: &[Vec<u8>]| {
        let first = [window("0.20475", width), slope.clone()];
        levels(DEEP, &[&first[..], function, &[pixels()]].concat())
    };
    assert_eq!(shown("0.4095", &[]), [0, 64, 128, 255]);
    assert_eq!(
        shown("0.4095", &[element(0x28, 0x1056, b"CS", b"LINEAR")]),
        [0, 64, 128, 255]
    );
    let exact = element(0x28, 0x1056, b"CS", b"LINEAR_EXACT");
    assert_eq!(shown("0.4095", &[exact]), [0, 64, 128, 255]);
    for width in ["0", "-0.4", "nan"] {
        let said = error(DEEP, &[window("0.2", width), slope.clone(), pixels()]).to_string();
        assert!(said.contains("Window Width"), "{width}: {said}");
    }
}

#[test]
fn numbers_and_items_that_are_empty_or_written_otherwise() {
    let pixels = || words(&[0, 1024, 2048, 4095]);
    let whole = [0, 64, 128, 255];
    for (center, width) in [
        ("2048,0", "4096,0"),
        ("2048\\100", "4096\\50"),
        ("2048,5\\1", "4096\\x"),
        ("\\2048", "\\4096"),
        (" 2048 ", "+4.096E3"),
    ] {
        assert_eq!(
            levels(DEEP, &[window(center, width), pixels()]),
            whole,
            "{center} {width}"
        );
    }
    let linear = window("2048", "4096");
    for empty in [
        element(0x28, 0x1056, b"CS", b""),
        element(0x28, 0x1056, b"CS", b"  "),
        element(0x28, 0x1056, b"CS", b"linear"),
        element(0x28, 0x3010, b"SQ", &item(&[])),
        element(0x28, 0x3010, b"SQ", &[]),
        element(0x28, 0x3000, b"SQ", &item(&[])),
        element(
            0x28,
            0x3000,
            b"SQ",
            &item(&element(0x28, 0x3004, b"LO", b"US")),
        ),
        element(0x28, 0x1053, b"DS", b""),
        element(0x28, 0x1052, b"DS", b""),
        element(0x28, 6, b"US", b""),
        element(0x28, 0x120, b"US", b""),
        element(0x28, 8, b"IS", b""),
        element(0x28, 8, b"IS", b"0"),
    ] {
        let shown = levels(DEEP, &[linear.clone(), empty.clone(), pixels()]);
        assert_eq!(shown, whole, "{}", empty.escape_ascii());
    }
    // A LUT that is there and cannot be read is no LUT that is not there.
    let broken = item(&element(0x28, 0x3006, b"OW", &[1, 2]));
    let broken = element(0x28, 0x3010, b"SQ", &broken);
    let said = error(DEEP, &[linear, broken, pixels()]).to_string();
    assert!(said.contains("LUT Data"), "{said}");
    let slope = element(0x28, 0x1053, b"DS", b"0");
    let said = error(DEEP, &[slope, pixels()]).to_string();
    assert!(said.contains("Rescale Slope"), "{said}");
}

/// What lies far outside the image is black or white, and the image as if it were not there.
#[test]
fn one_bright_pixel_and_padding() {
    let kind = |photometric, signed| Kind {
        photometric,
        size: (100, 50),
        stored: 16,
        signed,
        ..DEEP
    };
    let film: Vec<u16> = (0..5000)
        .map(|i| 1000 + (i % 100 * 40 + i / 100) as u16)
        .collect();
    for photometric in ["MONOCHROME2", "MONOCHROME1"] {
        let kind = kind(photometric, 0);
        let plain = levels(kind, &[words(&film)]);
        let same = |elements: &[Vec<u8>], spoiled: &[u16], what: &str| {
            let found = levels(kind, &[elements, &[words(spoiled)]].concat());
            let range = film.iter().zip(spoiled).zip(found.iter().zip(&plain));
            for ((value, spoiled), (found, plain)) in range {
                if value == spoiled {
                    assert!(
                        found.abs_diff(*plain) <= 1,
                        "{photometric}, {what}: {found} {plain}"
                    );
                } else {
                    assert!([0, 255].contains(found), "{photometric}, {what}: {found}");
                }
            }
        };
        let with = |value: u16, count: usize| {
            let mut spoiled = film.clone();
            spoiled[2000..2000 + count].fill(value);
            spoiled
        };
        same(&[], &with(65_535, 1), "a hot pixel");
        same(&[], &with(65_535, 500), "a marker");
        same(&[], &with(60_000, 3), "three");
        let value = word(0x28, 0x120, 65_535);
        let limit = word(0x28, 0x121, 60_000);
        let mut padded = film.clone();
        // Of every level, and more than half of all pixels.
        for (i, pixel) in padded[..3000].iter_mut().enumerate() {
            *pixel = 60_000 + (i % 5536) as u16;
        }
        // Both ends of the image stay in it.
        padded[0] = film[0];
        padded[2999] = film[2999];
        same(&[value.clone(), limit.clone()], &padded, "padding");
        same(
            &[word(0x28, 0x120, 60_000), word(0x28, 0x121, 65_535)],
            &padded,
            "padding upwards",
        );
        same(&[value], &with(65_535, 2000), "one value of padding");
    }
    // Of a sign: −32768.
    let signed = kind("MONOCHROME2", 1);
    let below: Vec<u16> = film.iter().map(|v| v.wrapping_sub(3000)).collect();
    let plain = levels(signed, &[words(&below)]);
    let mut spoiled = below;
    spoiled[7] = 0x8000;
    let found = levels(signed, &[words(&spoiled)]);
    assert_eq!(found[7], 0);
    assert!(near(&found[8..], &plain[8..], 1));
    // A window says what is shown.
    let found = levels(
        kind("MONOCHROME2", 0),
        &[window("3000", "4000"), words(&film)],
    );
    assert_eq!((found[0], found[4999]), (0, 255));
}
