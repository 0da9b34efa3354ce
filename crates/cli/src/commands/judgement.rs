//! A model judged on a split: the one way that `train` and `evaluate` share.

use std::fmt::Write as _;
use std::sync::Arc;

use osteon_data::{Catalog, Decoder, Films, Split};
use osteon_metrics::{Confusion, Summary, SummaryOptions};
use osteon_model::{Decision, Predictor};
use serde::Serialize;

use crate::{output, progress};

/// What `evaluate --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    positive_class: &'static str,
    split: Split,
    unreadable: usize,
    /// Damaged films that are judged by what decodes of them.
    repaired: usize,
    /// Films that are, byte for byte, among those the model was trained or chosen on.
    seen_in_training: usize,
    #[serde(flatten)]
    pub summary: Summary,
    doubt: Doubt,
    data: String,
    data_fingerprint: String,
}

#[derive(Debug, Clone, Serialize)]
struct Doubt {
    deferred: usize,
    confusion_of_the_rest: Confusion,
}

/// Judges every film of a split that reads, with `repair` damaged ones too; names the others on stderr.
pub fn judge(
    predictor: &Predictor,
    catalog: &Catalog,
    split: Split,
    repair: bool,
) -> anyhow::Result<Judgement> {
    if let Some(caveat) = catalog.layout().caveat() {
        eprintln!("note: {caveat}");
    }
    let entries = catalog.split(split)?;
    let bar = progress::bar(&format!("reading {split}"), entries.len());
    let info = predictor.info();
    let decoder = Decoder {
        repair,
        ..predictor.decoder().clone()
    };
    let films = Films::load(entries, &decoder, &info.preprocess, &|| {
        bar.inc(1);
    })?;
    bar.finish_and_clear();
    progress::list_unreadable(split.name(), films.unreadable());
    progress::list_repaired(split.name(), films.repaired());
    let films = Arc::new(films);
    let bar = progress::bar(&format!("judging {split}"), films.len());
    let scores = predictor.scores(&films, &|done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    let labels = films.truths();
    let summary = Summary::new(
        &labels,
        &scores,
        info.threshold(),
        0.95,
        SummaryOptions::default(),
    )?;
    Ok(Judgement {
        positive_class: "fractured",
        split,
        unreadable: films.unreadable().len(),
        repaired: films.repaired().len(),
        seen_in_training: films
            .short_digests()
            .filter(|d| info.training_data.films.contains(d))
            .count(),
        summary,
        doubt: doubt(predictor, &labels, &scores)?,
        data: catalog.root().display().to_string(),
        data_fingerprint: films.fingerprint().to_owned(),
    })
}

fn doubt(predictor: &Predictor, labels: &[bool], scores: &[f64]) -> anyhow::Result<Doubt> {
    let (mut kept, mut called) = (Vec::new(), Vec::new());
    for (&label, &score) in labels.iter().zip(scores) {
        match predictor.decide(score) {
            Decision::Doubt | Decision::NotAnXray => {}
            decision => {
                kept.push(label);
                called.push(decision == Decision::Fractured);
            }
        }
    }
    let confusion_of_the_rest = Confusion::from_decisions(&kept, &called)?;
    Ok(Doubt {
        deferred: labels.len() - kept.len(),
        confusion_of_the_rest,
    })
}

impl Judgement {
    /// Whether every film of the split was read.
    pub fn is_whole(&self) -> bool {
        self.unreadable == 0
    }

    /// The judgement for people.
    pub fn to_text(&self) -> String {
        let films = self.summary.confusion.total();
        let fractured = self.summary.confusion.positives();
        let mut text = format!(
            "{} of {}: {films} films, {fractured} fractured, {} not",
            self.split,
            self.data,
            films - fractured
        );
        // Writing to a String cannot fail.
        if self.unreadable > 0 {
            let _ = write!(
                text,
                "; {} more do not read and are in no figure",
                self.unreadable
            );
        }
        if self.repaired > 0 {
            let _ = write!(
                text,
                "; {} of them damaged and judged by what decodes",
                self.repaired
            );
        }
        let _ = write!(text, "\n\n{}", output::summary(&self.summary));
        if self.split == Split::Val && self.seen_in_training > 0 {
            text += "\nThe model and its threshold were chosen on these films: the figures flatter by as much as the choice gained.";
        } else if self.seen_in_training > 0 {
            let _ = write!(
                text,
                "\nWARNING: {} of these {films} films are, byte for byte, films the model was trained or chosen on. \
                 The figures show memory, not skill.",
                self.seen_in_training
            );
        }
        text
    }
}
