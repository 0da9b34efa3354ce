//! A model judged on a split: the one way that `train`, `evaluate` and `compare` share.
//!
//! Nothing is tuned here: calibration, thresholds and doubt band come from the model file.

mod cards;
mod explanation;
mod figures;
mod films;
mod leak;
mod looks;
mod pictures;
mod text;
mod warnings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use osteon_data::{Catalog, Decoder, Entry, RelativeBox, Split, write_atomic};
use osteon_metrics::SummaryOptions;
use osteon_model::Predictor;
use osteon_report::judgement::{Film, Judgement};
use osteon_report::{Report, figures_csv, read_metrics, scores_csv};

use crate::progress;

pub use films::read;
pub use text::to_text;

/// Which model, on which images.
pub struct Request<'a> {
    /// The model in use.
    pub predictor: &'a Predictor,
    /// Its file; `None` for the model that ships with the program.
    pub model: Option<&'a Path>,
    /// The data set.
    pub catalog: &'a Catalog,
    /// The split to judge.
    pub split: Split,
    /// Whether damaged images are judged by what decodes of them.
    pub repair: bool,
    /// Whether heatmaps are held against boxes, where any are known; it costs some passes of each fractured image.
    pub explain: bool,
}

/// The judgement, with what it was made of.
pub struct Judged {
    pub judgement: Judgement,
    /// Every image judged, in the catalogue's order.
    pub films: Vec<Film>,
    paths: Vec<PathBuf>,
    boxes: Vec<Vec<RelativeBox>>,
    decoder: Decoder,
    run: Option<PathBuf>,
}

/// Judges every image of a split that reads; names the others on stderr. A judgement of test is written down in the model's run.
pub fn judge(request: &Request<'_>) -> anyhow::Result<Judged> {
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
    let mut films = read(split, entries, &decoder, &info.preprocess)?;
    if explain {
        films.locate(entries, &decoder)?;
    }
    let films = Arc::new(films);
    let scores = films::scores(split, predictor, &films)?;
    let labels = films.truths();
    let by_id: BTreeMap<&str, &Entry> = entries.iter().map(|e| (e.id.as_str(), e)).collect();
    let judged: Vec<Entry> = films
        .ids()
        .iter()
        .filter_map(|id| by_id.get(id.as_str()).map(|entry| (*entry).clone()))
        .collect();

    let known = leak::seen(info, split, &films);
    let seen = films::seen(predictor, &decoder, &judged);
    let decisions = films::decisions(&predictor.rule(), &seen, &scores);
    let groups = figures::has_groups(films.groups()).then(|| films.groups());
    let options = SummaryOptions::default();
    let threshold = predictor.rule().threshold;
    let summary = osteon_metrics::Summary::new(&labels, &scores, groups, threshold, 0.95, options)?;
    let data = cards::data(catalog, &judged, films.fingerprint());
    let run = model.and_then(looks::run_of);
    let mut judgement = Judgement {
        positive_class: "fractured".to_owned(),
        split: split.name().to_owned(),
        unreadable: films.unreadable().len() as u64,
        unreadable_files: films::unreadable(&films),
        repaired: films.repaired().len() as u64,
        intervals: figures::intervals(groups),
        doubt: figures::doubt(predictor, &labels, &decisions)?,
        gate: films::gated(predictor, &seen),
        leak: leak::figures(info, (split, &films), &known, &labels, &scores, threshold)?,
        shared_groups: leak::shared(catalog, split),
        groups: groups
            .map(|groups| figures::once_per_group(groups, &labels, &scores, threshold))
            .transpose()?,
        subgroups: figures::subgroups(&judged, &labels, &scores, threshold)?,
        operating_points: figures::points(info, &labels, &scores)?,
        explanation: if explain {
            explanation::explanation(predictor, &films, &labels, &scores)?
        } else {
            None
        },
        looks: None,
        warnings: Vec::new(),
        data,
        model: cards::model(predictor, model),
        judged_at: jiff::Timestamp::now().to_string(),
        summary,
    };
    if split == Split::Test {
        judgement.looks = looks::record(run.as_deref(), &judgement);
    }
    judgement.warnings = warnings::list(&judgement, split, &films, &labels);
    if split == Split::Test && model.is_none() {
        judgement.warnings.push(looks::NOWHERE.to_owned());
    }
    let rows = judged
        .iter()
        .zip(&scores)
        .zip(&known)
        .zip(&decisions)
        .map(|(((entry, &score), &seen), decision)| Film {
            id: entry.id.clone(),
            fractured: entry.label.is_fractured(),
            score,
            decision: decision.to_string(),
            group: entry.group.clone(),
            seen,
            fields: entry.fields.clone(),
        })
        .collect();
    Ok(Judged {
        judgement,
        films: rows,
        paths: judged.iter().map(|entry| entry.path.clone()).collect(),
        boxes: judged.into_iter().map(|entry| entry.boxes).collect(),
        decoder,
        run,
    })
}

impl Judged {
    /// Whether every image of the split was read.
    pub fn is_whole(&self) -> bool {
        self.judgement.unreadable == 0
    }

    /// Writes `index.html`, `judgement.json`, `figures.csv` and `scores.csv` to a folder; the model draws heat on the worst errors.
    pub fn write(&self, folder: &Path, predictor: &Predictor) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let bar = progress::bar("drawing", 1);
        let epochs = self
            .run
            .as_ref()
            .and_then(|run| std::fs::read_to_string(run.join("metrics.jsonl")).ok())
            .map_or_else(Vec::new, |text| read_metrics(&text).epochs);
        let thumbnails = pictures::worst(self, predictor);
        let report = Report {
            judgement: &self.judgement,
            films: &self.films,
            thumbnails: &thumbnails,
            epochs: &epochs,
        };
        write_atomic(&folder.join("index.html"), report.html()?.as_bytes())?;
        let json = serde_json::to_string_pretty(&self.judgement)?;
        write_atomic(&folder.join("judgement.json"), json.as_bytes())?;
        let figures = figures_csv(&self.judgement);
        write_atomic(&folder.join("figures.csv"), figures.as_bytes())?;
        write_atomic(
            &folder.join("scores.csv"),
            scores_csv(&self.films).as_bytes(),
        )?;
        bar.finish_and_clear();
        Ok(())
    }
}
