//! What is to be done to the images of a batch, without doing it: for those who make the pixels elsewhere, such as on a GPU.

use std::sync::Arc;

use super::batch_plan::{BatchPlan, BatchSlice};
use super::sampler::{Sample, Sampler};
use crate::{Augment, Blend, Dataset, LoadOptions, Transform};

/// All that was drawn for one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Whose turn it is.
    pub turn: Sample,
    /// Its random changes; [`Transform::NONE`] without augmentation.
    pub transform: Transform,
    /// What comes into it after them.
    pub mix: Option<Mix>,
}

/// A partner in an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix {
    /// Whose turn of the same epoch it is: in a weighted or grouped order, partners are too.
    pub turn: Sample,
    /// The partner's changes: those it has in its own turn.
    pub transform: Transform,
    /// How it comes in.
    pub blend: Blend,
}

impl Recipe {
    /// Draws for one of an epoch's samples.
    pub(crate) fn draw(
        augment: Option<&Augment>,
        seed: u64,
        epoch: u64,
        turn: Sample,
        samples: &[Sample],
    ) -> Self {
        let Some(augment) = augment else {
            return Self {
                turn,
                transform: Transform::NONE,
                mix: None,
            };
        };
        let transform = |turn: Sample| augment.draw(seed, epoch, turn.sample());
        let drawn = augment.draw_mix(seed, epoch, turn.sample(), samples.len());
        Self {
            turn,
            transform: transform(turn),
            mix: drawn.map(|drawn| Mix {
                turn: samples[drawn.partner],
                transform: transform(samples[drawn.partner]),
                blend: drawn.blend,
            }),
        }
    }

    /// The label of the result with this side, 0..=1: 1 for fractured, 0 for not, in between where images are mixed.
    pub fn target(&self, side: usize, is_fractured: impl Fn(usize) -> bool) -> f32 {
        let label = |turn: Sample| f32::from(u8::from(is_fractured(turn.film)));
        match &self.mix {
            None => label(self.turn),
            Some(mix) => {
                let own = mix.blend.own(side);
                label(self.turn) * own + label(mix.turn) * (1.0 - own)
            }
        }
    }
}

/// What a [`crate::Batch`] of the same options would hold.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeBatch {
    /// One an image, in order.
    pub recipes: Vec<Recipe>,
    /// The epoch it belongs to, counted from 0.
    pub epoch: u64,
    /// Its number within the epoch, counted from 0.
    pub number: usize,
    /// Images of this batch on all ranks.
    pub global_len: usize,
}

/// An iterator over the recipes of the batches that [`Dataset::loader`] would make.
#[derive(Debug)]
pub struct Recipes {
    films: Arc<Dataset>,
    options: LoadOptions,
    batch_plan: BatchPlan,
    next: usize,
    /// The samples of the epoch that `next` is in, once known.
    samples: Option<(u64, Vec<Sample>)>,
}

impl Dataset {
    /// How many samples an epoch has: fewer than there are images where it takes one of each group.
    #[must_use]
    pub fn epoch_len(&self, sampler: Sampler) -> usize {
        self.indices().epoch_len(sampler)
    }

    /// An epoch's samples in order.
    #[must_use]
    pub fn epoch_order(&self, sampler: Sampler, seed: u64, epoch: u64) -> Vec<Sample> {
        self.indices().samples(sampler, seed, epoch)
    }

    /// What [`Dataset::loader`] would do with the same options, without doing it.
    #[must_use]
    pub fn recipes(self: &Arc<Self>, options: LoadOptions) -> Recipes {
        let batch_plan = BatchPlan::new(&options, self.epoch_len(options.sampler));
        Recipes {
            films: Arc::clone(self),
            options,
            batch_plan,
            next: batch_plan.first,
            samples: None,
        }
    }
}

impl Iterator for Recipes {
    type Item = RecipeBatch;

    fn next(&mut self) -> Option<RecipeBatch> {
        if self.next >= self.batch_plan.end {
            return None;
        }
        let BatchSlice {
            epoch,
            number,
            samples,
            global_len,
        } = self.batch_plan.slice(self.next);
        self.next += 1;
        let (options, films) = (&self.options, &self.films);
        let (_, all) = match self.samples.take() {
            Some(known) if known.0 == epoch => self.samples.insert(known),
            _ => {
                let all = films.epoch_order(options.sampler, options.seed, epoch);
                self.samples.insert((epoch, all))
            }
        };
        let augment = options.augment.as_ref();
        let recipes = all[samples]
            .iter()
            .map(|&turn| Recipe::draw(augment, options.seed, epoch, turn, all))
            .collect();
        Some(RecipeBatch {
            recipes,
            epoch,
            number,
            global_len,
        })
    }
}
