//! Decoding: formats by content, awkward real files, and bytes that are no image.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, Luma, LumaA, RgbImage};
use osteon_data::{DecodeError, DecodeScratch, Decoder, Limits, image_files};
use proptest::prelude::*;

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

fn film() -> GrayImage {
    GrayImage::from_fn(40, 30, |x, y| Luma([(x * 6 + (y % 3)) as u8]))
}

#[test]
fn every_format_reads_to_the_same_film() {
    let gray = DynamicImage::ImageLuma8(film());
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let image = if format == ImageFormat::Gif {
            DynamicImage::ImageRgba8(gray.to_rgba8())
        } else {
            gray.clone()
        };
        let decoded = Decoder::default()
            .decode(&encoded(&image, format))
            .expect("decodes");
        assert_eq!(decoded.dimensions(), (40, 30), "{format:?}");
        let worst = decoded
            .iter()
            .zip(film().iter())
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        // GIF has a palette of 256 colours to choose from, the others are exact.
        assert!(
            worst <= Some(if format == ImageFormat::Gif { 4 } else { 0 }),
            "{format:?}: {worst:?}"
        );
    }
    let jpeg = Decoder::default()
        .decode(&encoded(&gray, ImageFormat::Jpeg))
        .expect("decodes");
    let sum: u32 = jpeg
        .iter()
        .zip(film().iter())
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum();
    assert!(f64::from(sum) / 1200.0 < 3.0, "{sum}");
}

#[test]
fn alpha_is_laid_on_black() {
    let image = GrayAlphaImage::from_fn(2, 1, |x, _| LumaA([200, if x == 0 { 255 } else { 51 }]));
    let decoded = Decoder::default()
        .decode(&encoded(
            &DynamicImage::ImageLumaA8(image),
            ImageFormat::Png,
        ))
        .expect("decodes");
    assert_eq!(decoded.as_raw(), &[200, 40]);
}

#[test]
fn deep_samples_are_stretched_over_their_real_range() {
    // A 12-bit detector's values in a 16-bit file: 100 and 4,000 become black and white.
    let image =
        image::ImageBuffer::<Luma<u16>, _>::from_raw(3, 1, vec![100_u16, 2050, 4000]).expect("3×1");
    let decoded = Decoder::default()
        .decode(&encoded(
            &DynamicImage::ImageLuma16(image),
            ImageFormat::Png,
        ))
        .expect("decodes");
    assert_eq!(decoded.as_raw(), &[0, 128, 255]);
}

#[test]
fn a_colour_jpeg_gives_its_luma() {
    let image = RgbImage::from_fn(32, 32, |x, _| {
        if x < 16 {
            image::Rgb([255, 0, 0])
        } else {
            image::Rgb([0, 0, 255])
        }
    });
    let decoded = Decoder::default()
        .decode(&encoded(&DynamicImage::ImageRgb8(image), ImageFormat::Jpeg))
        .expect("decodes");
    // BT.601: 0.299·255 = 76 for red, 0.114·255 = 29 for blue.
    assert!(decoded.get_pixel(4, 16).0[0].abs_diff(76) <= 3);
    assert!(decoded.get_pixel(28, 16).0[0].abs_diff(29) <= 3);
}

#[test]
fn what_is_no_film_is_named() {
    let decoder = Decoder::default();
    assert!(matches!(decoder.decode(b""), Err(DecodeError::Empty)));
    assert!(matches!(
        decoder.decode(b"a letter to the radiologist"),
        Err(DecodeError::UnknownFormat)
    ));
    let jpeg = encoded(&DynamicImage::ImageLuma8(film()), ImageFormat::Jpeg);
    // Wherever the end is missing, it is an error and never an image with a gray rest.
    for keep in 2..jpeg.len() - 2 {
        let cut = decoder.decode(&jpeg[..keep]);
        assert!(
            matches!(
                cut,
                Err(DecodeError::Truncated | DecodeError::Jpeg { .. } | DecodeError::UnknownFormat)
            ),
            "{keep} of {} bytes: {cut:?}",
            jpeg.len()
        );
    }
    let small = Decoder {
        limits: Limits {
            max_pixels: 1000,
            ..Limits::default()
        },
        ..Decoder::default()
    };
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let bytes = encoded(&DynamicImage::ImageLuma8(film()), format);
        assert!(
            matches!(
                small.decode(&bytes),
                Err(DecodeError::TooLarge {
                    width: 40,
                    height: 30,
                    ..
                })
            ),
            "{format:?}"
        );
    }
}

