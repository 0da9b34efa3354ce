//! `cargo xtask train-shipped`: from a folder of films to the model file that ships, and its card.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{download::libtorch, workspace};

/// One run of `osteon train`, by `configs/shipped.toml`.
struct Stage {
    /// Its run folder's name.
    name: &'static str,
    /// What differs from the config.
    set: &'static [&'static str],
}

/// One after the other; each begins from what the one before left. This is the whole recipe, with the config.
const STAGES: &[Stage] = &[
    Stage {
        name: "stage1",
        set: &["train.epochs=40"],
    },
    Stage {
        name: "stage2",
        set: &[
            "preprocess.size=448",
            "optimizer.lr=0.0012",
            "model.fracture_map.dropout=0.2",
            "model.fracture_map.drop_path=0.15",
            "loss.label_smoothing=0.05",
            "augment.gamma=0.7",
            "augment.zoom=0.25",
            "augment.noise=10",
            "train.epochs=48",
        ],
    },
    Stage {
        name: "stage3",
        set: &[
            "preprocess.size=512",
            "optimizer.lr=0.0008",
            "train.seed=2",
            "model.fracture_map.dropout=0.2",
            "model.fracture_map.drop_path=0.15",
            "loss.label_smoothing=0.05",
            "augment.gamma=0.7",
            "augment.zoom=0.25",
            "augment.noise=10",
            "train.epochs=30",
        ],
    },
];

const CONFIG: &str = "configs/shipped.toml";
const SHIPPED: &str = "crates/model/shipped/osteon.safetensors";
const CARD: &str = "docs/MODEL_CARD.md";
/// Bytes of what ships.
const MOST_BYTES: u64 = 8 << 20;
/// How far 16 bits may move the ROC-AUC on val.
const MOST_MOVED: f64 = 0.001;

/// What `cargo xtask train-shipped` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// FracAtlas, divided into train and val
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// CSV with a row a film, for the boxes of fractures
    #[arg(long, value_name = "CSV")]
    annotations: PathBuf,
    /// Folder for the runs; called again, finished stages are kept and a started one goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pictures in `CLASS/SOURCE/…` to fit the input gate on [default: the gate of the model that ships now is kept]
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Pictures of other sources: what the gate refuses of them is written into the file
    #[arg(long, value_name = "DIR", requires = "pictures")]
    measured: Option<PathBuf>,
    /// Threads of libtorch [default: as the plan of the run finds best]
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// Say what would be run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

/// What becomes of a stage.
#[derive(Debug, PartialEq)]
enum Step {
    /// It is done.
    Keep,
    /// `osteon` with these arguments.
    Run(Vec<String>),
}

/// The part of `osteon shrink --json` that is looked at.
#[derive(Deserialize)]
struct Shrunk {
    bytes: u64,
    val_roc_auc_before: Option<f64>,
    val_roc_auc: Option<f64>,
}

/// Runs what is not done yet, then makes model file and card.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    let arguments = &absolute(arguments)?;
    if arguments.dry_run {
        for (stage, step) in plan(arguments, &Path::exists)? {
            match step {
                Step::Keep => println!("{}: done, kept", stage.name),
                Step::Run(words) => println!("{}: osteon {}", stage.name, words.join(" ")),
            }
        }
        println!("then: osteon {}", shrink(arguments)?.join(" "));
        for words in gate(arguments)? {
            println!("then: gate {}", words.join(" "));
        }
        println!("then: {SHIPPED} and {CARD} are written anew");
        return Ok(ExitCode::SUCCESS);
    }
    for (what, path) in [
        ("films", &arguments.data),
        ("annotations", &arguments.annotations),
    ] {
        if !path.exists() {
            bail!("there are no {what} at {}", path.display());
        }
    }
    libtorch::ensure(&root)?;
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot create {}", arguments.out.display()))?;
    for (stage, step) in plan(arguments, &Path::exists)? {
        match step {
            Step::Keep => eprintln!("{}: done, kept", stage.name),
            Step::Run(words) => {
                workspace::must_succeed(osteon(&root).args(words))?;
                let done = done(arguments, stage);
                std::fs::write(&done, b"")
                    .with_context(|| format!("cannot write {}", done.display()))?;
            }
        }
    }
    let shrunk: Shrunk = serde_json::from_str(&workspace::answered(
        osteon(&root).args(shrink(arguments)?),
    )?)
    .context("`osteon shrink --json` printed something else than its report")?;
    check(&shrunk)?;
    for words in gate(arguments)? {
        let mut command = workspace::cargo(&root);
        command.args([
            "run",
            "--release",
            "--quiet",
            "-p",
            "gate",
            "--example",
            "gate",
            "--",
        ]);
        workspace::must_succeed(command.args(words))?;
    }
    let file = arguments.out.join("osteon.safetensors");
    let size = std::fs::metadata(&file)
        .with_context(|| format!("cannot look at {}", file.display()))?
        .len();
    if size > MOST_BYTES {
        bail!("with its gate the model file has {size} bytes, more than {MOST_BYTES}");
    }
    let card = workspace::answered(osteon(&root).args(["info", "--card"]).arg(&file))?;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    replace(&root.join(SHIPPED), &bytes)?;
    replace(&root.join(CARD), card.as_bytes())?;
    println!(
        "{SHIPPED}: {:.2} MiB, ROC-AUC on val {}. Card: {CARD}",
        size as f64 / f64::from(1 << 20),
        shrunk
            .val_roc_auc
            .map_or("–".to_owned(), |auc| format!("{auc:.4}")),
    );
    Ok(ExitCode::SUCCESS)
}

