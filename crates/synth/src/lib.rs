//! Synthetic radiographs: images of limbs, about half of them fractured, computed from geometry and physics alone. They need no
//! licence, no download and no patient, so examples, tests and benchmarks run anywhere. They teach nothing about real patients.
//!
//! # The model
//!
//! An image is computed ray by ray, at its final resolution, lengths in centimetres:
//!
//! 1. **Limb** (`limb`, `bone`, `tissue`). Bones are hollow, bowed shafts that flare at their ends, joined by rounded knobs. A ray
//!    at distance `u` from the middle of a shaft of half width `r` and wall `c` passes `2·d·(√(r² − u²) − √((r − c)² − u²))` cm of
//!    cortex and `2·d·√((r − c)² − u²)` cm of filling (`d`: depth over width). Flesh is an elliptic cylinder, `2·d·√(r² − u²)` cm.
//! 2. **Fracture** (`fracture`, `crack`). The bone is cut along two irregular lines, one in the wall facing the tube and one in the wall behind;
//!    the outer piece is moved rigidly, with all that hangs on it. A buckle fracture bulges the wall instead.
//! 3. **Beam** (`beam`). Beer–Lambert: the log attenuation is `L = Σ μ·path`, the share `e^−L` of the photons arrives. Coefficients are
//!    those of about 60 keV: muscle 0.17 /cm, cortex 0.6 /cm more, spongy bone 0.2 /cm more.
//! 4. **Image** (`develop`). A broad blur of the arriving photons is added as scatter; the log exposure gets heel effect, blur and
//!    quantum noise of deviation `∝ e^{L/2}` (the Poisson law in the log domain), edge enhancement on some images, and is
//!    windowed to gray, bone bright.
//! 5. **Artefacts** (`artefacts`, `marker`). Collimation, side markers, plaster, skin folds, metal.
//!
//! # Why a model must look at the bone
//!
//! The class is drawn first and from a stretch of the image's random stream that nothing else reads; limb, view, artefacts and
//! exposure are drawn without knowing it. Growth plates, nutrient canals, joints, crossing edges, plates and folds are in both
//! classes alike. An image and its twin of the other class differ at the fracture, in what hangs on the broken bone and in the gray
//! window that automatic exposure chooses, nowhere else.
//!
//! # Difficulty
//!
//! Each fracture has a conspicuity: nine of ten are plain at 128 pixels, one is subtle. As an example, a convolutional network of
//! 130,000 weights trained from scratch on 400 images at 128 pixels (batch 8, flips and quarter turns) reached a test AUC of 0.67
//! after 1 epoch, 0.91 after 8 and 0.94 after 14.
//!
//! # Determinism
//!
//! An image is a function of `(seed, index)`: `ChaCha8` keyed by the seed, stream = index. Arithmetic is limited to what IEEE 754
//! rounds exactly (see `calc`), so the bytes do not depend on platform, order or number of threads.
#![doc = include_str!("../README.md")]

mod artefacts;
mod beam;
mod blur;
mod bone;
mod calc;
mod crack;
mod develop;
mod dice;
mod fracture;
mod frame;
mod limb;
mod marker;
mod set;
#[cfg(test)]
mod tests;
mod texture;
mod tissue;

use image::GrayImage;

use dice::{Dice, Purpose};
use frame::Point;
use limb::View;

pub use osteon_data::RelativeBox;
pub use set::{SynthCounts, write_synth};

/// A source of synthetic images; cheap to copy, `Sync`, without state: [`Synth::image`] may be called in any order and from any
/// number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synth {
    seed: u64,
    sides: (u32, u32),
}

/// One synthetic image with all that is known about it.
#[derive(Clone, Debug)]
pub struct SynthImage {
    /// 8-bit gray, the longer side 256 to 512 pixels, the shorter 0.6 to 1.0 times that; portrait or landscape.
    pub pixels: GrayImage,
    /// The class; the positive one is `true`.
    pub fractured: bool,
    /// The kind of fracture; `None` when not fractured.
    pub fracture: Option<FractureKind>,
    /// Where the image shows the fracture, one box a broken bone; empty when not fractured.
    pub boxes: Vec<RelativeBox>,
    /// The limb on the image.
    pub bone: Bone,
}

/// How a bone is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FractureKind {
    /// One line straight across.
    Transverse,
    /// One slanted line.
    Oblique,
    /// A helix: an S in front and its mirror image behind.
    Spiral,
    /// Several lines around a wedge, with splinters.
    Comminuted,
    /// A bulge of the wall without a line (torus fracture).
    Buckle,
}

/// The limb an image shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bone {
    /// Thigh, with the hip, with the knee or alone.
    Femur,
    /// Upper arm, with the shoulder or the elbow.
    Humerus,
    /// Radius and ulna, with the wrist, with the elbow or alone.
    Forearm,
    /// Tibia and fibula, with the ankle, with the knee or alone.
    LowerLeg,
    /// Metacarpals and phalanges, whole or a close-up.
    Hand,
}

