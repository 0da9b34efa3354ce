//! Images that live on the device, and batches of them made there.
//!
//! A split's gray levels lie on the device as bytes, all of them. A batch is a list of [`Recipe`]s: of each image its places in the
//! source, its tone, what is erased, its noise and its partner, drawn on the host by the same code as for the CPU's loader and sent
//! in one copy that nothing waits for. The pixels are then made by tensor arithmetic, a whole batch an operation.
//!
//! What comes out is what the loader makes: places are the same whole numbers, so pixels differ only where a level rounds the other
//! way; noise is the same values. The grid that `grid_sampler` reads is not made by `affine_grid`: that is a matrix product, which
//! libtorch may carry out in TF32 or bfloat16, where a coordinate is off by a tenth of a pixel and more.

mod geometry;
mod sheet;
#[cfg(test)]
mod tests;
mod tone;
mod transfer;

use osteon_data::{Dataset, Mix, Recipe, Transform, noise_values};
use tch::{Device, Kind, TchError, Tensor};

pub use self::transfer::to_device;
use crate::TrainError;
use sheet::Sheet;

/// Images are sent to the device by as many at a time as fit this many bytes.
const PIECE: usize = 64 << 20;

/// Of the memory that is free before the network is built, images may take this share.
const SHARE: f64 = 0.5;

/// Sheets are 32-bit floats, which count to here without a gap.
const MOST_FILMS: usize = 1 << 24;

/// A split's images on a device, size×size gray levels each, and what is needed to make batches of them.
#[derive(Debug)]
pub struct DeviceDataset {
    device: Device,
    /// N×1×S×S bytes.
    levels: Tensor,
    is_fractured: Vec<bool>,
    /// Side of the images and of the batches.
    from: u32,
    to: u32,
    /// A level's normalised value is `level · scale.0 + scale.1`.
    scale: (f64, f64),
    /// [`noise_values`].
    noise: Tensor,
    /// 0, 1, … along a row (1×1×1×side) and down a column (1×1×side×1).
    across: Tensor,
    down: Tensor,
}

/// One image to be made: first those of the batch, then their partners.
#[derive(Clone, Copy)]
struct Job<'a> {
    film: usize,
    transform: &'a Transform,
}

impl DeviceDataset {
    /// Bytes that a split's images take on a device; a batch takes about a dozen times its own pixels besides, while it is made.
    #[must_use]
    pub fn bytes(films: &Dataset) -> u64 {
        films.len() as u64 * u64::from(films.preprocess().size).pow(2)
    }

    /// Whether images may live on a device with this many bytes free: in half of them, as network, gradients and activations need the
    /// rest. Below that, [`to_device`] sends the loader's batches instead.
    #[must_use]
    pub fn fits(films: &Dataset, bytes_free: u64) -> bool {
        films.len() <= MOST_FILMS && Self::bytes(films) as f64 <= bytes_free as f64 * SHARE
    }

    /// Sends images to a device. Batches have the side `crop`, where that is less than the images' own, as
    /// [`osteon_data::LoadOptions::crop`].
    ///
    /// # Errors
    /// If the device's memory does not suffice, or there are more than 2²⁴ images.
    pub fn new(films: &Dataset, crop: Option<u32>, device: Device) -> Result<Self, TrainError> {
        if films.len() > MOST_FILMS {
            let said = format!(
                "{} images are more than {MOST_FILMS} on a device",
                films.len()
            );
            return Err(TchError::Convert(said).into());
        }
        let preprocess = films.preprocess();
        let (from, side) = (preprocess.size, i64::from(preprocess.size));
        let to = crop.map_or(from, |crop| crop.min(from));
        let area = preprocess.side().pow(2);
        let levels = Tensor::f_empty([films.len() as i64, 1, side, side], (Kind::Uint8, device))?;
        let piece = (PIECE / area).max(1);
        let mut bytes = Vec::with_capacity(piece.min(films.len()) * area);
        for start in (0..films.len()).step_by(piece) {
            let end = (start + piece).min(films.len());
            bytes.clear();
            for film in start..end {
                bytes.extend_from_slice(films.gray(film).pixels());
            }
            let count = (end - start) as i64;
            let part = Tensor::f_from_slice(&bytes)?.f_reshape([count, 1, side, side])?;
            levels.f_narrow(0, start as i64, count)?.f_copy_(&part)?;
        }
        let steps = Tensor::f_arange(i64::from(to), (Kind::Float, device))?;
        Ok(Self {
            device,
            levels,
            is_fractured: films.truths(),
            from,
            to,
            scale: (
                f64::from(1.0 / (255.0 * preprocess.std)),
                f64::from(preprocess.black()),
            ),
            noise: Tensor::f_from_slice(noise_values())?.f_to_device(device)?,
            across: steps.f_reshape([1, 1, 1, -1])?,
            down: steps.f_reshape([1, 1, -1, 1])?,
        })
    }