/// The same arguments wherever a command is run: the program runs in the workspace's root.
fn absolute(arguments: &Arguments) -> Result<Arguments> {
    let whole = |path: &Path| {
        std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
    };
    Ok(Arguments {
        data: whole(&arguments.data)?,
        annotations: whole(&arguments.annotations)?,
        out: whole(&arguments.out)?,
        pictures: arguments.pictures.as_deref().map(whole).transpose()?,
        measured: arguments.measured.as_deref().map(whole).transpose()?,
        ..*arguments
    })
}

/// What is to be done of each stage: nothing, to begin, or to go on.
fn plan(
    arguments: &Arguments,
    exists: &dyn Fn(&Path) -> bool,
) -> Result<Vec<(&'static Stage, Step)>> {
    let mut steps = Vec::new();
    let mut before: Option<&Stage> = None;
    for stage in STAGES {
        let run = arguments.out.join(stage.name);
        let step = if exists(&done(arguments, stage)) {
            Step::Keep
        } else if exists(&run.join("config.toml")) {
            Step::Run(words(&["train", "--resume", "--run"], &[&run])?)
        } else {
            let mut all = words(&["train", "--config", CONFIG, "--data"], &[&arguments.data])?;
            all.extend(words(&["--run"], &[&run])?);
            let mut set = vec![format!(
                "data.annotations={}",
                quoted(&arguments.annotations)?
            )];
            if let Some(threads) = arguments.threads {
                set.push(format!("train.threads={threads}"));
            }
            if let Some(before) = before {
                let init = arguments.out.join(before.name).join("model.safetensors");
                set.push(format!("train.init={}", quoted(&init)?));
            }
            set.extend(stage.set.iter().map(|&text| text.to_owned()));
            all.extend(set.into_iter().flat_map(|text| ["--set".to_owned(), text]));
            Step::Run(all)
        };
        steps.push((stage, step));
        before = Some(stage);
    }
    Ok(steps)
}

/// The file that says that a stage came to its end: a run that was interrupted has a model, too.
fn done(arguments: &Arguments, stage: &Stage) -> PathBuf {
    arguments.out.join(format!("{}.done", stage.name))
}

/// `osteon shrink` of what the last stage left.
fn shrink(arguments: &Arguments) -> Result<Vec<String>> {
    let last = STAGES.last().map_or("", |stage| stage.name);
    let (run, file) = (
        arguments.out.join(last),
        arguments.out.join("osteon.safetensors"),
    );
    let mut all = words(&["shrink"], &[&run, &file])?;
    all.extend(words(&["--refit", "--json", "--data"], &[&arguments.data])?);
    let annotations = quoted(&arguments.annotations)?;
    all.extend([
        "--set".to_owned(),
        format!("data.annotations={annotations}"),
    ]);
    Ok(all)
}

/// What the example `gate` of the crate of that name is called with: to take over the gate of the model that ships, or, with pictures to fit on, to fit
/// one anew, and to measure it where there is something to measure on.
fn gate(arguments: &Arguments) -> Result<Vec<Vec<String>>> {
    let file = arguments.out.join("osteon.safetensors");
    let Some(pictures) = &arguments.pictures else {
        let shipped = workspace::root().join(SHIPPED);
        return Ok(vec![words(&["copy"], &[&shipped, &file, &file])?]);
    };
    let films = arguments.data.join("train");
    let mut fit = words(&["fit"], &[&file, &file])?;
    fit.extend(words(&["--films"], &[&films])?);
    fit.extend(words(&["--pictures"], &[pictures])?);
    let mut all = vec![fit];
    if let Some(measured) = &arguments.measured {
        let mut measure = words(&["measure"], &[&file])?;
        measure.extend(words(&["--pictures"], &[measured])?);
        measure.extend(words(&["--write"], &[&file])?);
        all.push(measure);
    }
    Ok(all)
}

fn check(shrunk: &Shrunk) -> Result<()> {
    if shrunk.bytes > MOST_BYTES {
        bail!(
            "the model file has {} bytes, more than {MOST_BYTES}",
            shrunk.bytes
        );
    }
    let (Some(before), Some(after)) = (shrunk.val_roc_auc_before, shrunk.val_roc_auc) else {
        bail!("the model has no ROC-AUC on val: it cannot be seen what 16 bits cost");
    };
    if (before - after).abs() >= MOST_MOVED {
        bail!(
            "16 bits moved the ROC-AUC on val from {before:.4} to {after:.4}, by {MOST_MOVED} or more"
        );
    }
    Ok(())
}

