//! Examples: pictures drawn, and pictures found in folders, varied and measured.

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader, Limits};
use osteon_data::{DecodeScratch, Decoder, image_files};
use osteon_files::FileError;
use osteon_gate::{Class, Picture, features};
use rayon::prelude::*;

use crate::draw::KINDS;
use crate::vary::fitting;
use crate::{FitError, vary};

/// A picture measured.
#[derive(Debug, Clone)]
pub struct Example {
    /// What it is.
    pub class: Class,
    /// Where it is from.
    pub source: String,
    /// Variations of one picture have one number; another picture has another.
    pub picture: u64,
    /// [`features`].
    pub features: Vec<f32>,
}

/// The pictures of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What they are.
    pub class: Class,
    /// Its folder's name.
    pub name: String,
    /// Files, sorted.
    pub files: Vec<PathBuf>,
}

/// What lies in `<root>/<class>/<source>/…`, where the classes are named `radiograph`, `outside`, `cross_section` and `other`; in order of their names.
pub fn found(root: &Path) -> Result<Vec<Source>, FitError> {
    let mut all = Vec::new();
    for folder in folders(root)? {
        let name = name_of(&folder);
        let Some(class) = Class::ALL.into_iter().find(|class| class.name() == name) else {
            return Err(FitError::UnknownKind { path: folder });
        };
        for source in folders(&folder)? {
            all.push(Source {
                class,
                name: name_of(&source),
                files: image_files(&source)?,
            });
        }
    }
    Ok(all)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, FitError> {
    let io = |source| FileError::new("list", root, source);
    let mut all = Vec::new();
    for entry in std::fs::read_dir(root).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Files varied and measured: the first example of each is the picture as it is, the others are changed at random. Files that do not read are left out.
/// `tick` is told after each file.
pub fn varied(source: &Source, times: usize, seed: u64, tick: &(dyn Fn() + Sync)) -> Vec<Example> {
    let all: Vec<Vec<Example>> = source
        .files
        .par_iter()
        .enumerate()
        .map(|(number, path)| {
            let examples = read(path).map_or_else(Vec::new, |image| {
                // Once for all variations: wallpapers are large.
                let image = fitting(image);
                (0..times)
                    .map(|time| {
                        let index = (number * times + time) as u64;
                        let picture = vary(&image, source.class, seed, index, time == 0);
                        example(source.class, &source.name, number as u64, &picture)
                    })
                    .collect()
            });
            tick();
            examples
        })
        .collect();
    all.into_iter().flatten().collect()
}

/// Every kind of drawn picture, so many times, varied.
pub fn drawn(each: usize, seed: u64, tick: &(dyn Fn() + Sync)) -> Vec<Example> {
    let all: Vec<Vec<Example>> = KINDS
        .par_iter()
        .map(|kind| {
            (0..each as u64)
                .into_par_iter()
                .map(|index| {
                    let image = DynamicImage::ImageRgb8(kind.draw(seed, index));
                    let plain = index % 3 == 0;
                    let picture = vary(&image, kind.class, seed, index, plain);
                    tick();
                    example(kind.class, kind.name, index, &picture)
                })
                .collect()
        })
        .collect();
    all.into_iter().flatten().collect()
}

fn example(class: Class, source: &str, picture: u64, seen: &Picture) -> Example {
    Example {
        class,
        source: source.to_owned(),
        picture,
        features: features(seen),
    }
}

/// A picture in its colours; DICOM as it asks to be shown.
fn read(path: &Path) -> Option<DynamicImage> {
    let bytes = std::fs::read(path).ok()?;
    if bytes.get(128..132) == Some(b"DICM") {
        return Decoder::default()
            .decode(&bytes)
            .ok()
            .map(DynamicImage::ImageLuma8);
    }
    let mut reader = ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    let image = reader.decode().ok()?;
    Some(if image.color().has_alpha() {
        on_black(&image)
    } else {
        image
    })
}

/// As the decoder shows what is transparent.
fn on_black(image: &DynamicImage) -> DynamicImage {
    let rgba = image.to_rgba8();
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(
        rgba.width(),
        rgba.height(),
        |x, y| {
            let [r, g, b, a] = rgba.get_pixel(x, y).0;
            image::Rgb([r, g, b].map(|v| (u16::from(v) * u16::from(a) / 255) as u8))
        },
    ))
}

/// A file as a program that predicts would see it.
pub fn seen(path: &Path, scratch: &mut DecodeScratch) -> Option<Picture> {
    let bytes = std::fs::read(path).ok()?;
    let (film, color) = Decoder::default()
        .decode_in_color(&bytes, None, scratch)
        .ok()?;
    Some(Picture::new(film.view, color))
}
