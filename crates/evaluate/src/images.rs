//! Images read and scored.

use std::sync::Arc;

use osteon_data::{Dataset, Decoder, Entry, GrayView, Look, Split};
use osteon_model::{Decision, Flag, Flags, Predictor, Rule};
use osteon_report::judgement::{GateCounts, Unreadable};

use crate::observer::Running;
use crate::{EvaluateError, Observer, Stage};

/// Reads the images of a split, each file once, with what gate and flags say of those that read, in their order; the observer is told of the others.
pub fn read(
    split: Split,
    entries: &[Entry],
    decoder: &Decoder,
    predictor: &Predictor,
    observer: &dyn Observer,
) -> Result<(Dataset, Vec<Seen>), EvaluateError> {
    let preparer = predictor.preparer();
    let gate = predictor.info().gate.as_ref();
    let stage = Running::begin(observer, Stage::Reading(split), entries.len());
    let look = |image: GrayView<'_>, color| {
        let (xray_score, flags) = preparer.inspect(image, color);
        let admitted = |score| gate.is_none_or(|gate| gate.admits(score));
        Seen {
            refused: !xray_score.is_none_or(admitted),
            flags,
            size: image.full_size(),
        }
    };
    let look = Look {
        in_color: preparer.sees_color(),
        at: &look,
    };
    let preprocess = &predictor.info().preprocess;
    let tick = || stage.advance(1);
    let (films, seen) = Dataset::load_and_look(entries, decoder, preprocess, look, &tick)?;
    drop(stage);
    if !films.unreadable().is_empty() {
        observer.unreadable(split, films.unreadable());
    }
    if !films.repaired().is_empty() {
        observer.repaired(split, films.repaired());
    }
    Ok((films, seen))
}

/// Calibrated scores of images. A score that is no number is an error that names the image: it must not vanish in a figure.
pub fn scores(
    split: Split,
    predictor: &Predictor,
    films: &Arc<Dataset>,
    observer: &dyn Observer,
) -> Result<Vec<f64>, EvaluateError> {
    let stage = Running::begin(observer, Stage::Scoring(split), films.len());
    let scores = predictor.scores(films, &stage.counter())?;
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(EvaluateError::ScoreNotFinite {
            id: films.ids()[index].clone(),
            score: scores[index],
        }),
        None => Ok(scores),
    }
}

/// What is seen of an image besides its score.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The gate takes it for no radiograph.
    pub refused: bool,
    pub flags: Flags,
    /// Width and height of the whole image, the right way up.
    pub size: (u32, u32),
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
