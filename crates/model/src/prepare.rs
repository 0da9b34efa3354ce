//! From a file to what a network takes: all of a prediction that needs no libtorch, so that many threads can do it at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use osteon_audit::{ImageHash, SeenImages};
use osteon_data::{ColorSample, DecodeError, DecodeScratch, Decoder, GrayView, Limits, Preprocess};
use osteon_files::hex;
use osteon_gate::{Gate, Picture};
use sha2::{Digest, Sha256};

use crate::{Flag, Flags, ModelInfo};

/// Makes images ready for a model's network. Cheap to clone; clones share what they know.
#[derive(Debug, Clone)]
pub struct Preparer {
    decoder: Decoder,
    preprocess: Preprocess,
    gate: Option<Arc<Gate>>,
    met: Option<Arc<Met>>,
}

/// The images that a model has learned from or was chosen on.
#[derive(Debug)]
struct Met {
    /// The first 16 hexadecimal digits of their files' SHA-256.
    digests: BTreeSet<String>,
    films: SeenImages,
}

/// An image ready for the network of the model whose [`Preparer`] made it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Normalised, side×side, row by row.
    pub(crate) pixels: Vec<f32>,
    /// Width and height of the whole image, the right way up.
    pub(crate) size: (u32, u32),
    pub(crate) xray_score: Option<f64>,
    pub(crate) flags: Flags,
}

impl Prepared {
    /// Of side×side pixels that are normalised already, row by row, such as those of an image that was fitted elsewhere. Nothing is known of
    /// the image itself: it gets neither an X-ray score nor flags. `None` unless there are exactly so many, all finite.
    #[must_use]
    pub fn of_pixels(pixels: Vec<f32>, side: usize) -> Option<Self> {
        let right = pixels.len() == side * side && pixels.iter().all(|value| value.is_finite());
        right.then_some(Self {
            pixels,
            size: (side as u32, side as u32),
            xray_score: None,
            flags: Flags::default(),
        })
    }

    /// SHA-256 of the normalised pixels, as 32-bit little-endian floats, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        for value in &self.pixels {
            digest.update(value.to_le_bytes());
        }
        hex(&digest.finalize())
    }

    /// Width and height of the whole image, the right way up.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// How much it looks like a radiograph, 0..=1; `None` if the model has no input gate.
    #[must_use]
    pub fn xray_score(&self) -> Option<f64> {
        self.xray_score
    }

    /// What should make a reader careful.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.flags
    }
}

impl Preparer {
    /// For the model that says this of itself.
    #[must_use]
    pub fn new(info: &ModelInfo, decoder: Decoder) -> Self {
        Self {
            decoder,
            preprocess: info.preprocess.clone(),
            gate: info.gate.clone().map(Arc::new),
            met: None,
        }
    }

    /// The same, which also says of each image whether the model met it in training ([`Flag::SeenInTraining`]): as the very file, turned, mirrored,
    /// resized or encoded anew. Costs a few milliseconds an image.
    #[must_use]
    pub fn knowing_training_images(mut self, info: &ModelInfo) -> Self {
        let data = &info.training_data;
        let hashes: Vec<ImageHash> = data.train_hashes.union(&data.val_hashes).copied().collect();
        self.met = Some(Arc::new(Met {
            digests: data.train_films.union(&data.val_films).cloned().collect(),
            films: SeenImages::new(&hashes),
        }));
        self
    }

    /// The same, with other bounds on what is read.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.decoder.limits = limits;
        self
    }

    /// How files are read.
    #[must_use]
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Whether [`Preparer::inspect`] makes use of an image's colours: if the model has an input gate.
    #[must_use]
    pub fn sees_color(&self) -> bool {
        self.gate.is_some()
    }

    /// What gate and exposure say of an image as it was decoded: how much it looks like a radiograph, 0..=1 (`None` if the model has no input gate),
    /// and what should make a reader careful. `color`: a sample of its colours, if it has any.
    #[must_use]
    pub fn inspect(&self, image: GrayView<'_>, color: Option<ColorSample>) -> (Option<f64>, Flags) {
        let mut flags = Flags::default();
        let xray_score = self.gate.as_ref().map(|gate| {
            let seen = gate.judge(&Picture::new(image, color));
            // A photograph with a coloured sign on a gray house is no image that somebody drew on.
            if seen.annotated && gate.admits(seen.xray_score) {
                flags.insert(Flag::Annotated);
            }
            if seen.cross_section >= gate.cross_section_threshold {
                flags.insert(Flag::CrossSection);
            }
            if gate.admits(seen.xray_score) && seen.outside >= gate.outside_threshold {
                flags.insert(Flag::OutsideTraining);
            }
            seen.xray_score
        });
        if let Some(flag) = Flag::of_exposure(image) {
            flags.insert(flag);
        }
        (xray_score, flags)
    }

    /// Decodes a file's bytes, looks at them with the model's input gate, if it has one, and fits them to the network. `scratch` is kept from image to
    /// image, one a thread.
    pub fn prepare(
        &self,
        bytes: &[u8],
        scratch: &mut DecodeScratch,
    ) -> Result<Prepared, DecodeError> {
        // As `Dataset` reads them, at no larger a size: the same image gets the same score from either.
        let wanted = Some(self.preprocess.wanted());
        let (film, color) = match &self.gate {
            Some(_) => self.decoder.decode_in_color(bytes, wanted, scratch)?,
            None => (self.decoder.decode_with(bytes, wanted, scratch)?, None),
        };
        let size = film.view.full_size();
        let (xray_score, mut flags) = self.inspect(film.view, color);
        let levels = self.preprocess.fitted(film.view);
        if self
            .met
            .as_ref()
            .is_some_and(|met| met.has(bytes, GrayView::from(&levels)))
        {
            flags.insert(Flag::SeenInTraining);
        }
        Ok(Prepared {
            pixels: self.preprocess.normalised(&levels),
            size,
            xray_score,
            flags,
        })
    }
}

impl Met {
    fn has(&self, bytes: &[u8], levels: GrayView<'_>) -> bool {
        self.digests.contains(&hex(&Sha256::digest(bytes)[..8])) || self.films.has_seen(levels)
    }
}
