//! `osteon predict`.

use std::io::stdout;
use std::path::PathBuf;

use osteon_data::image_files;
use osteon_model::{Decision, Flags, HeatKind, ModelError, Prediction};
use serde::Serialize;

use super::open_model;
use crate::args::{HeatmapKind, PredictArgs};
use crate::exit::Ending;
use crate::heat::Folder;
use crate::output;

/// One line of `predict --json` for a film that reads.
#[derive(Serialize)]
struct Answer<'a> {
    path: &'a str,
    #[serde(flatten)]
    prediction: Prediction,
    /// Where its picture was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    heatmap: Option<&'a str>,
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
    let (predictor, _) = open_model(&args.model)?;
    let files = files(&args.paths);
    let mut pictures = args
        .heatmap
        .as_deref()
        .map(|dir| Folder::open(dir, kind(args.heatmap_kind)))
        .transpose()?;
    let mut csv = args.csv.then(|| csv::Writer::from_writer(stdout()));
    let mut failures = 0;
    for file in files {
        let mut heatmap = None;
        let (path, answer) = match file {
            Ok(path) => {
                let answer = match &mut pictures {
                    None => predictor.predict_path(&path),
                    Some(folder) => folder.explain(&predictor, &path)?.map(|(answer, place)| {
                        heatmap = Some(place.display().to_string());
                        answer
                    }),
                };
                (path.display().to_string(), answer.map_err(reason))
            }
            Err((path, reason)) => (path.display().to_string(), Err(reason)),
        };
        failures += usize::from(answer.is_err());
        match &mut csv {
            Some(csv) => {
                csv.serialize(row(&path, &answer))?;
                csv.flush()?;
            }
            None if args.json => match &answer {
                Ok(prediction) => output::json(&Answer {
                    path: &path,
                    prediction: *prediction,
                    heatmap: heatmap.as_deref(),
                })?,
                Err(error) => output::json(&Failure { path: &path, error })?,
            },
            None => match &answer {
                Ok(p) => output::line(&line(p, &path))?,
                Err(error) => output::line(&format!("error                 {path}: {error}"))?,
            },
        }
    }
    Ok(if failures == 0 {
        Ending::Done
    } else {
        Ending::SomeFailed
    })
}

/// Every file to judge: a file as given, a folder's files in sorted order. What is not there keeps its line, as an error.
fn files(paths: &[PathBuf]) -> Vec<Result<PathBuf, (PathBuf, String)>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(Ok(path.clone()));
            continue;
        }
        match image_files(path) {
            Ok(inside) if inside.is_empty() => {
                files.push(Err((path.clone(), "the folder holds no files".to_owned())));
            }
            Ok(inside) => files.extend(inside.into_iter().map(Ok)),
            Err(error) => files.push(Err((path.clone(), error.to_string()))),
        }
    }
    files
}

/// The reason alone: the line names the path already.
fn reason(error: ModelError) -> String {
    match error {
        ModelError::Data(data) => data.reason(),
        other => other.to_string(),
    }
}

fn kind(given: HeatmapKind) -> Option<HeatKind> {
    match given {
        HeatmapKind::Auto => None,
        HeatmapKind::FractureMap => Some(HeatKind::FractureMap),
        HeatmapKind::GradCam => Some(HeatKind::GradCam),
    }
}

/// The answer for people: score, decision, file; how much it looks like a radiograph where that decides, and what to be careful of.
fn line(p: &Prediction, path: &str) -> String {
    let mut line = format!("{:.3}  {:<14} {path}", p.score, p.decision.to_string());
    let mut remarks = Vec::new();
    if let (Decision::NotAnXray, Some(score)) = (p.decision, p.xray_score) {
        remarks.push(format!("X-ray score {score:.3}"));
    }
    if !p.flags.is_empty() {
        remarks.push(names(p.flags, ", "));
    }
    if !remarks.is_empty() {
        line += &format!("  ({})", remarks.join("; "));
    }
    line
}

fn names(flags: Flags, between: &str) -> String {
    let names: Vec<String> = flags.iter().map(|flag| flag.to_string()).collect();
    names.join(between)
}

fn row<'a>(path: &'a str, answer: &'a Result<Prediction, String>) -> Row<'a> {
    let film = answer.as_ref().ok();
    Row {
        path,
        score: film.map(|p| p.score),
        decision: film.map(|p| p.decision),
        xray_score: film.and_then(|p| p.xray_score),
        flags: film.map_or_else(String::new, |p| names(p.flags, " ")),
        milliseconds: film.map(|p| p.milliseconds),
        error: answer.as_ref().err().map_or("", String::as_str),
    }
}
