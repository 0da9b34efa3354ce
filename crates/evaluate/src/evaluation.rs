//! A model evaluated on a split.
//!
//! Nothing is tuned here: calibration, thresholds and doubt band come from the model file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use osteon_data::{Catalog, Decoder, Entry, RelativeBox, Split};
use osteon_files::{FileError, write_atomic};
use osteon_metrics::{Summary, SummaryOptions};
use osteon_model::{Decision, Predictor};
use osteon_report::judgement::{JudgedImage, Judgement, Seen};
use osteon_report::{Report, figures_csv, read_metrics, scores_csv};

use crate::observer::Running;
use crate::{
    EvaluateError, Observer, Stage, boxes, cards, explanation, figures, images, leak, looks,
    thumbnails, warnings,
};

/// Which model, on which images.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The model in use.
    pub predictor: &'a Predictor,
    /// Its file; `None` for the model that ships with the program.
    pub model: Option<&'a Path>,
    /// The data set that holds the split.
    pub catalog: &'a Catalog,
    /// The split to judge.
    pub split: Split,
    /// Whether damaged images are judged by what decodes of them; otherwise they do not read.
    pub repair: bool,
    /// Whether heatmaps and the boxes they give are held against boxes, where any are known; it costs a pass of each image, and some more of each
    /// fractured one.
    pub explain: bool,
}

impl<'a> Request<'a> {
    /// A model that ships with the program on a split, damaged images left out and nothing held against boxes.
    #[must_use]
    pub fn new(predictor: &'a Predictor, catalog: &'a Catalog, split: Split) -> Self {
        Self {
            predictor,
            model: None,
            catalog,
            split,
            repair: false,
            explain: false,
        }
    }
}

/// What an evaluation found, with what it was made of.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// All figures, and what must be known of them.
    pub judgement: Judgement,
    /// Every image judged, in the catalogue's order.
    pub images: Vec<JudgedImage>,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) boxes: Vec<Vec<RelativeBox>>,
    pub(crate) decoder: Decoder,
    /// Known boxes as a COCO data set and found ones as COCO results, where there are any.
    coco: Option<(serde_json::Value, serde_json::Value)>,
    run: Option<PathBuf>,
}

/// Judges every image of a split that reads; the observer is told of the others. An evaluation of test is written down in `judgements.jsonl` in
/// the run folder that the model file lies in, if it lies in one.
///
/// # Errors
/// If the data set has no such split, if not one image of it reads, or if a score or a figure cannot be computed.
pub fn evaluate(
    request: &Request<'_>,
    observer: &dyn Observer,
) -> Result<Evaluation, EvaluateError> {
    let &Request {
        predictor,
        model,
        catalog,
        split,
        repair,
        explain,
    } = request;
    let info = predictor.info();
    let entries = catalog.split(split)?;
    let decoder = Decoder {
        repair,
        ..predictor.decoder().clone()
    };
    let (mut films, seen) = images::read(split, entries, &decoder, predictor, observer)?;
    let sizes: Vec<(u32, u32)> = seen.iter().map(|seen| seen.size).collect();
    if explain {
        films.locate_at(entries, &sizes);
    }
    let films = Arc::new(films);
    let scores = images::scores(split, predictor, &films, observer)?;
    let labels = films.truths();
    let by_id: BTreeMap<&str, &Entry> = entries.iter().map(|e| (e.id.as_str(), e)).collect();
    let judged: Vec<Entry> = films
        .ids()
        .iter()
        .filter_map(|id| by_id.get(id.as_str()).map(|entry| (*entry).clone()))
        .collect();

    let known = leak::seen(info, split, &films);
    let decisions = images::decisions(&predictor.rule(), &seen, &scores);
    let groups = figures::has_groups(films.groups()).then(|| films.groups());
    let options = SummaryOptions::default();
    let threshold = predictor.rule().threshold;
    let summary = Summary::new(&labels, &scores, groups, threshold, 0.95, options)?;
    let found = if explain {
        boxes::find(predictor, &films, &judged, &sizes, groups, observer)?
    } else {
        None
    };
    let coco = found
        .as_ref()
        .map(|found| boxes::coco(&judged, &sizes, &found.regions));
    let data = cards::data(catalog, &judged, films.fingerprint());
    let run = model.and_then(looks::run_of);
    let mut judgement = Judgement {
        positive_class: "fractured".to_owned(),
        split: split.name().to_owned(),
        unreadable: films.unreadable().len() as u64,
        unreadable_files: images::unreadable(&films),
        repaired: films.repaired().len() as u64,
        intervals: figures::intervals(groups),
        doubt: figures::doubt(predictor, &labels, &decisions)?,
        gate: images::gated(predictor, &seen),
        leak: leak::figures(info, (split, &films), &known, &labels, &scores, threshold)?,
        shared_groups: leak::shared(catalog, split),
        groups: groups
            .map(|groups| figures::once_per_group(groups, &labels, &scores, threshold))
            .transpose()?,
        subgroups: figures::subgroups(&judged, &labels, &scores, threshold)?,
        operating_points: figures::points(info, &labels, &scores)?,
        explanation: if explain {
            explanation::explanation(predictor, &films, &labels, &scores, observer)?
        } else {
            None
        },
        boxes: found.map(|found| found.summary),
        looks: None,
        warnings: Vec::new(),
        data,
        model: cards::model(predictor, model),
        judged_at: jiff::Timestamp::now().to_string(),
        summary,
    };
    if split == Split::Test {
        judgement.looks = looks::record(run.as_deref(), &judgement, observer);
    }
    judgement.warnings = warnings::list(&judgement, split, &films, &labels);
    if split == Split::Test && model.is_none() {
        judgement.warnings.push(looks::NOWHERE.to_owned());
    }
    Ok(Evaluation {
        judgement,
        images: rows(&judged, &scores, &known, &decisions),
        paths: judged.iter().map(|entry| entry.path.clone()).collect(),
        boxes: judged.into_iter().map(|entry| entry.boxes).collect(),
        decoder,
        coco,
        run,
    })
}

