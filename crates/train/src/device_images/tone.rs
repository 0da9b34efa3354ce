//! From levels to the network's values: erasing, gamma, brightness, contrast, noise, normalisation; and partners.

use osteon_data::{Blend, Mix};
use tch::{Kind, TchError, Tensor};

use super::sheet::{Part, Sent, Sheet};
use super::{DeviceDataset, Job};

/// The tone of a batch's images; parts that no image needs are left out.
pub(super) struct Tones {
    brightness: Part,
    contrast: Part,
    gamma: Option<Part>,
    /// N×4.
    erased: Option<Part>,
    noise: Option<Noise>,
}

/// Where each row's noise begins (N×1×H×1), and its standard deviation (N×1×1×1).
struct Noise {
    starts: Part,
    sigma: Part,
}

impl Tones {
    pub fn write(jobs: &[Job<'_>], to: u32, sheet: &mut Sheet) -> Self {
        let count = jobs.len() as i64;
        let all = || jobs.iter().map(|job| job.transform);
        let column = [count, 1, 1, 1];
        #[expect(clippy::float_cmp, reason = "a range of 0 draws exactly 1")]
        let bends = all().any(|t| t.gamma != 1.0);
        let erases = all().any(|t| t.erase.is_some());
        let noisy = all().any(|t| t.noise > 0.0);
        Self {
            brightness: sheet.put(column, all().map(|t| t.brightness)),
            contrast: sheet.put(column, all().map(|t| t.contrast)),
            gamma: bends.then(|| sheet.put(column, all().map(|t| t.gamma))),
            erased: erases.then(|| {
                let boxes = all().map(|t| t.erased((to, to)).unwrap_or_default());
                sheet.put([count, 4], boxes.flat_map(edges))
            }),
            noise: noisy.then(|| Noise {
                starts: sheet.put(
                    [count, 1, i64::from(to), 1],
                    all().flat_map(|t| (0..to as usize).map(|y| t.noise_start(y) as f32)),
                ),
                sigma: sheet.put(column, all().map(|t| t.noise)),
            }),
        }
    }

    /// N×1×H×W values of N×1×H×W whole levels, step by step in the order of the fused pass.
    pub fn apply(
        &self,
        sheet: &Sent,
        mut levels: Tensor,
        films: &DeviceDataset,
    ) -> Result<Tensor, TchError> {
        let mean = levels.f_mean_dim(&[1_i64, 2, 3][..], true, Kind::Float)?;
        if let Some(erased) = &self.erased {
            let gray = mean.f_add_scalar(0.5)?.f_floor_()?;
            let inside = films.inside(&sheet.take(erased)?)?;
            levels = gray.f_where_self(&inside, &levels)?;
        }
        let brightness = sheet.take(&self.brightness)?;
        let contrast = sheet.take(&self.contrast)?;
        let mut values = match &self.gamma {
            None => {
                let offset = mean
                    .f_mul(&brightness)?
                    .f_mul(&contrast.f_neg()?.f_add_scalar(1.0)?)?;
                levels
                    .f_mul(&brightness.f_mul(&contrast)?)?
                    .f_add(&offset)?
            }
            Some(gamma) => {
                let gamma = sheet.take(gamma)?;
                let bright = |levels: &Tensor| {
                    levels
                        .f_div_scalar(255.0)?
                        .f_pow(&gamma)?
                        .f_mul_scalar(255.0)?
                        .f_mul(&brightness)
                };
                let pivot = bright(&mean)?;
                bright(&levels)?
                    .f_sub(&pivot)?
                    .f_mul(&contrast)?
                    .f_add(&pivot)?
            }
        };
        if let Some(noise) = &self.noise {
            let index = sheet.take(&noise.starts)?.f_add(&films.across)?;
            let normal = films.noise.f_take(&index.f_to_kind(Kind::Int64)?)?;
            values = values.f_add(&normal.f_mul(&sheet.take(&noise.sigma)?)?)?;
        }
        let (scale, shift) = films.scale;
        values
            .f_clamp_(0.0, 255.0)?
            .f_mul_scalar_(scale)?
            .f_add_scalar_(shift)
    }
}

/// Which images of a batch take in a partner, and how.
pub(super) struct Blends {
    /// M: the image's place in the batch.
    places: Part,
    /// M×1×1×1: the partner's weight inside the rectangle.
    weights: Part,
    /// M×4.
    boxes: Part,
}

impl Blends {
    pub fn write(mixes: &[(usize, &Mix)], to: u32, sheet: &mut Sheet) -> Option<Self> {
        if mixes.is_empty() {
            return None;
        }
        let count = mixes.len() as i64;
        let whole = (0, 0, to as usize, to as usize);
        let (weights, boxes): (Vec<f32>, Vec<_>) = mixes
            .iter()
            .map(|(_, mix)| match mix.blend {
                Blend::Mixup { own } => (1.0 - own, whole),
                Blend::Cutmix(patch) => (1.0, patch.pixels((to, to))),
            })
            .unzip();
        Some(Self {
            places: sheet.put([count], mixes.iter().map(|(place, _)| *place as f32)),
            weights: sheet.put([count, 1, 1, 1], weights),
            boxes: sheet.put([count, 4], boxes.into_iter().flat_map(edges)),
        })
    }

    /// Brings M partners into their images, of N×1×H×W.
    pub fn apply(
        &self,
        sheet: &Sent,
        pixels: &mut Tensor,
        partners: &Tensor,
        films: &DeviceDataset,
    ) -> Result<(), TchError> {
        let places = sheet.take(&self.places)?.f_to_kind(Kind::Int64)?;
        let weights = films
            .inside(&sheet.take(&self.boxes)?)?
            .f_to_kind(Kind::Float)?
            .f_mul(&sheet.take(&self.weights)?)?;
        let mixed = pixels
            .f_index_select(0, &places)?
            .f_lerp_tensor(partners, &weights)?;
        let _ = pixels.f_index_copy_(0, &places, &mixed)?;
        Ok(())
    }
}

fn edges((left, top, right, bottom): (usize, usize, usize, usize)) -> [f32; 4] {
    [left, top, right, bottom].map(|edge| edge as f32)
}
