//! Films read and scored.

use std::sync::Arc;

use anyhow::bail;
use osteon_data::{Decoder, Entry, Films, Preprocess, Split};
use osteon_model::Predictor;

use crate::progress;

/// Reads the films of a split; names on stderr those that do not read.
pub fn read(
    split: Split,
    entries: &[Entry],
    decoder: &Decoder,
    preprocess: &Preprocess,
) -> anyhow::Result<Films> {
    let bar = progress::bar(&format!("reading {split}"), entries.len());
    let films = Films::load(entries, decoder, preprocess, &|| {
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    progress::list_unreadable(split.name(), films.unreadable());
    progress::list_repaired(split.name(), films.repaired());
    Ok(films)
}

/// Calibrated scores of films. A score that is no number is an error that names the film: it must not vanish in a figure.
pub fn scores(split: Split, predictor: &Predictor, films: &Arc<Films>) -> anyhow::Result<Vec<f64>> {
    let bar = progress::bar(&format!("judging {split}"), films.len());
    let scores = predictor.scores(films, &|done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
        bail!(
            "the model gives {} the score {}: its weights are damaged or overflow",
            films.ids()[index],
            scores[index]
        );
    }
    Ok(scores)
}
