//! Batches on the device, made by the loader's threads or by the device itself.

use std::sync::Arc;

use osteon_data::{Batch, Dataset, LoadOptions, Recipe, RecipeBatch};
use tch::{Device, Tensor};

use crate::TrainError;
use crate::device_images::{DeviceDataset, to_device};

/// This process's part of a batch.
pub(crate) struct MicroBatch {
    /// N×1×H×W, normalised, on the device.
    pub films: Tensor,
    /// N, on the device.
    pub targets: Tensor,
    /// N×h×w, on the device, if the network is taught where.
    pub maps: Option<Tensor>,
    /// Which images.
    pub indices: Vec<usize>,
    /// Images of the batch over all processes.
    pub global_len: usize,
}

/// Where batches come from.
pub(crate) enum Feed {
    /// Made by threads, then copied.
    Host,
    /// Made where the images are.
    Device(DeviceDataset),
}

impl Feed {
    /// Images move to the device if they are to and its memory suffices.
    pub fn new(films: &Dataset, device: Device, on_device: bool) -> Result<Self, TrainError> {
        if !on_device {
            return Ok(Self::Host);
        }
        match DeviceDataset::new(films, None, device) {
            Ok(films) => Ok(Self::Device(films)),
            // Too many for it: they stay where they are, and travel batch by batch.
            Err(TrainError::Torch { source }) if source.to_string().contains("out of memory") => {
                Ok(Self::Host)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether images are on the device.
    pub fn is_on_device(&self) -> bool {
        matches!(self, Self::Device(_))
    }

    /// Batches as `options` say; with maps of so many cells across and down, if any.
    pub fn micro_batches<'a>(
        &'a self,
        films: &Arc<Dataset>,
        options: LoadOptions,
        cells: Option<usize>,
        device: Device,
    ) -> Box<dyn Iterator<Item = Result<MicroBatch, TrainError>> + 'a> {
        let of_maps = Arc::clone(films);
        let maps = move |batch: &RecipeBatch| {
            cells
                .map(|cells| draw_maps(&of_maps, &batch.recipes, cells, device))
                .transpose()
        };
        match self {
            Self::Host => {
                let micro_batch = move |(batch, recipes): (Result<Batch, _>, RecipeBatch)| {
                    let batch = batch?;
                    let (films, targets) = to_device(&batch, device)?;
                    Ok(MicroBatch {
                        films,
                        targets,
                        maps: maps(&recipes)?,
                        indices: batch.indices.clone(),
                        global_len: batch.global_len,
                    })
                };
                // The loader makes what the recipes say, batch by batch.
                let recipes = films.recipes(options.clone());
                Box::new(films.loader(options).zip(recipes).map(micro_batch))
            }
            Self::Device(resident) => {
                let micro_batch = move |batch: RecipeBatch| {
                    let (films, targets) = resident.batch(&batch.recipes)?;
                    Ok(MicroBatch {
                        films,
                        targets,
                        maps: maps(&batch)?,
                        indices: batch.recipes.iter().map(|r| r.turn.film).collect(),
                        global_len: batch.global_len,
                    })
                };
                Box::new(films.recipes(options).map(micro_batch))
            }
        }
    }
}

/// N×cells×cells: where the fractures are on the images that the recipes make.
fn draw_maps(
    films: &Dataset,
    recipes: &[Recipe],
    cells: usize,
    device: Device,
) -> Result<Tensor, TrainError> {
    let side = films.preprocess().size;
    let mut maps = vec![0.0_f32; recipes.len() * cells * cells];
    for (map, recipe) in maps.chunks_exact_mut(cells * cells).zip(recipes) {
        let film = recipe.turn.film;
        let is_fractured = films.labels()[film].is_fractured();
        recipe.draw_map(is_fractured, films.boxes(film), (side, side), map);
    }
    let shape = [recipes.len() as i64, cells as i64, cells as i64];
    Ok(Tensor::f_from_slice(&maps)?
        .f_reshape(shape)?
        .f_to_device(device)?)
}

#[cfg(test)]
mod tests {
    use osteon_data::{Augment, Catalog, Decoder, Preprocess, Split};
    use osteon_synth::write_synth;

    use super::*;

    /// An epoch's indices, targets and maps.
    fn epoch(feed: &Feed, films: &Arc<Dataset>, augment: &Augment) -> Vec<(usize, f32, Vec<f32>)> {
        let options = LoadOptions {
            augment: Some(augment.clone()),
            seed: 5,
            ..LoadOptions::plain(8)
        };
        let mut all = Vec::new();
        for micro_batch in feed.micro_batches(films, options, Some(8), Device::Cpu) {
            let micro_batch = micro_batch.expect("makes");
            let maps = micro_batch.maps.expect("asked for");
            assert_eq!(maps.size(), [micro_batch.indices.len() as i64, 8, 8]);
            let targets = Vec::<f32>::try_from(micro_batch.targets).expect("a vector");
            for (at, (&film, target)) in micro_batch.indices.iter().zip(targets).enumerate() {
                let map = maps.get(at as i64).flatten(0, -1);
                all.push((film, target, Vec::try_from(map).expect("a vector")));
            }
        }
        all
    }

    #[test]
    fn maps_are_the_films_own_wherever_batches_are_made() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().join("set");
        write_synth(&root, 40, 3, &|| {}).expect("writes");
        let catalog = Catalog::open(&root).expect("opens");
        let entries = catalog.split(Split::Train).expect("train");
        let preprocess = Preprocess {
            size: 64,
            ..Preprocess::default()
        };
        let decoder = Decoder::default();
        let mut films = Dataset::load(entries, &decoder, &preprocess, &|| {}).expect("loads");
        films.locate(entries, &decoder).expect("locates");
        assert_eq!(
            films.located(),
            films.fractured(),
            "synthetic images have boxes"
        );
        let films = Arc::new(films);
        let resident = Feed::new(&films, Device::Cpu, true).expect("uploads");
        assert!(resident.is_on_device());
        for augment in [Augment::NONE, Augment::default()] {
            let host = epoch(&Feed::Host, &films, &augment);
            assert_eq!(host, epoch(&resident, &films, &augment));
            assert_eq!(host.len(), films.len());
            let mut marked = 0;
            for (film, target, map) in &host {
                let fractured = films.labels()[*film].is_fractured();
                assert_eq!(fractured, *target > 0.5);
                let cells = map.iter().filter(|&&cell| cell > 0.5).count();
                assert!(
                    fractured || map.iter().all(|&cell| cell == 0.0),
                    "image {film}"
                );
                marked += usize::from(cells > 0);
            }
            // A warp may move a fracture off the image.
            assert!(marked * 10 >= films.fractured() * 9, "{marked}");
        }
    }
}
