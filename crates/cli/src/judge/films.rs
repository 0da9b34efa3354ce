//! Films read and scored.

use std::sync::Arc;

use anyhow::bail;
use osteon_data::{DecodeScratch, Decoder, Entry, Films, Preprocess, Split};
use osteon_model::{Flag, Predictor, Preparer};
use osteon_report::judgement::GateCounts;
use rayon::prelude::*;

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

/// What the model's input gate, if it has one, says of films that were read before. It looks at the files again: the films read for the network have no
/// colours.
pub fn gated(predictor: &Predictor, decoder: &Decoder, films: &[Entry]) -> Option<GateCounts> {
    let gate = predictor.info().gate.as_ref()?;
    let preparer = Preparer::new(predictor.info(), decoder.clone());
    let bar = progress::bar("looking at", films.len());
    let seen = films
        .par_iter()
        .map_init(DecodeScratch::default, |scratch, film| {
            bar.inc(1);
            let bytes = std::fs::read(&film.path).ok()?;
            preparer.prepare(&bytes, scratch).ok()
        });
    let counts = seen
        .flatten()
        .map(|film| {
            let flag = |flag| u64::from(film.flags().contains(flag));
            let refused = film.xray_score().is_some_and(|score| !gate.admits(score));
            [
                u64::from(refused),
                flag(Flag::CrossSection),
                flag(Flag::OutsideTraining),
                flag(Flag::Annotated),
            ]
        })
        .reduce(|| [0; 4], |a, b| std::array::from_fn(|i| a[i] + b[i]));
    bar.finish_and_clear();
    let [refused, cross_section, outside_training, annotated] = counts;
    Some(GateCounts {
        refused,
        cross_section,
        outside_training,
        annotated,
    })
}
