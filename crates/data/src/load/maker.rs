//! One thread's tools: makes a batch after the other in the same scratch memory.

use std::sync::Arc;

use super::batch::Pool;
use super::supply::Supply;
use crate::augment::Transform;
use crate::films::FilmReader;
use crate::{Augmenter, Batch, DataError, GrayView, LoadOptions, Unreadable};

pub(crate) struct Maker<'a> {
    supply: &'a Supply,
    options: &'a LoadOptions,
    ids: Arc<[String]>,
    augmenter: Augmenter,
    reader: FilmReader,
    /// A film decoded for this batch, fitted.
    fitted: Vec<u8>,
    /// Side of the films and of the batch.
    from: u32,
    to: u32,
    /// A level's normalised value is `level · scale.0 + scale.1`.
    scale: (f32, f32),
}

impl<'a> Maker<'a> {
    pub fn new(supply: &'a Supply, options: &'a LoadOptions) -> Self {
        let preprocess = supply.preprocess();
        let from = preprocess.size;
        Self {
            supply,
            options,
            ids: supply.ids(),
            augmenter: Augmenter::with(options.instructions),
            reader: FilmReader::default(),
            fitted: vec![0; preprocess.side() * preprocess.side()],
            from,
            to: options.crop.map_or(from, |side| side.min(from)),
            scale: (1.0 / (255.0 * preprocess.std), preprocess.black()),
        }
    }

    /// Makes one batch in memory from `pool`.
    pub fn make(
        &mut self,
        indices: &[usize],
        epoch: u64,
        pool: &Arc<Pool>,
    ) -> Result<Batch, DataError> {
        let area = self.to as usize * self.to as usize;
        let mut batch = Batch {
            pixels: pool.take(indices.len() * area),
            side: self.to as usize,
            targets: Vec::with_capacity(indices.len()),
            indices: Vec::with_capacity(indices.len()),
            epoch,
            unreadable: Vec::new(),
            ids: Arc::clone(&self.ids),
            home: Arc::clone(pool),
        };
        for &index in indices {
            let start = batch.indices.len() * area;
            let out = &mut batch.pixels[start..start + area];
            match self.film(index, epoch, out) {
                Ok(()) => {
                    batch.indices.push(index);
                    batch
                        .targets
                        .push(f32::from(u8::from(self.supply.is_fractured(index))));
                }
                Err(error) if self.skips() => batch.unreadable.push(Unreadable {
                    id: self.ids[index].clone(),
                    reason: error.reason(),
                }),
                Err(error) => return Err(error),
            }
        }
        batch.pixels.truncate(batch.indices.len() * area);
        Ok(batch)
    }

    fn skips(&self) -> bool {
        matches!(self.supply, Supply::Files(files) if files.skip_unreadable)
    }

    fn film(&mut self, index: usize, epoch: u64, out: &mut [f32]) -> Result<(), DataError> {
        let film = match self.supply {
            Supply::Films(films) => films.gray(index),
            Supply::Files(files) => {
                let path = &files.entries[index].path;
                self.reader
                    .read(path, &files.decoder, &files.preprocess, &mut self.fitted)?;
                GrayView::fitted(&self.fitted, self.from)
            }
        };
        let transform = match &self.options.augment {
            Some(augment) => augment.draw(self.options.seed, epoch, index as u64),
            None => Transform::NONE,
        };
        let size = (self.to, self.to);
        self.augmenter
            .apply(&transform, film, self.scale, size, out);
        Ok(())
    }
}
