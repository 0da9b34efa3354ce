//! A data set of synthetic radiographs on disk, in the Kaggle layout.

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::Path;

use image::ImageFormat;
use osteon_files::FileError;
use rayon::prelude::*;

use osteon_data::{DataError, Label, Split, with_provenance};

use crate::{Synth, SynthImage};

/// How many images [`write_synth`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SynthCounts {
    /// Images in train, val, test.
    pub images: [usize; 3],
    /// Fractured ones among them.
    pub fractured: [usize; 3],
}

/// Writes `images` synthetic radiographs as PNG below `dir`: `train|val|test / fractured|not fractured / NNNN.png`, 70 : 15 : 15, with
/// `boxes.csv` (file, fracture kind, box centre, width and height relative to the image).
///
/// Each split has a seed of its own drawn from `seed`, so a test image shares nothing with training but the model of a radiograph.
/// Each file notes which image of which seed it is, so that an audit takes no two drawn images for copies because they look alike.
/// The same seed writes the same bytes. `dir` must be new or empty. `tick` is called once an image.
pub fn write_synth(
    dir: &Path,
    images: usize,
    seed: u64,
    tick: &(dyn Fn() + Sync),
) -> Result<SynthCounts, DataError> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| FileError::new(action, path, source)
    };
    if dir.exists()
        && std::fs::read_dir(dir)
            .map_err(io("read", dir))?
            .next()
            .is_some()
    {
        return Err(DataError::NotEmpty {
            path: dir.to_owned(),
        });
    }
    for split in Split::ALL {
        for label in [Label::Fractured, Label::NotFractured] {
            let folder = dir.join(split.name()).join(folder_of(label));
            std::fs::create_dir_all(&folder).map_err(io("create", &folder))?;
        }
    }
    let held_out = (images * 15 / 100).max(usize::from(images > 2));
    let sizes = [images - 2 * held_out.min(images / 2), held_out, held_out];
    let mut counts = SynthCounts {
        images: sizes,
        fractured: [0; 3],
    };
    let mut boxes = String::from("file,kind,cx,cy,w,h\n");
    for (number, split) in Split::ALL.into_iter().enumerate() {
        let synth = Synth::new(seed.wrapping_mul(3).wrapping_add(number as u64));
        let rows: Vec<(bool, String)> = (0..sizes[number])
            .into_par_iter()
            .map(|index| {
                let film = synth.image(index as u64);
                let label = if film.fractured {
                    Label::Fractured
                } else {
                    Label::NotFractured
                };
                let file = format!("{split}/{}/{index:05}.png", folder_of(label));
                let path = dir.join(&file);
                write_image(
                    &path,
                    &film,
                    &format!("{split} of seed {seed}, image {index}"),
                )?;
                tick();
                Ok((film.fractured, box_rows(&file, &film)))
            })
            .collect::<Result<_, DataError>>()?;
        for (fractured, text) in rows {
            counts.fractured[number] += usize::from(fractured);
            boxes.push_str(&text);
        }
    }
    let path = dir.join("boxes.csv");
    std::fs::write(&path, boxes).map_err(io("write", &path))?;
    Ok(counts)
}

/// Writes an image as PNG, with a note in it of where it comes from.
fn write_image(path: &Path, film: &SynthImage, from: &str) -> Result<(), DataError> {
    let mut png = Cursor::new(Vec::new());
    let encoded = film.pixels.write_to(&mut png, ImageFormat::Png);
    encoded.map_err(|source| DataError::Encode {
        path: path.to_owned(),
        source,
    })?;
    let noted = with_provenance(png.get_ref(), from);
    std::fs::write(path, noted).map_err(|source| FileError::new("write", path, source).into())
}

fn folder_of(label: Label) -> &'static str {
    match label {
        Label::Fractured => "fractured",
        Label::NotFractured => "not fractured",
    }
}

fn box_rows(file: &str, film: &SynthImage) -> String {
    let kind = film
        .fracture
        .map_or_else(String::new, |kind| format!("{kind:?}").to_lowercase());
    film.boxes.iter().fold(String::new(), |mut rows, b| {
        let _ = writeln!(
            rows,
            "{file},{kind},{:.5},{:.5},{:.5},{:.5}",
            b.cx, b.cy, b.w, b.h
        );
        rows
    })
}
