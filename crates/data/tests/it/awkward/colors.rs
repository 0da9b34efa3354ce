//! Three channels: which they are, and how deep.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage};

use super::{
    DEEP, JPEG, Kind, NATIVE, element, error, file, fragments, in_color, levels, lossless, middle,
    near, word, words,
};

/// Two pixels share their chroma: Y Y B R. What says so and has three bytes a pixel is not shared, and of a gray picture may be red, green, blue.
#[test]
fn chroma_that_is_shared() {
    let kind = Kind::bytes("YBR_FULL_422", (4, 2));
    let shared = [
        10, 20, 128, 128, 30, 40, 128, 128, 50, 60, 128, 128, 76, 76, 85, 255,
    ];
    let data = element(0x7fe0, 0x10, b"OB", &shared);
    let bytes = file(NATIVE, &[kind.elements(), data]);
    let (film, color) = in_color(&bytes);
    assert_eq!(film, [10, 20, 30, 40, 50, 60, 76, 76]);
    assert_eq!((color[3], color[7]), ([40; 3], [254, 0, 0]));
    let short = element(0x7fe0, 0x10, b"OB", &shared[..14]);
    let said = error(kind, &[short]).to_string();
    assert!(said.contains("2 bytes short"), "{said}");
    // The first of two frames.
    let frames = element(0x28, 8, b"IS", b"2");
    let two = element(0x7fe0, 0x10, b"OB", &[shared, [200; 16]].concat());
    assert_eq!(levels(kind, &[frames, two]), film);

    let gray: Vec<u8> = film.iter().flat_map(|&v| [v; 3]).collect();
    let ybr: Vec<u8> = film.iter().flat_map(|&v| [v, 128, 128]).collect();
    for photometric in ["YBR_FULL_422", "YBR_FULL"] {
        for pixels in [&gray, &ybr] {
            let kind = Kind::bytes(photometric, (4, 2));
            let data = element(0x7fe0, 0x10, b"OB", pixels);
            let (levels, color) = in_color(&file(NATIVE, &[kind.elements(), data]));
            assert_eq!(levels, film, "{photometric}");
            assert!(
                color.iter().all(|[r, g, b]| r == g && g == b),
                "{photometric}"
            );
        }
    }
}

/// A JPEG whose three channels are the same image, without a word on what they are: the segments of JFIF are taken out, and the channels get
/// these names.
fn three_channels(film: &GrayImage, names: [u8; 3]) -> Vec<u8> {
    let rgb: Vec<u8> = film
        .iter()
        .flat_map(|&v| {
            let (y, c) = (f32::from(v), f32::from(v) - 128.0);
            let rgb = [y + 1.402 * c, y - 1.058_272 * c, y + 1.772 * c];
            rgb.map(|v| v.round() as u8)
        })
        .collect();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 100)
        .encode(&rgb, film.width(), film.height(), ExtendedColorType::Rgb8)
        .expect("encodes");
    let length = 2 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    assert_eq!(&bytes[2..4], [0xff, 0xe0]);
    bytes.drain(2..2 + length);
    let place = |bytes: &[u8], marker: u8| {
        let found = bytes.windows(2).position(|two| two == [0xff, marker]);
        found.expect("is there")
    };
    let (frame, scan) = (place(&bytes, 0xc0), place(&bytes, 0xda));
    for (index, name) in names.into_iter().enumerate() {
        bytes[frame + 10 + 3 * index] = name;
        bytes[scan + 5 + 2 * index] = name;
    }
    bytes
}

#[test]
fn colours_without_markers_are_what_the_data_set_says() {
    let film = middle();
    let adobe = |transform: u8| {
        let mut marker = vec![0xff, 0xee, 0, 14];
        marker.extend(b"Adobe\0\x64\0\0\0\0");
        marker.push(transform);
        marker
    };
    for names in [[0, 1, 2], [1, 2, 3], *b"RGB", [7, 9, 11]] {
        let plain = three_channels(&film, names);
        let read = |photometric, coded: &[u8]| {
            let kind = Kind::bytes(photometric, (32, 24));
            in_color(&file(JPEG, &[kind.elements(), fragments(&[], &[coded])]))
        };
        let (levels, color) = read("RGB", &plain);
        assert!(near(&levels, &film, 4), "{names:?}");
        assert!(
            color
                .iter()
                .all(|[r, g, b]| r.abs_diff(*g).max(g.abs_diff(*b)) < 8)
        );
        // The same bytes as luma and chroma: the image again, in false colours.
        for photometric in ["YBR_FULL_422", "YBR_FULL"] {
            let (levels, color) = read(photometric, &plain);
            assert!(near(&levels, &film, 5), "{names:?}");
            assert!(color.iter().any(|[r, g, _]| r.abs_diff(*g) > 20));
        }
        // A marker has the last word.
        let marked = [&plain[..2], &adobe(0)[..], &plain[2..]].concat();
        let (_, color) = read("YBR_FULL_422", &marked);
        assert!(
            color
                .iter()
                .all(|[r, g, b]| r.abs_diff(*g).max(g.abs_diff(*b)) < 8)
        );
        let marked = [&plain[..2], &adobe(1)[..], &plain[2..]].concat();
        let (_, color) = read("RGB", &marked);
        assert!(color.iter().any(|[r, g, _]| r.abs_diff(*g) > 20));
    }
}

/// Colour of 16 bits and of 12 in 16, and without loss, where no transform of colours is.
#[test]
fn colour_of_any_depth() {
    let pixels = [[0_u16; 3], [1365; 3], [4095, 0, 0], [4095; 3]];
    for (photometric, scale) in [("RGB", 1), ("RGB", 16)] {
        let kind = Kind {
            photometric,
            stored: 16,
            ..DEEP
        };
        let values: Vec<u16> = pixels.iter().flatten().map(|v| v * scale).collect();
        let (levels, color) = in_color(&file(NATIVE, &[kind.elements(), words(&values)]));
        assert_eq!(levels, [0, 85, 76, 255]);
        assert_eq!(color[2], [255, 0, 0]);
    }
    // Planes one after the other.
    let kind = Kind::bytes("RGB", (2, 1));
    let planar = [
        word(0x28, 6, 1),
        element(0x7fe0, 0x10, b"OB", &[10, 250, 10, 0, 10, 0]),
    ];
    let (levels, color) = in_color(&file(NATIVE, &[&[kind.elements()][..], &planar].concat()));
    assert_eq!((levels, color[1]), (vec![10, 75], [250, 0, 0]));
    // Without loss there is no transform: YBR stays what it is.
    let samples = [100, 128, 128, 76, 85, 255];
    for (photometric, expected) in [("YBR_FULL", [254, 0, 0]), ("RGB", [76, 85, 255])] {
        let kind = Kind::bytes(photometric, (2, 1));
        let coded = lossless(&samples, (2, 1), 8, 3);
        let elements = [kind.elements(), fragments(&[], &[&coded])];
        let (_, color) = in_color(&file("1.2.840.10008.1.2.4.70", &elements));
        assert_eq!(color[1], expected, "{photometric}");
    }
}