/// The program, built for speed.
fn osteon(root: &Path) -> Command {
    let mut command = workspace::cargo(root);
    command.args(["run", "--release", "--quiet", "-p", "cli", "--"]);
    command
}

/// Whole or not at all: what ships is built into the program.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).with_context(|| format!("cannot write {}", beside.display()))?;
    std::fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

fn words(fixed: &[&str], paths: &[&Path]) -> Result<Vec<String>> {
    let mut all: Vec<String> = fixed.iter().map(|&word| word.to_owned()).collect();
    for path in paths {
        all.push(text(path)?.to_owned());
    }
    Ok(all)
}

/// A path as a TOML string; a JSON string is one.
fn quoted(path: &Path) -> Result<String> {
    Ok(serde_json::Value::from(text(path)?).to_string())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| {
        format!(
            "{} is not UTF-8, which a config cannot hold",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> Arguments {
        Arguments {
            data: "/films".into(),
            annotations: "/films \"of\" a.csv".into(),
            out: "/runs".into(),
            pictures: Some("/found".into()),
            measured: None,
            threads: Some(2),
            dry_run: false,
        }
    }

    fn shown(exists: &[&str]) -> Vec<String> {
        let there = |path: &Path| exists.iter().any(|known| Path::new(known) == path);
        let steps = plan(&arguments(), &there).unwrap();
        steps
            .into_iter()
            .map(|(_, step)| match step {
                Step::Keep => "keep".to_owned(),
                Step::Run(words) => words.join(" "),
            })
            .collect()
    }

    #[test]
    fn stages_follow_each_other() {
        let steps = shown(&[]);
        assert_eq!(
            steps[0],
            r#"train --config configs/shipped.toml --data /films --run /runs/stage1 --set data.annotations="/films \"of\" a.csv" --set train.threads=2 --set train.epochs=40"#
        );
        let second = &steps[1];
        assert!(second.contains("--run /runs/stage2"), "{second}");
        assert!(
            second.contains(r#"--set train.init="/runs/stage1/model.safetensors""#),
            "{second}"
        );
        assert!(second.ends_with("--set train.epochs=48"), "{second}");
        let third = &steps[2];
        assert!(
            third.contains(r#"--set train.init="/runs/stage2/model.safetensors""#),
            "{third}"
        );
    }

    #[test]
    fn what_is_done_is_kept_and_what_was_begun_goes_on() {
        let steps = shown(&[
            "/runs/stage1.done",
            "/runs/stage1/config.toml",
            "/runs/stage2/config.toml",
        ]);
        assert_eq!(steps[..2], ["keep", "train --resume --run /runs/stage2"]);
        // A model alone is no sign: an interrupted run has one.
        let steps = shown(&["/runs/stage1/config.toml", "/runs/stage1/model.safetensors"]);
        assert_eq!(steps[0], "train --resume --run /runs/stage1");
    }

    #[test]
    fn the_gate_is_fitted_on_pictures_or_kept() {
        let said = gate(&arguments()).unwrap();
        let file = "/runs/osteon.safetensors";
        let expected = [
            "fit",
            file,
            file,
            "--films",
            "/films/train",
            "--pictures",
            "/found",
        ];
        assert_eq!(said, [expected]);
        let without = Arguments {
            pictures: None,
            ..arguments()
        };
        let said = gate(&without).unwrap();
        assert_eq!(said.len(), 1);
        let [copy, shipped, to, out] = said[0].as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!([copy.as_str(), to, out], ["copy", file, file]);
        assert!(shipped.ends_with(SHIPPED), "{shipped}");
    }

    #[test]
    fn what_is_too_large_or_moved_too_far_does_not_ship() {
        let of = |bytes, before, after| {
            check(&Shrunk {
                bytes,
                val_roc_auc_before: before,
                val_roc_auc: after,
            })
        };
        assert!(of(6 << 20, Some(0.9), Some(0.9005)).is_ok());
        assert!(of(6 << 20, Some(0.9), Some(0.898)).is_err());
        assert!(of(9 << 20, Some(0.9), Some(0.9)).is_err());
        assert!(of(6 << 20, None, Some(0.9)).is_err());
    }

    /// The settings are keys of the config, which only `osteon` checks: at least they look like it, and the config is there.
    #[test]
    fn the_recipe_names_settings() {
        assert!(workspace::root().join(CONFIG).is_file());
        for text in STAGES.iter().flat_map(|stage| stage.set) {
            let (key, value) = text.split_once('=').unwrap();
            assert!(key.contains('.') && !value.is_empty(), "{text}");
        }
    }
}
