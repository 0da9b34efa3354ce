//! Every format against Pillow (`tests/oracles/make_formats.py`), and every format damaged.

use std::path::PathBuf;

use osteon_data::{DecodeScratch, Decoder, Limits};
use proptest::prelude::*;
use serde_json::Value;

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/formats");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("folder")
        .map(|entry| {
            let entry = entry.expect("entry");
            (
                entry.file_name().to_string_lossy().into_owned(),
                std::fs::read(entry.path()).expect("reads"),
            )
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_format_is_what_pillow_makes_of_it() {
    let oracles: Value =
        serde_json::from_str(include_str!("../oracles/formats.json")).expect("JSON");
    let files = files();
    assert_eq!(
        files.len(),
        oracles["files"].as_object().expect("files").len()
    );
    let mut wrong = Vec::new();
    for (name, bytes) in files {
        let case = &oracles["files"][&name];
        let film = match Decoder::default().decode(&bytes) {
            Ok(film) => film,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let size = (u64::from(film.width()), u64::from(film.height()));
        let expected = (
            case["width"].as_u64().expect("width"),
            case["height"].as_u64().expect("height"),
        );
        if size != expected {
            wrong.push(format!("{name}: {size:?}, not {expected:?}"));
            continue;
        }
        let apart: Vec<u64> = film
            .iter()
            .zip(case["pixels"].as_array().expect("pixels"))
            .map(|(&a, b)| u64::from(a).abs_diff(b.as_u64().expect("level")))
            .collect();
        let mean = apart.iter().sum::<u64>() as f64 / apart.len() as f64;
        let worst = apart.iter().max().copied().unwrap_or(0);
        // Lossy formats differ by the rounding of transforms and colours; the others by that of luma and alpha alone.
        let lossy = name.contains(".jpg") || name == "lossy.webp";
        let (mean_allowed, worst_allowed) = if lossy { (2.0, 12) } else { (0.5, 1) };
        if mean > mean_allowed || worst > worst_allowed {
            wrong.push(format!("{name}: mean {mean:.3}, worst {worst}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A file of any format with some bytes changed and its end cut is an error or an image within the limits, never a panic, with
    /// repair or without.
    #[test]
    fn damaged_files_do_not_panic(
        which in any::<prop::sample::Index>(),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        repair in any::<bool>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut files = files();
        let (name, mut bytes) = files.swap_remove(which.index(files.len()));
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()) + 1);
        }
        let decoder = Decoder {
            repair,
            limits: Limits {
                max_pixels: 1_000_000,
                ..Limits::default()
            },
            ..Decoder::default()
        };
        let mut scratch = DecodeScratch::default();
        if let Ok(decoded) = decoder.decode_with(&bytes, None, &mut scratch) {
            prop_assert!(decoded.view.pixels().len() <= 1_000_000, "{name}");
        }
    }
}
