//! The images of a run, read once.

use std::collections::BTreeSet;
use std::sync::Arc;

use osteon_audit::ImageHash;
use osteon_data::{Catalog, Dataset, Entry, Split};
use osteon_model::{TrainingData, read_info};

use crate::config::{Init, TrainConfig, Unreadable};
use crate::{Config, Event, Observer, TrainError};

/// What a run learns from and is judged on.
pub(crate) struct RunFilms {
    pub train: Arc<Dataset>,
    pub val: Arc<Dataset>,
    catalog: String,
    catalog_fingerprint: String,
    /// Of train and val; computed once, for every epoch that is the best so far.
    hashes: (BTreeSet<ImageHash>, BTreeSet<ImageHash>),
}

impl RunFilms {
    /// Reads train and val of a catalogue as the config says.
    pub fn read(
        config: &Config,
        catalog: &Catalog,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let (train, val) = (catalog.split(Split::Train)?, catalog.split(Split::Val)?);
        let entries = train;
        let mut train = read(Split::Train, train, config, observer)?;
        if config.loss.map > 0.0 {
            Arc::make_mut(&mut train).locate(entries, &config.data.decoder())?;
            if train.located() == 0 {
                return Err(TrainError::NoBoxes);
            }
        }
        if !config.train.balance.is_empty() {
            Arc::make_mut(&mut train).stratify(entries, &config.train.balance)?;
        }
        let val = read(Split::Val, val, config, observer)?;
        Ok(Self {
            hashes: (
                osteon_audit::hashes(&train).into_iter().collect(),
                osteon_audit::hashes(&val).into_iter().collect(),
            ),
            train,
            val,
            catalog: catalog.name(),
            catalog_fingerprint: catalog.fingerprint().to_owned(),
        })
    }

    /// Training images that are (not fractured, fractured); an error where there is one class only.
    pub fn classes(&self) -> Result<(usize, usize), TrainError> {
        let fractured = self.train.fractured();
        match (self.train.len() - fractured, fractured) {
            (0, _) => Err(TrainError::OneClass { class: "fractured" }),
            (_, 0) => Err(TrainError::OneClass {
                class: "not fractured",
            }),
            classes => Ok(classes),
        }
    }

    /// Refuses to begin from a model that has learned from images of val: figures on them would show its memory.
    pub fn refuse_learned_val(&self, train: &TrainConfig) -> Result<(), TrainError> {
        let Init::File(path) = train.init() else {
            return Ok(());
        };
        match learned_from(&read_info(path)?.training_data, &self.val) {
            0 => Ok(()),
            images => Err(TrainError::InitLearned {
                path: path.to_owned(),
                images,
            }),
        }
    }

    /// What the model file says of the images.
    pub fn training_data(
        &self,
        config: &Config,
        epochs: u64,
        begun_from: Option<&str>,
    ) -> TrainingData {
        let (train, val) = (&self.train, &self.val);
        TrainingData {
            name: self.catalog.clone(),
            catalog_fingerprint: self.catalog_fingerprint.clone(),
            train_fingerprint: train.fingerprint().to_owned(),
            val_fingerprint: val.fingerprint().to_owned(),
            train_images: train.len() as u64,
            train_fractured: train.fractured() as u64,
            val_images: val.len() as u64,
            val_fractured: val.fractured() as u64,
            epochs,
            seed: config.train.seed,
            begun_from: begun_from.map(str::to_owned),
            averaged: None,
            val_apart: false,
            train_films: train.short_digests().collect(),
            val_films: val.short_digests().collect(),
            train_hashes: self.hashes.0.clone(),
            val_hashes: self.hashes.1.clone(),
        }
    }
}

/// How many of these images a model has learned from, by their bytes.
pub(crate) fn learned_from(known: &TrainingData, films: &Dataset) -> usize {
    let learned = |digest: &String| known.train_films.contains(digest);
    films.short_digests().filter(learned).count()
}

/// Reads the images of a split, or takes them from the cache.
pub(crate) fn read(
    split: Split,
    entries: &[Entry],
    config: &Config,
    observer: &mut dyn Observer,
) -> Result<Arc<Dataset>, TrainError> {
    observer.on(&Event::Reading {
        split,
        films: entries.len(),
    });
    let ticker = &*observer;
    let decoder = config.data.decoder();
    let tick = || ticker.film_read();
    let films = match config.data.cache() {
        Some(cache) => {
            let (films, packed) = cache.dataset(entries, &decoder, &config.preprocess, &tick)?;
            observer.on(&Event::Packed {
                split,
                packed: &packed,
            });
            films
        }
        None => Dataset::load(entries, &decoder, &config.preprocess, &tick)?,
    };
    observer.on(&Event::Read {
        split,
        films: films.len(),
        fractured: films.fractured(),
        unreadable: films.unreadable(),
        repaired: films.repaired(),
    });
    match films.unreadable() {
        [first, ..] if config.data.unreadable == Unreadable::Error => Err(TrainError::Unreadable {
            count: films.unreadable().len(),
            split: split.name(),
            first: format!("{} ({})", first.id, first.reason),
        }),
        _ => Ok(Arc::new(films)),
    }
}
