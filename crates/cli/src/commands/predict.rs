//! `osteon predict`.

use std::io::stdout;
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::GrayImage;
use osteon_data::{DecodeScratch, FolderFiles, folder_files};
use osteon_dicom::{DicomError, Judged, Source, answer};
use osteon_evaluate::Coco;
use osteon_files::write_atomic;
use osteon_model::{
    Decision, Explained, Flags, HeatKind, ModelError, Prediction, Predictor, Prepared, Preparer,
    Rule, Sharing, doubt_in_words,
};
use serde::Serialize;

use super::open_model;
use crate::args::PredictArgs;
use crate::exit::Ending;
use crate::heat::png;
use crate::memory::Budget;
use crate::output;
use crate::places::Places;
use crate::progress::aside_lines;

/// One line of `predict --json` for an image that reads.
#[derive(Serialize)]
struct Answer<'a> {
    path: &'a str,
    #[serde(flatten)]
    prediction: Prediction,
    #[serde(flatten)]
    written: &'a Written,
}

/// What else is told of an image: the time it took, and what was written of it, and where.
#[derive(Default, Serialize)]
struct Written {
    /// From file to answer.
    milliseconds: f64,
    /// The boxes that the model gives, the surest first, where more than a score was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    boxes: Option<Vec<Found>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heatmap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dicom: Option<Objects>,
    /// Why no DICOM was.
    #[serde(skip_serializing_if = "Option::is_none")]
    dicom_error: Option<String>,
}

/// A box that the model gives, in the image's pixels.
#[derive(Clone, Copy, Serialize)]
struct Found {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    /// The heat of its hottest place: it ranks boxes and is no probability.
    heat: f64,
}

/// Where the answer for a DICOM image lies.
#[derive(Serialize)]
struct Objects {
    capture: String,
    report: String,
}

/// One line of `predict --json` for one that does not.
#[derive(Serialize)]
struct Failure<'a> {
    path: &'a str,
    error: &'a str,
}

/// One row of `predict --csv`.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a str,
    score: Option<f64>,
    decision: Option<Decision>,
    xray_score: Option<f64>,
    /// Names, a space between.
    flags: String,
    milliseconds: Option<f64>,
    error: &'a str,
}

pub fn run(args: &PredictArgs) -> anyhow::Result<Ending> {
    let (mut predictor, _) = open_model(&args.model)?;
    predictor.set_rule(Rule {
        judge_anyway: args.judge_anyway,
        ..predictor.rule()
    });
    let pictures = args.heatmap.is_some() || args.dicom.is_some() || args.coco.is_some();
    let kind = args.heatmap_kind.kind();
    let budget = Budget::open(args.max_memory, &predictor, |blank| {
        if pictures {
            // An explanation that this network has not is an error of each image.
            let _ = predictor.explain_prepared(&[blank], kind);
        }
    })?;
    let preparer = predictor.preparer().with_limits(budget.limits());
    let (files, aside) = files(&args.paths);
    let all = match files.len() {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    let open = |dir: &Option<PathBuf>| dir.as_deref().map(Places::open).transpose();
    let mut writer = Writer {
        predictor: &predictor,
        preparer,
        budget,
        kind,
        heatmaps: open(&args.heatmap)?,
        objects: open(&args.dicom)?,
        coco: args.coco.is_some().then(Coco::default),
    };
    let mut sharing = Sharing::new();
    let mut csv = args.csv.then(|| csv::Writer::from_writer(stdout()));
    let mut failures = 0;
    for file in files {
        let mut written = Written::default();
        let (path, answer) = match file {
            Ok(path) => {
                let answer = sharing
                    .run(|| writer.judge(&path))?
                    .map(|(answer, places)| {
                        written = places;
                        answer
                    });
                (path.display().to_string(), answer.map_err(reason))
            }
            Err((path, reason)) => (path.display().to_string(), Err(reason)),
        };
        if let Some(error) = &written.dicom_error {
            eprintln!("{path}: judged, but no DICOM was written: {error}");
        }
        writer.budget.settle();
        failures += usize::from(answer.is_err() || written.dicom_error.is_some());
        match &mut csv {
            Some(csv) => {
                csv.serialize(row(&path, &answer, &written))?;
                csv.flush()?;
            }
            None if args.json => match &answer {
                Ok(prediction) => output::json(&Answer {
                    path: &path,
                    prediction: *prediction,
                    written: &written,
                })?,
                Err(error) => output::json(&Failure { path: &path, error })?,
            },
            None => match &answer {
                Ok(p) => output::line(&line(p, &path))?,
                Err(error) => output::line(&format!("error                 {path}: {error}"))?,
            },
        }
    }
    if let (Some(coco), Some(path)) = (&writer.coco, &args.coco) {
        write_atomic(path, coco.to_json().to_string().as_bytes())?;
    }
    for line in aside {
        eprintln!("{line}");
    }
    Ok(match failures {
        0 => Ending::Done,
        n => Ending::SomeFailed(format!(
            "{n} of {all} could not be answered; each has a line that says why"
        )),
    })
}

/// Judges images, and writes of them what was asked for.
struct Writer<'a> {
    predictor: &'a Predictor,
    preparer: Preparer,
    budget: Budget,
    kind: Option<HeatKind>,
    heatmaps: Option<Places>,
    objects: Option<Places>,
    coco: Option<Coco>,
}

