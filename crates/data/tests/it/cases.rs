//! Inputs that people really have, beside the checkout: each folder says what is right (`expected.md`).

use std::path::{Path, PathBuf};

use image::GrayImage;
use osteon_data::{DecodeScratch, Decoder};

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn case(number: &str) -> Option<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let found = std::fs::read_dir(&cases).ok().and_then(|mut entries| {
        let is_it = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| name.starts_with(number))
        };
        entries.find_map(|entry| entry.ok().map(|entry| entry.path()).filter(is_it))
    });
    if found.is_none() {
        println!("skipped: case {number} is not in {}", cases.display());
    }
    found
}

fn reference(folder: &Path) -> GrayImage {
    image::open(folder.join("ref.png"))
        .expect("is there")
        .into_luma8()
}

fn decode(path: &Path) -> Result<GrayImage, String> {
    let bytes = std::fs::read(path).expect("is there");
    Decoder::default()
        .decode(&bytes)
        .map_err(|error| error.to_string())
}

/// Levels apart at most, but for as many pixels as may be anything, and on average.
fn apart(film: &GrayImage, reference: &GrayImage, left_out: usize) -> (u8, f64) {
    assert_eq!(film.dimensions(), reference.dimensions());
    let pairs = film.iter().zip(reference.iter());
    let mut apart: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    apart.sort_unstable();
    apart.truncate(apart.len() - left_out);
    let mean = apart.iter().map(|&d| f64::from(d)).sum::<f64>() / apart.len() as f64;
    (apart.last().copied().unwrap_or(0), mean)
}

