//! One thread's tools: makes a batch after the other in the same scratch memory.

use std::sync::Arc;

use super::batch::Pool;
use super::batch_plan::BatchSlice;
use super::recipe::Recipe;
use super::sampler::Sample;
use super::source::SampleSource;
use crate::augment::Transform;
use crate::dataset::FilmReader;
use crate::{Augmenter, Batch, DataError, GrayView, LoadOptions, Unreadable};

pub(crate) struct Worker<'a> {
    source: &'a SampleSource,
    options: &'a LoadOptions,
    ids: Arc<[String]>,
    augmenter: Augmenter,
    reader: FilmReader,
    /// An image decoded for this batch, fitted.
    fitted: Vec<u8>,
    /// An image that is mixed into another, changed and normalised.
    partner: Vec<f32>,
    /// Side of the images and of the batch.
    from: u32,
    to: u32,
    /// A level's normalised value is `level · scale.0 + scale.1`.
    scale: (f32, f32),
}

impl<'a> Worker<'a> {
    pub fn new(source: &'a SampleSource, options: &'a LoadOptions) -> Self {
        let preprocess = source.preprocess();
        let from = preprocess.size;
        Self {
            source,
            options,
            ids: source.ids(),
            augmenter: Augmenter::with(options.instructions),
            reader: FilmReader::default(),
            fitted: vec![0; preprocess.side() * preprocess.side()],
            partner: Vec::new(),
            from,
            to: options.crop.map_or(from, |side| side.min(from)),
            scale: (1.0 / (255.0 * preprocess.std), preprocess.black()),
        }
    }

    /// Makes one batch, part of the epoch whose samples are `all`, in memory from `pool`.
    pub fn make(
        &mut self,
        slice: &BatchSlice,
        all: &[Sample],
        pool: &Arc<Pool>,
    ) -> Result<Batch, DataError> {
        let side = self.to as usize;
        let area = side * side;
        let samples = &all[slice.samples.clone()];
        let mut batch = Batch {
            pixels: pool.take(samples.len() * area),
            side,
            targets: Vec::with_capacity(samples.len()),
            indices: Vec::with_capacity(samples.len()),
            epoch: slice.epoch,
            number: slice.number,
            global_len: slice.global_len,
            unreadable: Vec::new(),
            ids: Arc::clone(&self.ids),
            home: Arc::clone(pool),
        };
        for &turn in samples {
            let start = batch.indices.len() * area;
            let out = &mut batch.pixels[start..start + area];
            let (augment, seed) = (self.options.augment.as_ref(), self.options.seed);
            let mut recipe = Recipe::draw(augment, seed, slice.epoch, turn, all);
            match self.film(&mut recipe, out) {
                Ok(()) => {
                    let target = recipe.target(side, |film| self.source.is_fractured(film));
                    batch.indices.push(turn.film);
                    batch.targets.push(target);
                }
                Err(error) if self.skips() => batch.unreadable.push(Unreadable {
                    id: self.ids[turn.film].clone(),
                    reason: error.reason(),
                }),
                Err(error) => return Err(error),
            }
        }
        batch.pixels.truncate(batch.indices.len() * area);
        Ok(batch)
    }

    fn skips(&self) -> bool {
        matches!(self.source, SampleSource::Files(files) if files.skip_unreadable)
    }

    /// An image as its recipe says. A partner that does not read but may be skipped stays out of it, and out of the recipe.
    fn film(&mut self, recipe: &mut Recipe, out: &mut [f32]) -> Result<(), DataError> {
        self.change(recipe.turn, &recipe.transform, out)?;
        let Some(mix) = recipe.mix else {
            return Ok(());
        };
        let mut partner = std::mem::take(&mut self.partner);
        partner.resize(out.len(), 0.0);
        match self.change(mix.turn, &mix.transform, &mut partner) {
            Ok(()) => mix.blend.apply(out, &partner, self.to as usize),
            Err(_) if self.skips() => recipe.mix = None,
            Err(error) => return Err(error),
        }
        self.partner = partner;
        Ok(())
    }

    fn change(
        &mut self,
        turn: Sample,
        transform: &Transform,
        out: &mut [f32],
    ) -> Result<(), DataError> {
        let film = match self.source {
            SampleSource::Dataset(films) => {
                films.check(turn.film)?;
                films.gray(turn.film)
            }
            SampleSource::Files(files) => {
                let path = &files.entries[turn.film].path;
                self.reader
                    .read(path, &files.decoder, &files.preprocess, &mut self.fitted)?;
                GrayView::fitted(&self.fitted, self.from)
            }
        };
        let size = (self.to, self.to);
        self.augmenter.apply(transform, film, self.scale, size, out);
        Ok(())
    }
}
