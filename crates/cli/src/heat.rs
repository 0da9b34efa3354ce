//! Heatmaps as pictures.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Context;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{GrayImage, ImageFormat};
use osteon_data::{Decoder, RelativeBox, write_atomic};
use osteon_model::{Explained, HeatKind, ModelError, Prediction, Predictor};
use osteon_report::overlay::{Caption, Overlay, shown_size};

/// A folder for pictures, one a film.
pub struct Folder {
    dir: PathBuf,
    kind: Option<HeatKind>,
    /// Names given already, in small letters: not every disk tells them apart.
    taken: BTreeSet<String>,
}

impl Folder {
    /// Makes the folder if it is not there.
    pub fn open(dir: &Path, kind: Option<HeatKind>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self {
            dir: dir.to_owned(),
            kind,
            taken: BTreeSet::new(),
        })
    }

    /// Judges a film and writes its picture; gives the place of the picture. The outer error ends the command: the folder cannot be written.
    pub fn explain(
        &mut self,
        predictor: &Predictor,
        path: &Path,
    ) -> anyhow::Result<Result<(Prediction, PathBuf), ModelError>> {
        let found = predictor
            .explain_path(path, self.kind)
            .and_then(|explained| {
                let film = predictor.decoder().decode_path(path)?;
                Ok((explained, film))
            });
        let (explained, film) = match found {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        let place = self.place(path);
        write_atomic(&place, &png(&explained, &film, path)?)?;
        Ok(Ok((explained.prediction, place)))
    }

    /// `STEM.heatmap.png`; the second of a stem is `STEM-2.heatmap.png`.
    fn place(&mut self, film: &Path) -> PathBuf {
        let stem = film.file_stem().unwrap_or_default().to_string_lossy();
        let mut name = format!("{stem}.heatmap.png");
        let mut number = 2;
        while !self.taken.insert(name.to_lowercase()) {
            name = format!("{stem}-{number}.heatmap.png");
            number += 1;
        }
        self.dir.join(name)
    }
}

fn png(explained: &Explained, film: &GrayImage, path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = resized(film, shown_size(film.dimensions()));
    let heat = explained
        .placement
        .spread(&explained.heatmap, shown.width(), shown.height());
    let overlay = Overlay {
        film: &shown,
        heat: &heat,
        boxes: &[],
    };
    let kind = match explained.heatmap.kind {
        HeatKind::FractureMap => "fracture map, uncalibrated",
        HeatKind::GradCam => "Grad-CAM, relative to its peak",
    };
    let picture = overlay.picture(&Caption {
        score: explained.prediction.score,
        decision: &explained.prediction.decision.to_string().replace('_', " "),
        heat: kind,
        name: &path.file_name().unwrap_or_default().to_string_lossy(),
    });
    let mut out = Cursor::new(Vec::new());
    picture
        .write_to(&mut out, ImageFormat::Png)
        .context("cannot encode a heatmap")?;
    Ok(out.into_inner())
}

/// A film with heat and boxes on it as a small JPEG, as large as `contact_jpeg` makes it; `None` if it does not read.
pub fn contact_jpeg(
    predictor: &Predictor,
    (path, decoder): (&Path, &Decoder),
    boxes: &[RelativeBox],
    height: u32,
) -> Option<Vec<u8>> {
    let explained = predictor.explain_path(path, None).ok()?;
    let film = decoder.decode_path(path).ok()?;
    let aspect = f64::from(film.width()) / f64::from(film.height());
    let width = (aspect * f64::from(height)).round() as u32;
    let shown = resized(&film, (width.clamp(height / 4, height * 3), height));
    let heat = explained
        .placement
        .spread(&explained.heatmap, shown.width(), shown.height());
    let boxes: Vec<[f32; 4]> = boxes
        .iter()
        .map(|b| {
            let (w, h) = (b.w / 2.0, b.h / 2.0);
            [b.cx - w, b.cy - h, b.cx + w, b.cy + h]
        })
        .collect();
    let overlay = Overlay {
        film: &shown,
        heat: &heat,
        boxes: &boxes,
    };
    let mut out = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut out, 80);
    overlay.blended().write_with_encoder(encoder).ok()?;
    Some(out.into_inner())
}

fn resized(film: &GrayImage, (width, height): (u32, u32)) -> GrayImage {
    if film.dimensions() == (width, height) {
        film.clone()
    } else {
        imageops::resize(film, width, height, FilterType::Triangle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_picture_takes_another_s_place() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let mut folder = Folder::open(&dir.path().join("new"), None).expect("makes it");
        let mut name = |film: &str| {
            let place = folder.place(Path::new(film));
            place
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        };
        assert_eq!(name("a/film.png"), "film.heatmap.png");
        assert_eq!(name("b/film.jpg"), "film-2.heatmap.png");
        assert_eq!(name("b/FILM.jpg"), "FILM-3.heatmap.png");
        assert_eq!(name("film-2.dcm"), "film-2-2.heatmap.png");
        assert_eq!(name("x.heatmap.png"), "x.heatmap.heatmap.png");
    }
}