/// All forty awkward files: the thirteen truncated ones are named as such or, repaired, shown as far as they go; all others read,
/// 16-bit, palette, alpha, GIF and PNG named .jpg, progressive and seventeen megapixels among them, at the size the manifest says.
#[test]
fn awkward_real_files() {
    let Some(manifests) = crate::real_films("manifests") else {
        return;
    };
    let rows = std::fs::read_to_string(manifests.join("edge_cases.csv")).expect("manifest");
    let repair = Decoder {
        repair: true,
        ..Decoder::default()
    };
    let (mut read, mut truncated) = (0, 0);
    for row in rows.lines().skip(1) {
        // tag,file,format,mode,w,h,truncated,exif_orientation,sha256: no field is quoted.
        let fields: Vec<&str> = row.split(',').collect();
        let (path, orientation) = (manifests.join("..").join(fields[1]), fields[7]);
        let number = |field: &str| field.parse::<u32>().expect("number");
        let (w, h) = (number(fields[4]), number(fields[5]));
        let upright = if ["5", "6", "7", "8"].contains(&orientation) {
            (h, w)
        } else {
            (w, h)
        };
        let bytes = std::fs::read(&path).expect("is there");
        let mut scratch = DecodeScratch::default();
        let repaired = repair
            .decode_with(&bytes, None, &mut scratch)
            .unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(repaired.repaired, fields[6] == "1", "{row}");
        assert_eq!(
            (repaired.view.width(), repaired.view.height()),
            upright,
            "{row}"
        );
        match Decoder::default().decode(&bytes) {
            Ok(film) => {
                assert_eq!((fields[6], film.dimensions()), ("0", upright), "{row}");
                assert!(
                    film.iter().any(|&v| v != film.as_raw()[0]),
                    "{row} is blank"
                );
                assert_eq!(film.as_raw().as_slice(), repaired.view.pixels(), "{row}");
                read += 1;
            }
            Err(error) => {
                assert!(
                    fields[6] == "1" && error.to_string().contains("truncated JPEG"),
                    "{row}: {error}"
                );
                truncated += 1;
            }
        }
    }
    assert_eq!((read, truncated), (27, 13));
}

/// What a decoder keeps from image to image does not show in the next image, whatever their order.
#[test]
fn kept_buffers_leave_no_trace() {
    let mut scratch = DecodeScratch::default();
    let decoder = Decoder {
        repair: true,
        ..Decoder::default()
    };
    let big = DynamicImage::ImageLuma8(GrayImage::from_pixel(90, 80, Luma([255])));
    let (jpeg, png) = (
        encoded(&DynamicImage::ImageLuma8(film()), ImageFormat::Jpeg),
        encoded(&DynamicImage::ImageLuma8(film()), ImageFormat::Png),
    );
    for bytes in [
        &jpeg[..],
        &png[..],
        &jpeg[..jpeg.len() * 2 / 3],
        &png[..png.len() * 2 / 3],
    ] {
        let fresh = decoder
            .decode_with(bytes, None, &mut DecodeScratch::default())
            .map(|decoded| (decoded.view.to_image(), decoded.repaired))
            .map_err(|error| error.to_string());
        for before in [ImageFormat::Png, ImageFormat::Jpeg] {
            decoder
                .decode_with(&encoded(&big, before), None, &mut scratch)
                .expect("decodes");
            let again = decoder
                .decode_with(bytes, None, &mut scratch)
                .map(|decoded| (decoded.view.to_image(), decoded.repaired))
                .map_err(|error| error.to_string());
            assert_eq!(again, fresh);
        }
    }
}

