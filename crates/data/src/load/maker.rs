//! One thread's tools: makes a batch after the other in the same scratch memory.

use std::sync::Arc;

use super::batch::Pool;
use super::course::Stretch;
use super::order::Turn;
use super::recipe::Recipe;
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
            partner: Vec::new(),
            from,
            to: options.crop.map_or(from, |side| side.min(from)),
            scale: (1.0 / (255.0 * preprocess.std), preprocess.black()),
        }
    }

    /// Makes one batch, part of the epoch whose turns are `all`, in memory from `pool`.
    pub fn make(
        &mut self,
        stretch: &Stretch,
        all: &[Turn],
        pool: &Arc<Pool>,
    ) -> Result<Batch, DataError> {
        let side = self.to as usize;
        let area = side * side;
        let turns = &all[stretch.turns.clone()];
        let mut batch = Batch {
            pixels: pool.take(turns.len() * area),
            side,
            targets: Vec::with_capacity(turns.len()),
            indices: Vec::with_capacity(turns.len()),
            epoch: stretch.epoch,
            number: stretch.number,
            global_len: stretch.global_len,
            unreadable: Vec::new(),
            ids: Arc::clone(&self.ids),
            home: Arc::clone(pool),
        };
        for &turn in turns {
            let start = batch.indices.len() * area;
            let out = &mut batch.pixels[start..start + area];
            let (augment, seed) = (self.options.augment.as_ref(), self.options.seed);
            let mut recipe = Recipe::draw(augment, seed, stretch.epoch, turn, all);
            match self.film(&mut recipe, out) {
                Ok(()) => {
                    let target = recipe.target(side, |film| self.supply.is_fractured(film));
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
        matches!(self.supply, Supply::Files(files) if files.skip_unreadable)
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
        turn: Turn,
        transform: &Transform,
        out: &mut [f32],
    ) -> Result<(), DataError> {
        let film = match self.supply {
            Supply::Films(films) => {
                films.check(turn.film)?;
                films.gray(turn.film)
            }
            Supply::Files(files) => {
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
