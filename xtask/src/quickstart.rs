//! `cargo xtask quickstart`: from nothing to a judged model, and where to go from there.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::download::{libtorch, sample};
use crate::workspace;

/// The part of `osteon evaluate --json` that a first reader wants.
#[derive(Deserialize)]
struct Evaluation {
    images: u64,
    roc_auc: Rate,
    sensitivity: Rate,
    specificity: Rate,
}

/// A value with its 95 % interval; none of it where the ratio is 0/0.
#[derive(Deserialize)]
struct Rate {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

/// Runs all steps; each is also shown as the command that a person would type.
pub fn run() -> Result<ExitCode> {
    let root = workspace::root();
    step(1, "libtorch");
    libtorch::ensure(&root)?;
    step(
        2,
        "building the program, without its server and its dashboard (some minutes the first time)",
    );
    workspace::must_succeed(workspace::cargo(&root).arg("build").args(workspace::LIGHT))?;

    let start = Instant::now();
    step(
        3,
        "synthetic radiographs, split into train, val and test by image",
    );
    sample::run(&root)?;
    step(4, "training a small network");
    let run = free_name(|name| root.join(name).exists());
    osteon(
        &root,
        &[
            "train",
            "--config",
            "configs/quick.toml",
            "--data",
            sample::FOLDER,
            "--run",
            &run,
        ],
    )?;
    let model = format!("{run}/model.safetensors");
    step(5, "judging it on images that it never saw");
    let evaluation = evaluate(&root, &model)?;
    step(6, "reading one picture");
    let picture = first_picture(&root)?;
    osteon(&root, &["predict", "--model", &model, &picture])?;

    println!("\n{}\n\n{}", sentence(&evaluation), closing(&root, &run));
    println!(
        "\nThis took {:.1} minutes after the build.",
        start.elapsed().as_secs_f64() / 60.0
    );
    Ok(ExitCode::SUCCESS)
}

fn step(number: u32, what: &str) {
    eprintln!("\n[{number}/6] {what}");
}

fn osteon(root: &Path, arguments: &[&str]) -> Result<()> {
    workspace::must_succeed(
        workspace::cargo(root)
            .args(["run", "--quiet"])
            .args(workspace::LIGHT)
            .arg("--")
            .args(arguments),
    )
}

fn evaluate(root: &Path, model: &str) -> Result<Evaluation> {
    let mut command = workspace::cargo(root);
    command.args(["run", "--quiet"]).args(workspace::LIGHT);
    command.args(["--", "evaluate", "--model", model]);
    command.args(["--data", sample::FOLDER, "--split", "test", "--json"]);
    serde_json::from_str(&workspace::answered(&mut command)?)
        .context("`osteon evaluate --json` printed something else than its report")
}

/// `runs/quickstart`, or the first of `runs/quickstart-2`, … that is free, so that no earlier run is touched.
fn free_name(taken: impl Fn(&str) -> bool) -> String {
    let names = (2..).map(|number| format!("runs/quickstart-{number}"));
    let mut all = std::iter::once("runs/quickstart".to_owned()).chain(names);
    // The names never end, so one is free.
    all.find(|name| !taken(name)).unwrap_or_default()
}

fn first_picture(root: &Path) -> Result<String> {
    let folder = format!("{}/test/fractured", sample::FOLDER);
    let entries = std::fs::read_dir(root.join(&folder))
        .with_context(|| format!("could not read {folder}"))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let first = names
        .filter(|name| !name.starts_with('.'))
        .min()
        .with_context(|| format!("{folder} is empty"))?;
    Ok(format!("{folder}/{first}"))
}

fn sentence(evaluation: &Evaluation) -> String {
    format!(
        "On {} synthetic test images the model ranks a fractured image above an unfractured one with probability {} (ROC-AUC). \
         At its threshold it finds {} of the fractured images (sensitivity) and clears {} of the unfractured ones (specificity). \
         The brackets are 95 % intervals.",
        evaluation.images,
        plain(&evaluation.roc_auc),
        percent(&evaluation.sensitivity),
        percent(&evaluation.specificity),
    )
}

fn plain(rate: &Rate) -> String {
    match (rate.value, rate.low, rate.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.3} [{low:.3} to {high:.3}]"),
        (Some(value), ..) => format!("{value:.3}"),
        _ => "undefined".to_owned(),
    }
}

fn percent(rate: &Rate) -> String {
    match (rate.value, rate.low, rate.high) {
        (Some(value), Some(low), Some(high)) => {
            format!(
                "{:.1} % [{:.1} to {:.1}]",
                value * 100.0,
                low * 100.0,
                high * 100.0
            )
        }
        (Some(value), ..) => format!("{:.1} %", value * 100.0),
        _ => "an undefined share".to_owned(),
    }
}

fn closing(root: &Path, run: &str) -> String {
    let model = format!("{run}/model.safetensors");
    format!(
        "\
These images are drawn by a program, so the figures show that the machinery works, not that it reads real radiographs.

In {root}:
  {model}   the model, with all that is needed to use it
  {run}/   the run: resolved configuration, metrics, checkpoints
  {data}/   the synthetic radiographs: train, val, test / fractured, not fractured

What to type next:
  cargo run -p cli -- predict --model {model} FILE_OR_FOLDER
  cargo run -p cli -- train --data FOLDER --run runs/mine     your own images, laid out as data/README.md says
  cargo xtask download kaggle                                   real radiographs (the split leaks: see data/README.md)
  cargo xtask download fracatlas                                real radiographs, CC BY 4.0

Not a medical device: for research and teaching, never for a decision about a patient.",
        root = root.display(),
        data = sample::FOLDER,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_becomes_a_sentence() {
        let json = r#"{"positive_class":"fractured","split":"test","images":120,"unreadable":0,
            "confusion":{"tp":54,"fn":6,"fp":3,"tn":57},
            "accuracy":{"value":0.925,"low":0.864,"high":0.96},
            "sensitivity":{"value":0.9,"low":0.7985,"high":0.9534},
            "specificity":{"value":0.95,"low":0.863,"high":0.9829},
            "roc_auc":{"value":0.97312,"low":0.941,"high":0.9951},"brier":0.06}"#;
        let text = sentence(&serde_json::from_str(json).unwrap());
        assert!(text.starts_with("On 120 synthetic test images"), "{text}");
        for part in [
            "0.973 [0.941 to 0.995]",
            "90.0 % [79.8 to 95.3]",
            "95.0 % [86.3 to 98.3]",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn an_undefined_rate_is_said_to_be_so() {
        let json = r#"{"images":1,"roc_auc":{"value":null,"low":null,"high":null},
            "sensitivity":{"value":1.0,"low":null,"high":null},"specificity":{"value":null}}"#;
        let text = sentence(&serde_json::from_str(json).unwrap());
        assert!(
            text.contains("probability undefined") && text.contains("finds 100.0 % of"),
            "{text}"
        );
        assert!(text.contains("clears an undefined share"), "{text}");
    }

    #[test]
    fn a_second_run_takes_the_next_name() {
        assert_eq!(free_name(|_| false), "runs/quickstart");
        assert_eq!(
            free_name(|name| name == "runs/quickstart"),
            "runs/quickstart-2"
        );
        assert_eq!(free_name(|name| !name.ends_with("-4")), "runs/quickstart-4");
    }

    #[test]
    fn the_closing_says_where_and_what_next() {
        let text = closing(Path::new("/w"), "runs/quickstart-2");
        for part in [
            "In /w:",
            "runs/quickstart-2/model.safetensors",
            "download kaggle",
            "Not a medical device",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }
}