/// An image cut short is repaired to what there is: its top is the whole image's, and nobody takes it for whole.
#[test]
fn what_decodes_of_a_cut_film_is_kept() {
    let whole = GrayImage::from_fn(64, 64, |x, y| Luma([(x * 3 + (y * x) % 17) as u8]));
    let repair = Decoder {
        repair: true,
        ..Decoder::default()
    };
    let deep = image::ImageBuffer::<Luma<u16>, _>::from_fn(64, 64, |x, y| {
        Luma([(x * 1000 + y * 7) as u16])
    });
    for (image, format) in [
        (DynamicImage::ImageLuma8(whole.clone()), ImageFormat::Jpeg),
        (DynamicImage::ImageLuma8(whole), ImageFormat::Png),
        (DynamicImage::ImageLuma16(deep), ImageFormat::Png),
    ] {
        let bytes = encoded(&image, format);
        let full = Decoder::default().decode(&bytes).expect("decodes");
        let cut = &bytes[..bytes.len() * 3 / 4];
        assert!(Decoder::default().decode(cut).is_err(), "{format:?}");
        let mut closed = cut.to_vec();
        if format == ImageFormat::Jpeg {
            // As programs write it that fill up what they lost: with an end.
            closed.extend([0xff, 0xd9]);
        }
        assert!(Decoder::default().decode(&closed).is_err(), "{format:?}");
        for cut in [cut, &closed] {
            let mut scratch = DecodeScratch::default();
            let decoded = repair
                .decode_with(cut, None, &mut scratch)
                .expect("is repaired");
            assert!(decoded.repaired, "{format:?}");
            let top = 64 * 16;
            let apart = decoded.view.pixels()[..top]
                .iter()
                .zip(full.as_raw())
                .map(|(a, b)| a.abs_diff(*b))
                .max();
            assert!(apart <= Some(6), "{format:?}: {apart:?}");
            let last = &decoded.view.pixels()[63 * 64..];
            assert!(last.iter().all(|&v| v == last[0]), "{format:?}: {last:?}");
        }
    }
    // Nothing but a header is nothing to show.
    let jpeg = encoded(&DynamicImage::ImageLuma8(film()), ImageFormat::Jpeg);
    let scan = jpeg
        .windows(2)
        .position(|w| w == [0xff, 0xda])
        .expect("SOS");
    assert!(repair.decode(&jpeg[..scan + 10]).is_err());
}

/// EXIF says these are stored lying down: decoded, width and height change places.
#[test]
fn exif_orientation_is_applied() {
    let Some(folder) = crate::real_films("edge_cases/exif_orientation") else {
        return;
    };
    let mut turned = 0;
    for path in image_files(&folder).expect("lists") {
        let stored = image::image_dimensions(&path).expect("header");
        let decoded = Decoder::default()
            .decode_path(&path)
            .expect("decodes")
            .dimensions();
        assert!(decoded == stored || decoded == (stored.1, stored.0));
        turned += usize::from(decoded != stored);
    }
    println!("{turned} turned by a quarter");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Decoder::default().decode(&bytes);
    }
}

/// Colours are a sample beside the image; the image is the same to the last bit, and gray files have none.
#[test]
fn colours_are_seen_and_change_nothing() {
    let rgb = RgbImage::from_fn(300, 200, |x, y| {
        image::Rgb(if x > 100 && x < 140 {
            [250, 20, 30]
        } else {
            [(y % 200) as u8; 3]
        })
    });
    let rgb = DynamicImage::ImageRgb8(rgb);
    let decoder = Decoder::default();
    let mut scratch = DecodeScratch::default();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp] {
        let bytes = encoded(&rgb, format);
        let plain = decoder.decode(&bytes).expect("decodes");
        let (film, color) = decoder
            .decode_in_color(&bytes, None, &mut scratch)
            .expect("decodes");
        assert!(
            film.view.pixels() == plain.as_raw().as_slice(),
            "{format:?}"
        );
        let color = color.expect("it has colours");
        let red = color
            .pixels()
            .iter()
            .filter(|[r, g, _]| *r > 180 && *g < 90)
            .count();
        let share = red as f64 / color.pixels().len() as f64;
        assert!((0.11..0.15).contains(&share), "{format:?}: {share}");
        let gray = encoded(&DynamicImage::ImageLuma8(plain.clone()), format);
        let (_, none) = decoder
            .decode_in_color(&gray, None, &mut scratch)
            .expect("decodes");
        // A BMP of gray levels has a palette, which is in colour.
        assert!(none.is_none() || format == ImageFormat::Bmp, "{format:?}");
    }
    // An image that was asked for without colours leaves none behind.
    let gray = encoded(&DynamicImage::ImageLuma8(film()), ImageFormat::Png);
    decoder
        .decode_with(&encoded(&rgb, ImageFormat::Png), None, &mut scratch)
        .expect("decodes");
    let (_, none) = decoder
        .decode_in_color(&gray, None, &mut scratch)
        .expect("decodes");
    assert!(none.is_none());
}