    /// How many images there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.is_fractured.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_fractured.is_empty()
    }

    /// Makes a batch: N×1×H×W pixels, normalised, and N targets in 0..=1, both on the device. Nothing waits for the device.
    ///
    /// # Errors
    /// If a recipe names an image that is not there, or the device's memory does not suffice.
    pub fn batch(&self, recipes: &[Recipe]) -> Result<(Tensor, Tensor), TrainError> {
        let (count, side) = (recipes.len() as i64, i64::from(self.to));
        if recipes.is_empty() {
            let float = (Kind::Float, self.device);
            let pixels = Tensor::f_empty([0, 1, side, side], float)?;
            return Ok((pixels, Tensor::f_empty([0], float)?));
        }
        let mixes: Vec<(usize, &Mix)> = recipes
            .iter()
            .enumerate()
            .filter_map(|(place, recipe)| Some((place, recipe.mix.as_ref()?)))
            .collect();
        let own = recipes.iter().map(|recipe| Job {
            film: recipe.turn.film,
            transform: &recipe.transform,
        });
        let partners = mixes.iter().map(|(_, mix)| Job {
            film: mix.turn.film,
            transform: &mix.transform,
        });
        let jobs: Vec<Job<'_>> = own.chain(partners).collect();
        if let Some(job) = jobs.iter().find(|job| job.film >= self.len()) {
            let said = format!("image {} of {}", job.film, self.len());
            return Err(TchError::Convert(said).into());
        }
        let mut sheet = Sheet::default();
        let films = sheet.put([jobs.len() as i64], jobs.iter().map(|job| job.film as f32));
        let targets = sheet.put(
            [count],
            recipes
                .iter()
                .map(|recipe| recipe.target(self.to as usize, |film| self.is_fractured[film])),
        );
        let places = geometry::Places::write(&jobs, self.from, self.to, &mut sheet);
        let tone = tone::Tones::write(&jobs, self.to, &mut sheet);
        let blend = tone::Blends::write(&mixes, self.to, &mut sheet);
        let sheet = sheet.send(self.device)?;

        let index = sheet.take(&films)?.f_to_kind(Kind::Int64)?;
        let levels = self
            .levels
            .f_index_select(0, &index)?
            .f_to_kind(Kind::Float)?;
        let levels = match places {
            Some(places) => places.sample(&sheet, &levels)?,
            None => levels,
        };
        let made = tone.apply(&sheet, levels, self)?;
        let mut pixels = made.f_narrow(0, 0, count)?;
        if let Some(blend) = blend {
            let partners = made.f_narrow(0, count, mixes.len() as i64)?;
            blend.apply(&sheet, &mut pixels, &partners, self)?;
        }
        Ok((pixels, sheet.take(&targets)?))
    }

    /// N×1×H×W: which pixels lie in each image's rectangle, given as N×4 (left, top, right, bottom).
    fn inside(&self, boxes: &Tensor) -> Result<Tensor, TchError> {
        let edge = |n: i64| boxes.f_narrow(1, n, 1)?.f_reshape([-1, 1, 1, 1]);
        let across = self
            .across
            .f_ge_tensor(&edge(0)?)?
            .f_logical_and(&self.across.f_lt_tensor(&edge(2)?)?)?;
        let down = self
            .down
            .f_ge_tensor(&edge(1)?)?
            .f_logical_and(&self.down.f_lt_tensor(&edge(3)?)?)?;
        across.f_logical_and(&down)
    }
}