impl Synth {
    /// Images of this seed, the longer side 256 to 512 pixels.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            sides: (256, 512),
        }
    }

    /// The image of an index: the same for the same `(seed, index)`, always and everywhere.
    #[must_use]
    pub fn image(&self, index: u64) -> SynthImage {
        let fractured = self.dice(index, Purpose::Class).chance(0.5);
        self.image_of(index, fractured)
    }

    /// The image of an index, its class given.
    fn image_of(&self, index: u64, fractured: bool) -> SynthImage {
        let mut dice = self.dice(index, Purpose::Scene);
        let (width, height) = self.size(&mut dice);
        let bone = match dice.weighted(&[0.22, 0.18, 0.32, 0.22, 0.06]) {
            0 => Bone::Femur,
            1 => Bone::Humerus,
            2 => Bone::Forearm,
            3 => Bone::LowerLeg,
            _ => Bone::Hand,
        };
        let mut scene = limb::draw(bone, width, height, &mut dice);
        let view = scene.view;
        let mut dice = self.dice(index, Purpose::Artefacts);
        let field = artefacts::Field::draw(view, &mut dice);

        // What lies where is settled on the unbroken limb, so that no artefact depends on the class.
        let busy = beam::flesh(&scene);
        let whole = fractured.then(|| scene.clone());
        let injury = if fractured {
            let size = (width as f32 / view.per_cm, height as f32 / view.per_cm);
            // Images are centred on what hurts; where no bone crosses the middle, nearer to the edge will do.
            [0.14, 0.07, 0.02, -9.0].iter().find_map(|share| {
                let margin = share * view.side();
                let inside =
                    |p: Point| p.0.min(p.1) > margin && (size.0 - p.0).min(size.1 - p.1) > margin;
                let mut dice = self.dice(index, Purpose::Fracture);
                fracture::inflict(&mut scene, &mut dice, |p| {
                    inside(p) && field.shows(p, 0.4 * margin)
                })
            })
        } else {
            None
        };

        let path = if injury.is_some() {
            beam::flesh(&scene)
        } else {
            busy.clone()
        };
        let cast = artefacts::plaster(&scene, &path, &mut dice);
        let mut map = beam::attenuate(&scene, path);
        beam::bones(&scene, &mut map);
        if let Some(cast) = cast {
            for (value, extra) in map.iter_mut().zip(cast) {
                *value += extra;
            }
        }
        artefacts::folds(&scene, &mut map, &mut dice);
        let bare = map.clone();
        artefacts::metal(whole.as_ref().unwrap_or(&scene), &mut map, &mut dice);
        let mut film = develop::develop(
            view,
            &bare,
            &map,
            &mut self.dice(index, Purpose::Develop),
            &mut self.dice(index, Purpose::Grain),
        );
        field.mask(view, &mut film);
        marker::draw(view, &busy, &mut film, &mut dice);

        let pixels = film
            .iter()
            .map(|v| (v.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
            .collect();
        SynthImage {
            // The buffer has width × height bytes by construction; an empty image stands in for the impossible.
            pixels: GrayImage::from_raw(width as u32, height as u32, pixels).unwrap_or_default(),
            fractured: injury.is_some(),
            fracture: injury.as_ref().map(|i| i.kind),
            boxes: injury
                .iter()
                .flat_map(|i| &i.corners)
                .filter_map(|corners| box_around(corners, view))
                .collect(),
            bone,
        }
    }

    /// Width and height in pixels.
    fn size(self, dice: &mut Dice) -> (usize, usize) {
        let long = self.sides.0 + dice.below(self.sides.1 - self.sides.0 + 1);
        let short = (long as f32 * dice.between(0.6, 1.0)) as u32;
        if dice.chance(0.62) {
            (short as usize, long as usize)
        } else {
            (long as usize, short as usize)
        }
    }

    fn dice(self, index: u64, purpose: Purpose) -> Dice {
        Dice::new(self.seed, index, purpose)
    }
}

/// The box around points given in cm, a little padded, cut at the image's edges; `None` for no points.
fn box_around(points: &[Point], view: View) -> Option<RelativeBox> {
    let fold = |pick: fn(&Point) -> f32, pixels: usize| {
        let cm = pixels as f32 / view.per_cm;
        let low = points.iter().map(pick).reduce(f32::min)? / cm - 0.008;
        let high = points.iter().map(pick).reduce(f32::max)? / cm + 0.008;
        let (low, high) = (low.clamp(0.0, 0.98), high.clamp(0.02, 1.0));
        Some((0.5 * (low + high), (high - low).max(0.02)))
    };
    let (cx, w) = fold(|p| p.0, view.width)?;
    let (cy, h) = fold(|p| p.1, view.height)?;
    Some(RelativeBox { cx, cy, w, h })
}