/// Rows that a damaged file leaves out are no rows of the image that was in the buffers before: found by fuzzing.
#[test]
fn a_repaired_film_shows_nothing_of_the_film_before() {
    let seed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/image/rows_missing.jpg");
    let mut jpeg = std::fs::read(seed).expect("is there");
    // The last byte is the fuzz target's own.
    jpeg.pop();
    let white = GrayImage::from_pixel(100, 100, Luma([255]));
    let white = encoded(&DynamicImage::ImageLuma8(white), ImageFormat::Jpeg);
    let decoder = Decoder {
        repair: true,
        ..Decoder::default()
    };
    let mut scratch = DecodeScratch::default();
    let fresh = decoder
        .decode_with(&jpeg, None, &mut scratch)
        .map(|film| film.view.to_image());
    decoder
        .decode_with(&white, None, &mut scratch)
        .expect("decodes");
    let used = decoder
        .decode_with(&jpeg, None, &mut scratch)
        .map(|film| film.view.to_image());
    assert_eq!(fresh.expect("repaired"), used.expect("repaired"));
}

/// A header that claims more rows than the scan has, also where the rows above are flat.
#[test]
fn rows_that_are_not_in_the_file_are_missed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/formats");
    let real = [
        "gray.jpg",
        "baseline.jpg",
        "rgb.jpg",
        "cmyk.jpg",
        "exif1.jpg",
    ];
    let real = real.map(|name| std::fs::read(folder.join(name)).expect("is there"));
    let flat = [0, 1, 2, 128, 255].map(|level| {
        let film = GrayImage::from_fn(96, 96, |x, y| {
            Luma([if y < 48 { (2 * x) as u8 } else { level }])
        });
        encoded(&DynamicImage::ImageLuma8(film), ImageFormat::Jpeg)
    });
    for (number, file) in real.into_iter().chain(flat).enumerate() {
        // Fewer than a block has may be in the last row of blocks.
        for more in [32, 64, 1000] {
            let mut bytes = file.clone();
            let frame = bytes.windows(2).position(|two| two == [0xff, 0xc0]);
            let at = frame.expect("a baseline frame") + 5;
            let height = u16::from_be_bytes([bytes[at], bytes[at + 1]]) + more;
            bytes[at..at + 2].copy_from_slice(&height.to_be_bytes());
            // Cameras fill up, and some programs write words behind the end.
            for behind in [&b""[..], &[0; 9], b"words"] {
                let bytes = [&bytes, behind].concat();
                let read = Decoder::default().decode(&bytes);
                let read = read.map(|film| film.dimensions());
                assert!(
                    matches!(read, Err(DecodeError::Truncated)),
                    "number {number} with {more} rows more and {behind:?} behind: {read:?}"
                );
            }
        }
    }
    // Of this one, zune-jpeg leaves the last rows as they were, and says nothing: found by fuzzing, for the image before showed through.
    let mut unwritten = std::fs::read(seed("rows_unwritten.jpg")).expect("is there");
    unwritten.pop();
    let read = Decoder::default().decode(&unwritten);
    assert!(matches!(read, Err(DecodeError::Truncated)), "{read:?}");
}

/// Of the fuzz target `image`, whose last byte is the target's own.
fn seed(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds/image")
        .join(name)
}

/// A resize of a line would hold the new width times its length.
#[test]
fn a_side_that_no_film_has_is_refused() {
    let line = GrayImage::new(70_000, 1);
    let png = encoded(&DynamicImage::ImageLuma8(line), ImageFormat::Png);
    assert!(matches!(
        Decoder::default().decode(&png),
        Err(DecodeError::TooLong { width: 70_000, .. })
    ));
}