impl Writer<'_> {
    /// The outer error ends the command: a folder cannot be written.
    fn judge(&mut self, path: &Path) -> anyhow::Result<Result<(Prediction, Written), ModelError>> {
        let start = Instant::now();
        if self.heatmaps.is_none() && self.objects.is_none() && self.coco.is_none() {
            let answer = self.score(path);
            let written = Written {
                milliseconds: milliseconds(start),
                ..Written::default()
            };
            return Ok(answer.map(|prediction| (prediction, written)));
        }
        let (bytes, explained, film) = match self.explain(path) {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        let boxes = found(&explained);
        if let Some(coco) = &mut self.coco {
            let image = coco.image(
                &path.display().to_string(),
                explained.placement.image_size(),
            );
            for found in &boxes {
                let bbox = [found.left, found.top, found.width, found.height];
                coco.annotate(image, bbox, Some(found.heat));
            }
        }
        let mut written = Written {
            milliseconds: milliseconds(start),
            boxes: Some(boxes),
            ..Written::default()
        };
        if let Some(places) = &mut self.heatmaps {
            let place = places.of(path).with(".heatmap.png");
            write_atomic(&place, &png(&explained, &film, path)?)?;
            written.heatmap = Some(place.display().to_string());
        }
        if let Some(places) = &mut self.objects {
            let objects = Source::read(&bytes, self.budget.limits()).and_then(|source| {
                answer(&Judged {
                    source: &source,
                    explained: &explained,
                    film: &film,
                    model: self.predictor.info(),
                    rule: self.predictor.rule(),
                })
            });
            match objects {
                Ok(answer) => {
                    let place = places.of(path);
                    let (capture, report) = (place.with(".overlay.dcm"), place.with(".report.dcm"));
                    write_atomic(&capture, &answer.capture.bytes)?;
                    write_atomic(&report, &answer.report.bytes)?;
                    written.dicom = Some(Objects {
                        capture: capture.display().to_string(),
                        report: report.display().to_string(),
                    });
                }
                // Made-up patients have no place in an archive.
                Err(error @ (DicomError::Film(_) | DicomError::Identifier { .. })) => {
                    written.dicom_error = Some(error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Ok((explained.prediction, written)))
    }

    fn score(&self, path: &Path) -> Result<Prediction, ModelError> {
        let film = self.prepared(&self.budget.read(path)?)?;
        // Invariant: one image in, one answer out.
        Ok(self.predictor.predict_prepared(&[&film])?.swap_remove(0))
    }

    fn explain(&self, path: &Path) -> Result<(Vec<u8>, Explained, GrayImage), ModelError> {
        let bytes = self.budget.read(path)?;
        let prepared = self.prepared(&bytes)?;
        let (width, height) = prepared.size();
        // The image, and a picture of it: on its way to at most 1,024 rows `image` holds 16 bytes a pixel of them.
        let pixels = u64::from(width) * u64::from(height);
        let shrinking = u64::from(width) * u64::from(height.min(1024)) * 16;
        let limits = self.budget.limits();
        limits.afford(2 * bytes.len() as u64 + pixels + shrinking)?;
        let mut explained = self.predictor.explain_prepared(&[&prepared], self.kind)?;
        // Invariant: one image in, one answer out.
        let explained = explained.swap_remove(0);
        let film = self.preparer.decoder().decode(&bytes)?;
        Ok((bytes, explained, film))
    }

    /// In buffers of its own: a large image's must not stay.
    fn prepared(&self, bytes: &[u8]) -> Result<Prepared, ModelError> {
        Ok(self
            .preparer
            .prepare(bytes, &mut DecodeScratch::default())?)
    }
}

/// A file to judge, or why there is none at this path.
type Listed = Result<PathBuf, (PathBuf, String)>;

/// Every file to judge: a file as given, a folder's images in sorted order; and what to say of what else is in the folders. What is not there keeps its line, as an error.
fn files(paths: &[PathBuf]) -> (Vec<Listed>, Vec<String>) {
    let (mut files, mut lines) = (Vec::new(), Vec::new());
    for path in paths {
        if !path.is_dir() {
            files.push(Ok(path.clone()));
            continue;
        }
        match folder_files(path) {
            Ok(FolderFiles { images, aside }) => {
                lines.extend(aside_lines(path, &aside));
                if images.is_empty() {
                    files.push(Err((path.clone(), "the folder holds no images".to_owned())));
                }
                files.extend(images.into_iter().map(Ok));
            }
            Err(error) => files.push(Err((path.clone(), error.to_string()))),
        }
    }
    (files, lines)
}

/// The reason alone: the line names the path already.
fn reason(error: ModelError) -> String {
    match error {
        ModelError::Data(data) => data.reason(),
        other => other.to_string(),
    }
}

/// The answer for people: score, decision, file; how much it looks like a radiograph where that decides, and what to be careful of.
fn line(p: &Prediction, path: &str) -> String {
    let mut line = format!("{:.3}  {:<14} {path}", p.score, p.decision.to_string());
    let mut remarks = Vec::new();
    if p.decision == Decision::Doubt {
        remarks.push(doubt_in_words(p.score));
    }
    if let Some(score) = p.xray_score {
        if p.judged_anyway {
            remarks.push(format!(
                "no X-ray by its X-ray score {score:.3}, judged anyway"
            ));
        } else if p.decision == Decision::NotAnXray {
            remarks.push(format!("X-ray score {score:.3}"));
        }
    }
    if !p.flags.is_empty() {
        remarks.push(names(p.flags, ", "));
    }
    if !remarks.is_empty() {
        line.extend(["  (", &remarks.join("; "), ")"]);
    }
    line
}

fn names(flags: Flags, between: &str) -> String {
    let names: Vec<String> = flags.iter().map(|flag| flag.to_string()).collect();
    names.join(between)
}

/// The boxes of an answer; a picture that is no radiograph has none.
fn found(explained: &Explained) -> Vec<Found> {
    if explained.prediction.decision == Decision::NotAnXray {
        return Vec::new();
    }
    let (width, height) = explained.placement.image_size();
    let (width, height) = (f64::from(width), f64::from(height));
    let regions = explained.regions();
    regions
        .iter()
        .map(|region| Found {
            left: region.left * width,
            top: region.top * height,
            width: (region.right - region.left) * width,
            height: (region.bottom - region.top) * height,
            heat: region.heat,
        })
        .collect()
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn row<'a>(path: &'a str, answer: &'a Result<Prediction, String>, written: &Written) -> Row<'a> {
    let film = answer.as_ref().ok();
    Row {
        path,
        score: film.map(|p| p.score),
        decision: film.map(|p| p.decision),
        xray_score: film.and_then(|p| p.xray_score),
        flags: film.map_or_else(String::new, |p| names(p.flags, " ")),
        milliseconds: film.map(|_| written.milliseconds),
        error: answer.as_ref().err().map_or("", String::as_str),
    }
}
