//! One file a command: arguments in, work done, results on stdout.

pub mod audit;
pub mod compare;
pub mod completions;
pub mod evaluate;
pub mod export;
pub mod import;
pub mod info;
pub mod listen;
pub mod man;
pub mod pack;
pub mod predict;
#[cfg(feature = "serve")]
pub mod serve;
pub mod shrink;
pub mod split;
pub mod sweep;
pub mod synth;
pub mod train;
#[cfg(feature = "serve")]
pub mod verify;

use std::collections::BTreeSet;
use std::path::Path;

use osteon_data::{Catalog, DataError, Layout, Split};
use osteon_model::Predictor;
use osteon_train::config::Layers;
use osteon_train::{TrainError, choose_device};

use crate::args::{DataArgs, ModelArgs, NameArgs};
use crate::chosen::Chosen;
use crate::progress;

/// Opens the model that was asked for, to decide as was asked for.
pub fn open_model(args: &ModelArgs) -> anyhow::Result<(Predictor, Chosen)> {
    let device = choose_device(&args.device)?;
    let chosen = Chosen::new(args.model.as_deref());
    let mut predictor = chosen.open(device)?;
    if let Some(point) = &args.operating_point {
        predictor.set_rule(predictor.info().rule(Some(point))?);
    }
    Ok((predictor, chosen))
}

/// Opens a data set, and says on stderr what lies in it besides images.
pub fn open_set(dir: &Path, args: &NameArgs) -> anyhow::Result<Catalog> {
    let layers = Layers {
        file: args.config.clone(),
        set: args.set.clone(),
    };
    let config = layers.resolve().map_err(TrainError::from)?.data;
    let layout = match args.layout {
        Layout::Auto => config.layout,
        named => named,
    };
    let catalog = Catalog::open_as(dir, layout, &config.classes)?;
    note(&catalog);
    Ok(catalog)
}

/// Says on stderr what lies in a data set besides images.
pub fn note(catalog: &Catalog) {
    for line in progress::notes(catalog) {
        eprintln!("{line}");
    }
}

/// Opens the data set that was asked for, with what else is known of the images of the split that is looked at: a table of that split alone will do.
pub fn open_data(args: &DataArgs, split: Split) -> anyhow::Result<Catalog> {
    let catalog = open_set(&args.data, &args.names)?;
    let Some(table) = &args.annotations else {
        return Ok(catalog);
    };
    let (catalog, without) = catalog.annotated_partly(table)?;
    let films = catalog.split(split)?;
    let without: BTreeSet<String> = without.into_iter().collect();
    let missing = films.iter().filter(|film| without.contains(&film.id));
    let first: Vec<String> = missing
        .clone()
        .take(3)
        .map(|film| film.id.clone())
        .collect();
    if first.is_empty() {
        return Ok(catalog);
    }
    Err(DataError::NotAnnotated {
        path: table.clone(),
        films: films.len(),
        without: missing.count(),
        first,
    }
    .into())
}