/// What is known of every image judged.
fn rows(
    judged: &[Entry],
    scores: &[f64],
    known: &[Seen],
    decisions: &[Decision],
) -> Vec<JudgedImage> {
    judged
        .iter()
        .zip(scores)
        .zip(known)
        .zip(decisions)
        .map(|(((entry, &score), &seen), decision)| JudgedImage {
            id: entry.id.clone(),
            fractured: entry.label.is_fractured(),
            score,
            decision: decision.to_string(),
            group: entry.group.clone(),
            seen,
            fields: entry.fields.clone(),
        })
        .collect()
}

impl Evaluation {
    /// Whether every image of the split was read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.judgement.unreadable == 0
    }

    /// Writes `index.html`, `judgement.json`, `figures.csv` and `scores.csv` to a folder, and where boxes were judged `boxes.coco.json` with those that are
    /// known and `boxes.found.json` with those that were found; the model draws heat on the worst errors. The folder is made if it is not there; each file is written whole or not at all.
    ///
    /// # Errors
    /// If the folder cannot be made, a file cannot be written, or a figure cannot be drawn.
    pub fn write(
        &self,
        folder: &Path,
        predictor: &Predictor,
        observer: &dyn Observer,
    ) -> Result<(), EvaluateError> {
        std::fs::create_dir_all(folder)
            .map_err(|source| FileError::new("create", folder, source))?;
        let stage = Running::begin(observer, Stage::Drawing, 1);
        let epochs = self
            .run
            .as_ref()
            .and_then(|run| std::fs::read_to_string(run.join("metrics.jsonl")).ok())
            .map_or_else(Vec::new, |text| read_metrics(&text).epochs);
        let thumbnails = thumbnails::worst(self, predictor);
        let report = Report {
            judgement: &self.judgement,
            films: &self.images,
            thumbnails: &thumbnails,
            epochs: &epochs,
        };
        write_atomic(&folder.join("index.html"), report.html()?.as_bytes())?;
        let json = serde_json::to_string_pretty(&self.judgement).map_err(EvaluateError::Json)?;
        write_atomic(&folder.join("judgement.json"), json.as_bytes())?;
        let figures = figures_csv(&self.judgement);
        write_atomic(&folder.join("figures.csv"), figures.as_bytes())?;
        write_atomic(
            &folder.join("scores.csv"),
            scores_csv(&self.images).as_bytes(),
        )?;
        if let Some((known, found)) = &self.coco {
            let known = known.to_string();
            write_atomic(&folder.join("boxes.coco.json"), known.as_bytes())?;
            let found = found.to_string();
            write_atomic(&folder.join("boxes.found.json"), found.as_bytes())?;
        }
        stage.advance(1);
        Ok(())
    }
}
