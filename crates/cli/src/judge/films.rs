//! Images read and scored.

use std::sync::Arc;

use anyhow::bail;
use osteon_data::{Dataset, DecodeScratch, Decoder, Entry, Preprocess, Split};
use osteon_model::{Decision, Flag, Flags, Predictor, Preparer, Rule};
use osteon_report::judgement::{GateCounts, Unreadable};
use rayon::prelude::*;

use crate::progress;

/// Reads the images of a split; names on stderr those that do not read.
pub fn read(
    split: Split,
    entries: &[Entry],
    decoder: &Decoder,
    preprocess: &Preprocess,
) -> anyhow::Result<Dataset> {
    let bar = progress::bar(&format!("reading {split}"), entries.len());
    let films = Dataset::load(entries, decoder, preprocess, &|| {
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    progress::list_unreadable(split.name(), films.unreadable());
    progress::list_repaired(split.name(), films.repaired());
    Ok(films)
}

/// Calibrated scores of images. A score that is no number is an error that names the image: it must not vanish in a figure.
pub fn scores(
    split: Split,
    predictor: &Predictor,
    films: &Arc<Dataset>,
) -> anyhow::Result<Vec<f64>> {
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

/// What is seen of an image besides its score.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// The gate takes it for no radiograph.
    pub refused: bool,
    pub flags: Flags,
}

impl Seen {
    /// What is decided of an image with this score, as `predict` decides it.
    pub fn decide(self, rule: &Rule, score: f64) -> Decision {
        if self.refused {
            Decision::NotAnXray
        } else {
            rule.decide_flagged(score, self.flags)
        }
    }
}

/// What gate and flags say of images that were read before. It looks at the files again: the images read for the network have no colours.
pub fn seen(predictor: &Predictor, decoder: &Decoder, films: &[Entry]) -> Vec<Seen> {
    let gate = predictor.info().gate.as_ref();
    let preparer = Preparer::new(predictor.info(), decoder.clone());
    let bar = progress::bar("looking at", films.len());
    let look = |scratch: &mut DecodeScratch, film: &Entry| {
        let bytes = std::fs::read(&film.path).ok()?;
        let film = preparer.prepare(&bytes, scratch).ok()?;
        let admitted = |score| gate.is_none_or(|gate| gate.admits(score));
        Some(Seen {
            refused: !film.xray_score().is_none_or(admitted),
            flags: film.flags(),
        })
    };
    let seen = films
        .par_iter()
        .map_init(DecodeScratch::default, |scratch, film| {
            bar.inc(1);
            look(scratch, film).unwrap_or_default()
        })
        .collect();
    bar.finish_and_clear();
    seen
}

/// What is decided of each film.
pub fn decisions(rule: &Rule, seen: &[Seen], scores: &[f64]) -> Vec<Decision> {
    seen.iter()
        .zip(scores)
        .map(|(seen, &score)| seen.decide(rule, score))
        .collect()
}

/// The files that do not read, with the reasons.
pub fn unreadable(films: &Dataset) -> Vec<Unreadable> {
    films
        .unreadable()
        .iter()
        .map(|bad| Unreadable {
            id: bad.id.clone(),
            reason: bad.reason.clone(),
        })
        .collect()
}

/// How many the gate refuses and flags; `None` without a gate.
pub fn gated(predictor: &Predictor, seen: &[Seen]) -> Option<GateCounts> {
    predictor.info().gate.as_ref()?;
    let count = |is: &dyn Fn(&Seen) -> bool| seen.iter().filter(|seen| is(seen)).count() as u64;
    let flagged = |flag| count(&|seen| seen.flags.contains(flag));
    Some(GateCounts {
        refused: count(&|seen| seen.refused),
        cross_section: flagged(Flag::CrossSection),
        outside_training: flagged(Flag::OutsideTraining),
        annotated: flagged(Flag::Annotated),
    })
}