/// Every file of a case but the reference, each of which shows it within so many levels, or on average within so many.
fn shows(number: &str, names: &[&str], worst: u8, mean: f64) {
    let Some(folder) = case(number) else {
        return;
    };
    let reference = reference(&folder);
    let mut wrong = Vec::new();
    for name in names {
        match decode(&folder.join(name)) {
            Ok(film) => {
                let found = apart(&film, &reference, 0);
                if found.0 > worst || found.1 > mean {
                    wrong.push(format!("{name}: {found:?} levels apart"));
                }
            }
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "case {number}:\n{}", wrong.join("\n"));
}

/// Every file is refused in words that have these in them.
fn refused(number: &str, names: &[(&str, &str)]) {
    let Some(folder) = case(number) else {
        return;
    };
    for (name, words) in names {
        let error = decode(&folder.join(name)).expect_err(name);
        assert!(error.contains(words), "{name}: {error}");
        assert!(!error.contains("damaged"), "{name}: {error}");
    }
}

#[test]
fn voi_luts_windows_and_empty_items() {
    let narrow = [
        "narrow-8-as-16",
        "narrow-10-as-12",
        "narrow-12-as-16",
        "ok-12",
    ];
    shows(
        "01",
        &narrow
            .map(|name| format!("{name}.dcm"))
            .each_ref()
            .map(String::as_str),
        1,
        1.0,
    );
    shows("02", &["tiny-window.dcm"], 1, 1.0);
    let empty = [
        "comma.dcm",
        "empty-function.dcm",
        "voi-lut-item-empty.dcm",
        "modality-lut-item-empty.dcm",
        "planar-configuration-empty.dcm",
    ];
    shows("03", &empty, 1, 1.0);
    refused(
        "03",
        &[
            ("nan.dcm", "Window"),
            ("width-zero.dcm", "Window Width"),
            ("width-negative.dcm", "Window Width"),
        ],
    );
}

#[test]
fn colours_and_depths() {
    shows("06", &["film-422.dcm", "mislabelled-is-rgb.dcm"], 1, 1.0);
    if let Some(folder) = case("06") {
        let bytes = std::fs::read(folder.join("mislabelled-is-rgb.dcm")).expect("is there");
        let mut scratch = DecodeScratch::default();
        let (_, color) = Decoder::default()
            .decode_in_color(&bytes, None, &mut scratch)
            .expect("decodes");
        let color = color.expect("three channels");
        assert!(color.pixels().iter().all(|[r, g, b]| r == g && g == b));
    }
    shows(
        "07",
        &["ids-0-1-2.dcm", "ids-1-2-3.dcm", "ok-ids-R-G-B.dcm"],
        40,
        2.0,
    );
    shows(
        "08",
        &["lossless-57.dcm", "lossless-70.dcm", "ok-jpegls-80.dcm"],
        0,
        0.0,
    );
    shows(
        "08",
        &["baseline-50.dcm", "extended-51.dcm", "ok-j2k-90.dcm"],
        40,
        2.0,
    );
    shows("14", &["rgb-16-bits.dcm"], 1, 1.0);
}

#[test]
fn fragments_and_lengths() {
    let exact = [
        "j2k-table.dcm",
        "j2k-no-table.dcm",
        "jpegls-table.dcm",
        "jpegls-no-table.dcm",
        "rle-1-frame.dcm",
    ];
    shows("10", &exact, 1, 1.0);
    let lossy = [
        "extended-12-bit-table.dcm",
        "extended-12-bit-no-table.dcm",
        "numberofframes-0.dcm",
    ];
    shows("10", &lossy, 40, 2.0);
    shows("11", &["odd-ow.dcm"], 0, 0.0);
    refused("11", &[("short-4-bytes.dcm", "4 bytes short")]);
    let meta = [
        "meta-aet-18.dcm",
        "meta-version-name-18.dcm",
        "meta-no-group-length.dcm",
    ];
    shows("14", &meta, 1, 1.0);
    refused("14", &[("no-pixels-sr.dcm", "holds no pixel data")]);
}

/// Apart from the pixels that are no image, which are black or white.
#[test]
fn one_bright_thing_in_deep_gray() {
    let Some(folder) = case("16") else {
        return;
    };
    let reference = reference(&folder);
    for (name, others) in [
        ("hot-pixel.png", 1),
        ("hot-pixel.tif", 1),
        ("hot-pixel.dcm", 1),
        ("dead-pixel.png", 1),
        ("marker-65535.png", 70),
        ("padding-range.dcm", 1500),
    ] {
        let film = decode(&folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = apart(&film, &reference, others);
        assert!(found.0 <= 3, "{name}: {found:?}");
        let far = film.iter().zip(reference.iter());
        let far = far.filter(|(a, b)| a.abs_diff(**b) > 3);
        assert!(far.clone().count() <= others, "{name}");
        assert!(
            far.map(|(a, _)| *a).all(|level| level == 0 || level == 255),
            "{name}"
        );
    }
}

#[test]
fn formats_are_named() {
    refused(
        "18",
        &[
            ("big.tif", "BigTIFF"),
            ("film-12-bit.jpg", "12-bit JPEG"),
            ("film-heic-called.jpg", "HEIC"),
            ("film-jpegls.jpg", "JPEG-LS"),
            ("film-lossless.jpg", "lossless JPEG"),
            ("film.avif", "AVIF"),
            ("film.heic", "HEIC"),
            ("film.j2k", "JPEG 2000"),
            ("film.jp2", "JPEG 2000"),
            ("film.jxl", "JPEG XL"),
            ("film.pdf", "PDF"),
            ("film.svg", "SVG"),
            ("float.tif", "TIFF of floats"),
            ("page.jpg", "web page"),
        ],
    );
    refused("18", &[("film.heic", "save the image as JPEG or PNG")]);
}

#[test]
fn an_orientation_that_is_long() {
    let Some(folder) = case("19") else {
        return;
    };
    let upright = decode(&folder.join("ok-short.jpg")).expect("decodes");
    assert_eq!(upright.dimensions(), (96, 120));
    assert!(decode(&folder.join("long.jpg")).expect("decodes") == upright);
}

#[test]
fn names_that_switch_between_sets() {
    let Some(folder) = case("28") else {
        return;
    };
    for (name, expected) in [
        ("japanese-87.dcm", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("korean-149.dcm", "Hong^Gildong=洪^吉洞=홍^길동"),
    ] {
        let bytes = std::fs::read(folder.join(name)).expect("is there");
        let object =
            osteon_data::read_dicom(&bytes, osteon_data::Limits::default()).expect("reads");
        let patient = object.element_by_name("PatientName").expect("is there");
        assert_eq!(patient.to_str().expect("text"), expected, "{name}");
    }
}
