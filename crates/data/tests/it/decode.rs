//! Decoding: formats by content, awkward real files, and bytes that are no film.

use std::io::Cursor;

use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, Luma, LumaA, RgbImage};
use osteon_data::{DecodeError, Decoder, Limits, image_files};
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
    let mut dicom = vec![0; 132];
    dicom[128..].copy_from_slice(b"DICM");
    assert!(matches!(decoder.decode(&dicom), Err(DecodeError::Dicom)));
    let jpeg = encoded(&DynamicImage::ImageLuma8(film()), ImageFormat::Jpeg);
    // Wherever the end is missing, it is an error and never a film with a gray rest.
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
        limits: Limits { max_pixels: 1000 },
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

/// Of the forty awkward files, the thirteen truncated ones are named as such and all others read, 16-bit, palette, alpha, GIF and
/// PNG named .jpg, progressive and seventeen megapixels among them.
#[test]
fn awkward_real_files() {
    let Some(folder) = crate::real_films("edge_cases") else {
        return;
    };
    let (mut read, mut truncated) = (0, 0);
    for path in image_files(&folder).expect("lists") {
        let named_truncated = path.parent().is_some_and(|p| p.ends_with("truncated"));
        match Decoder::default().decode_path(&path) {
            Ok(film) => {
                assert!(!named_truncated, "{} should be truncated", path.display());
                assert!(
                    film.width() > 0 && film.iter().any(|&v| v != film.as_raw()[0]),
                    "{} is blank",
                    path.display()
                );
                read += 1;
            }
            Err(error) => {
                assert!(
                    named_truncated && error.to_string().contains("truncated JPEG"),
                    "{error}"
                );
                truncated += 1;
            }
        }
    }
    assert_eq!((read, truncated), (27, 13));
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

    /// A real file with a few bytes changed is an error or a film, never a panic.
    #[test]
    fn damaged_files_do_not_panic(
        jpeg in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let format = if jpeg { ImageFormat::Jpeg } else { ImageFormat::Png };
        let mut bytes = encoded(&DynamicImage::ImageLuma8(film()), format);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let _ = Decoder::default().decode(&bytes);
    }
}
