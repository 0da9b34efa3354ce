//! Fingerprints of images, small enough to travel in a model file: whether a network has met an image before, be it turned, mirrored, resized, brighter or
//! encoded anew.
//!
//! Where a data set's images are all there, [`crate::audit`] finds copies by laying images on one another. Here all that is left of the images that were
//! learnt from is 64 bytes each. How far that reaches was measured on real images: see `docs/DATA.md` and the example `image_hash`.

mod code;

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use fast_image_resize::Resizer;
use osteon_data::{Dataset, GrayView};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::code::{ALL, Code, Looked};

/// 64 bytes that tell an image from others and from its own copies do not: as text 86 characters of base 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageHash([u8; 64]);

/// A text that is no [`ImageHash`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no image hash: expected 86 characters of base 64")]
pub struct ImageHashError {
    text: String,
}

impl ImageHash {
    /// The fingerprint of an image: decoded, or fitted into a square as [`Dataset`] keep it (black that pads it is left out).
    #[must_use]
    pub fn of<'a>(film: impl Into<GrayView<'a>>) -> Self {
        Looked::new(film.into(), &mut Resizer::new()).code().into()
    }

    /// The share of bits in which two images differ, 0–1: near 0.4 for different images, less than [`SeenImages::LIMIT`] for an image turned about
    /// its middle, mirrored, resized, re-encoded or made brighter. [`SeenImages::nearest`] finds more: copies on a grown canvas, too.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f32 {
        let (a, b) = (Code::from(*self), Code::from(*other));
        if a.is_blank() || b.is_blank() {
            return 1.0;
        }
        share(a.differing(&b))
    }
}

/// Images that were met, by their fingerprints.
#[derive(Debug, Clone, Default)]
pub struct SeenImages {
    codes: Vec<Code>,
}

impl SeenImages {
    /// The distance below which an image counts as seen. The largest at which fewer than 0.5 % of `FracAtlas` val are taken for
    /// images of its train, which are all different; what it does on other images is in `docs/DATA.md`.
    pub const LIMIT: f32 = 0.15;

    /// Images to be known again.
    #[must_use]
    pub fn new(hashes: &[ImageHash]) -> Self {
        Self {
            codes: hashes.iter().copied().map(Code::from).collect(),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The image most like this one, the first of equals, and the distance, 0–1; `None` where there is no image, or nothing on this one.
    #[must_use]
    pub fn nearest<'a>(&self, film: impl Into<GrayView<'a>>) -> Option<(usize, f32)> {
        let asked = Looked::new(film.into(), &mut Resizer::new()).asked();
        let to = |code: &Code| asked.iter().map(|a| a.differing(code)).min();
        let (differing, index) = self
            .codes
            .iter()
            .enumerate()
            .filter(|(_, code)| !code.is_blank())
            .filter_map(|(index, code)| Some((to(code)?, index)))
            .min()?;
        Some((index, share(differing)))
    }

    /// Whether an image, or a copy of it, is among them.
    #[must_use]
    pub fn has_seen<'a>(&self, film: impl Into<GrayView<'a>>) -> bool {
        self.nearest(film)
            .is_some_and(|(_, distance)| distance <= Self::LIMIT)
    }

    /// Of each of these images, in order, whether it, or a copy of it, is among those seen.
    #[must_use]
    pub fn have_seen(&self, films: &Dataset) -> Vec<bool> {
        (0..films.len())
            .into_par_iter()
            .map(|index| self.has_seen(films.gray(index)))
            .collect()
    }
}

/// The fingerprint of each image, in order, from its gray levels as they are kept: the same however an image was read.
#[must_use]
pub fn hashes(images: &Dataset) -> Vec<ImageHash> {
    (0..images.len())
        .into_par_iter()
        .map(|index| ImageHash::of(images.gray(index)))
        .collect()
}

fn share(differing: u32) -> f32 {
    differing as f32 / ALL as f32
}

impl From<Code> for ImageHash {
    fn from(code: Code) -> Self {
        let mut bytes = [0; 64];
        let words = code.real.iter().chain(&code.imaginary);
        for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        Self(bytes)
    }
}

impl From<ImageHash> for Code {
    fn from(hash: ImageHash) -> Self {
        let word = |i: usize| {
            let bytes = &hash.0[8 * i..8 * i + 8];
            bytes
                .iter()
                .rev()
                .fold(0, |word, &b| word << 8 | u64::from(b))
        };
        Self {
            real: std::array::from_fn(word),
            imaginary: std::array::from_fn(|i| word(4 + i)),
        }
    }
}

impl fmt::Display for ImageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD_NO_PAD.encode(self.0))
    }
}

impl FromStr for ImageHash {
    type Err = ImageHashError;

    fn from_str(text: &str) -> Result<Self, ImageHashError> {
        let bytes = STANDARD_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| ImageHashError {
                text: text.to_owned(),
            })
    }
}

impl TryFrom<String> for ImageHash {
    type Error = ImageHashError;

    fn try_from(text: String) -> Result<Self, ImageHashError> {
        text.parse()
    }
}

impl From<ImageHash> for String {
    fn from(hash: ImageHash) -> Self {
        hash.to_string()
    }
}
