//! `cargo xtask train-shipped`: from images and a downloaded backbone to the model files that ship, and their cards.

mod images;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use osteon_files::write_atomic;
use serde::Deserialize;

use crate::{download::libtorch, workspace};

/// A model that ships.
struct Model {
    /// What it is called: its run folder, its config and its file.
    name: &'static str,
    card: &'static str,
    begins: Begins,
    /// Of its run, besides the config.
    set: &'static [&'static str],
    /// Bytes that its file may have.
    most_bytes: u64,
}

/// What the run of a model begins from.
enum Begins {
    /// The average of a cross-validation's folds by the same config, whose out-of-fold scores it is fitted to, too.
    Folds,
    /// The weights of another model that ships.
    Model(&'static str),
}

/// One after the other. This is the whole recipe, with the configs.
const MODELS: &[Model] = &[
    Model {
        name: "accurate",
        card: "docs/MODEL_CARD.md",
        begins: Begins::Folds,
        set: &[
            "optimizer.lr=0.0003",
            "schedule.warmup_epochs=0.2",
            "train.epochs=2",
        ],
        most_bytes: 24 << 20,
    },
    Model {
        name: "fast",
        card: "docs/MODEL_CARD_FAST.md",
        begins: Begins::Model("accurate"),
        set: &[],
        most_bytes: 12 << 20,
    },
];

const FOLDS: &str = "5";
/// The source whose out-of-fold scores calibration, operating points and promises are fitted to: images of one hospital as they came, which the other is not.
const FITTED_TO: &str = "source=fracatlas";
/// How far 16 bits may move the ROC-AUC on val.
const MOST_MOVED: f64 = 0.001;

impl Model {
    fn config(&self) -> String {
        format!("configs/{}.toml", self.name)
    }

    fn shipped(&self) -> String {
        format!("crates/model/shipped/{}.safetensors", self.name)
    }
}

/// What `cargo xtask train-shipped` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder with FracAtlas and the Kaggle set in `fracatlas/` and `kaggle/`, divided into train and val, and a table of each in
    /// `manifests/NAME.csv`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder for the runs; called again, finished folds are kept and a started one resumes
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

/// One run of the program.
struct Step {
    /// Its run folder or file in `--out`.
    name: String,
    /// `osteon` with these arguments; `None`: it is done.
    words: Option<Vec<String>>,
}

/// The part of `osteon shrink --json` that is looked at.
#[derive(Deserialize)]
struct Shrunk {
    bytes: u64,
    val_roc_auc_before: Option<f64>,
    val_roc_auc: Option<f64>,
}

/// Runs what is not done yet, then makes model files and cards.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let root = workspace::root();
    let arguments = &absolute(arguments)?;
    if arguments.dry_run {
        println!("images: {}", images_of(arguments).display());
        for model in MODELS {
            for step in plan(arguments, model, &Path::exists)? {
                match step.words {
                    None => println!("{}: done, kept", step.name),
                    Some(words) => println!("{}: osteon {}", step.name, words.join(" ")),
                }
            }
            println!("then: osteon {}", shrink(arguments, model)?.join(" "));
            for words in gate(arguments, model)? {
                println!("then: gate {}", words.join(" "));
            }
            println!(
                "then: {} and {} are written anew",
                model.shipped(),
                model.card
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.data.is_dir() {
        bail!("there are no images at {}", arguments.data.display());
    }
    libtorch::ensure(&root)?;
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot create {}", arguments.out.display()))?;
    images::gather(&arguments.data, &images_of(arguments))?;
    for model in MODELS {
        for step in plan(arguments, model, &Path::exists)? {
            let Some(words) = step.words else {
                eprintln!("{}: done, kept", step.name);
                continue;
            };
            workspace::must_succeed(osteon(&root).args(words))?;
            let done = done(arguments, &step.name);
            std::fs::write(&done, b"")
                .with_context(|| format!("cannot write {}", done.display()))?;
        }
        ship(arguments, model, &root)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fits what is decided, takes the gate over, and puts file and card into their places.
fn ship(arguments: &Arguments, model: &Model, root: &Path) -> Result<()> {
    let words = shrink(arguments, model)?;
    let shrunk: Shrunk = serde_json::from_str(&workspace::answered(osteon(root).args(words))?)
        .context("`osteon shrink --json` printed something else than its report")?;
    check(&shrunk, model)?;
    for words in gate(arguments, model)? {
        let mut command = workspace::cargo(root);
        command.args([
            "run",
            "--release",
            "--quiet",
            "-p",
            "gate-fit",
            "--example",
            "gate",
            "--",
        ]);
        workspace::must_succeed(command.args(words))?;
    }
    let file = file_of(arguments, model);
    let size = std::fs::metadata(&file)
        .with_context(|| format!("cannot look at {}", file.display()))?
        .len();
    if size > model.most_bytes {
        bail!(
            "with its gate the model file has {size} bytes, more than {}",
            model.most_bytes
        );
    }
    let card = workspace::answered(osteon(root).args(["info", "--card"]).arg(&file))?;
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    write_atomic(&root.join(model.shipped()), &bytes)?;
    write_atomic(&root.join(model.card), card.as_bytes())?;
    println!(
        "{}: {:.2} MiB, ROC-AUC on val {}. Card: {}",
        model.shipped(),
        size as f64 / f64::from(1 << 20),
        shrunk
            .val_roc_auc
            .map_or("–".to_owned(), |auc| format!("{auc:.4}")),
        model.card,
    );
    Ok(())
}

/// The same arguments wherever a command is run: the program runs in the workspace's root.
fn absolute(arguments: &Arguments) -> Result<Arguments> {
    let whole = |path: &Path| {
        std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
    };
    Ok(Arguments {
        data: whole(&arguments.data)?,
        out: whole(&arguments.out)?,
        pictures: arguments.pictures.as_deref().map(whole).transpose()?,
        measured: arguments.measured.as_deref().map(whole).transpose()?,
        ..*arguments
    })
}

fn images_of(arguments: &Arguments) -> PathBuf {
    arguments.out.join("images")
}

fn file_of(arguments: &Arguments, model: &Model) -> PathBuf {
    arguments.out.join(format!("{}.safetensors", model.name))
}

/// What is to be done before a model can be fitted: each run begins, goes on or is done.
fn plan(arguments: &Arguments, model: &Model, exists: &dyn Fn(&Path) -> bool) -> Result<Vec<Step>> {
    let out = &arguments.out;
    let config = model.config();
    let mut steps = Vec::new();
    let from = match model.begins {
        Begins::Folds => {
            let (folds, average) = (folds_of(model), format!("{}-average", model.name));
            let data = images_of(arguments).join(images::FOLDS);
            steps.push(train(
                arguments,
                &folds,
                &["--folds", FOLDS],
                (&config, &data, &[]),
                exists,
            )?);
            let file = out.join(format!("{average}.safetensors"));
            let words = words(&["shrink"], &[&out.join(&folds), &file])?;
            steps.push(Step {
                words: (!exists(&done(arguments, &average))).then_some(words),
                name: average,
            });
            file
        }
        Begins::Model(name) => out.join(name).join("model.safetensors"),
    };
    let mut set = vec![format!("train.init={}", quoted(&from)?)];
    set.extend(model.set.iter().map(|&text| text.to_owned()));
    let data = images_of(arguments).join(images::ALL);
    steps.push(train(
        arguments,
        model.name,
        &[],
        (&config, &data, &set),
        exists,
    )?);
    Ok(steps)
}

/// A training in a folder of this name: by a config, on a data set, with settings on top.
fn train(
    arguments: &Arguments,
    name: &str,
    flags: &[&str],
    (config, data, settings): (&str, &Path, &[String]),
    exists: &dyn Fn(&Path) -> bool,
) -> Result<Step> {
    let run = arguments.out.join(name);
    let step = |words| Step {
        name: name.to_owned(),
        words,
    };
    if exists(&done(arguments, name)) {
        return Ok(step(None));
    }
    let begun = exists(&run.join("config.toml"));
    let mut all = words(
        &[
            &["train"][..],
            flags,
            if begun { &["--resume"] } else { &[] },
        ]
        .concat(),
        &[],
    )?;
    all.extend(words(&["--run"], &[&run])?);
    if !begun {
        all.extend(words(&["--config", config, "--data"], &[data])?);
        let threads = arguments.threads.map(|n| format!("train.threads={n}"));
        for text in settings.iter().cloned().chain(threads) {
            all.extend(["--set".to_owned(), text]);
        }
    }
    Ok(step(Some(all)))
}

fn folds_of(model: &Model) -> String {
    format!("{}-folds", model.name)
}

/// The file that says that a step came to its end: a run that was interrupted has a model, too.
fn done(arguments: &Arguments, name: &str) -> PathBuf {
    arguments.out.join(format!("{name}.done"))
}

/// `osteon shrink` of what the run left: fitted to out-of-fold scores where there are any, else to val.
fn shrink(arguments: &Arguments, model: &Model) -> Result<Vec<String>> {
    let run = arguments.out.join(model.name);
    let mut all = words(&["shrink"], &[&run, &file_of(arguments, model)])?;
    all.extend(words(&["--name", model.name, "--refit", "--json"], &[])?);
    if matches!(model.begins, Begins::Folds) {
        let scores = arguments.out.join(folds_of(model)).join("out_of_fold.csv");
        all.extend(words(&["--scores"], &[&scores])?);
        all.extend(words(&["--only", FITTED_TO], &[])?);
    }
    Ok(all)
}

/// What the example `gate` of the crate of that name is called with: to take over the gate of the model that ships, or, with pictures to fit on, to fit
/// one anew, and to measure it where there is something to measure on.
fn gate(arguments: &Arguments, model: &Model) -> Result<Vec<Vec<String>>> {
    let file = file_of(arguments, model);
    let Some(pictures) = &arguments.pictures else {
        let shipped = workspace::root().join(model.shipped());
        return Ok(vec![words(&["copy"], &[&shipped, &file, &file])?]);
    };
    let films = arguments.data.join("fracatlas/train");
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

fn check(shrunk: &Shrunk, model: &Model) -> Result<()> {
    if shrunk.bytes > model.most_bytes {
        bail!(
            "the model file has {} bytes, more than {}",
            shrunk.bytes,
            model.most_bytes
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
            data: "/films \"of\" a".into(),
            out: "/runs".into(),
            pictures: Some("/found".into()),
            measured: None,
            threads: Some(2),
            dry_run: false,
        }
    }

    fn shown(exists: &[&str]) -> Vec<String> {
        let there = |path: &Path| exists.iter().any(|known| Path::new(known) == path);
        let steps = |model| plan(&arguments(), model, &there).unwrap();
        let text = |step: Step| {
            step.words
                .map_or("keep".to_owned(), |words| words.join(" "))
        };
        MODELS.iter().flat_map(steps).map(text).collect()
    }

    #[test]
    fn folds_are_averaged_and_each_model_begins_from_what_was_before() {
        assert_eq!(
            shown(&[]),
            [
                "train --folds 5 --run /runs/accurate-folds --config configs/accurate.toml --data /runs/images/folds.csv --set train.threads=2",
                "shrink /runs/accurate-folds /runs/accurate-average.safetensors",
                "train --run /runs/accurate --config configs/accurate.toml --data /runs/images/fracatlas-and-kaggle.csv \
                 --set train.init=\"/runs/accurate-average.safetensors\" --set optimizer.lr=0.0003 --set schedule.warmup_epochs=0.2 --set train.epochs=2 --set train.threads=2",
                "train --run /runs/fast --config configs/fast.toml --data /runs/images/fracatlas-and-kaggle.csv \
                 --set train.init=\"/runs/accurate/model.safetensors\" --set train.threads=2",
            ]
        );
    }

    #[test]
    fn what_is_done_is_kept_and_what_was_begun_goes_on() {
        let steps = shown(&[
            "/runs/accurate-folds.done",
            "/runs/accurate-average.done",
            "/runs/accurate/config.toml",
        ]);
        assert_eq!(
            steps[..3],
            ["keep", "keep", "train --resume --run /runs/accurate"]
        );
        // A model alone is no sign: an interrupted run has one.
        let steps = shown(&[
            "/runs/accurate-folds/config.toml",
            "/runs/accurate-folds/fold-1/model.safetensors",
        ]);
        assert_eq!(
            steps[0],
            "train --folds 5 --resume --run /runs/accurate-folds"
        );
    }

    #[test]
    fn what_is_decided_is_fitted_out_of_fold_where_there_are_folds() {
        let said = |model| shrink(&arguments(), model).unwrap().join(" ");
        assert_eq!(
            said(&MODELS[0]),
            "shrink /runs/accurate /runs/accurate.safetensors --name accurate --refit --json \
             --scores /runs/accurate-folds/out_of_fold.csv --only source=fracatlas"
        );
        assert_eq!(
            said(&MODELS[1]),
            "shrink /runs/fast /runs/fast.safetensors --name fast --refit --json"
        );
    }

    #[test]
    fn the_gate_is_fitted_on_pictures_or_kept() {
        let model = &MODELS[0];
        let said = gate(&arguments(), model).unwrap();
        let file = "/runs/accurate.safetensors";
        let expected = [
            "fit",
            file,
            file,
            "--films",
            "/films \"of\" a/fracatlas/train",
            "--pictures",
            "/found",
        ];
        assert_eq!(said, [expected]);
        let without = Arguments {
            pictures: None,
            ..arguments()
        };
        let said = gate(&without, model).unwrap();
        assert_eq!(said.len(), 1);
        let [copy, shipped, to, out] = said[0].as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!([copy.as_str(), to, out], ["copy", file, file]);
        assert!(shipped.ends_with(&model.shipped()), "{shipped}");
    }

    #[test]
    fn what_is_too_large_or_moved_too_far_does_not_ship() {
        let of = |bytes, before, after| {
            let shrunk = Shrunk {
                bytes,
                val_roc_auc_before: before,
                val_roc_auc: after,
            };
            check(&shrunk, &MODELS[0])
        };
        assert!(of(20 << 20, Some(0.9), Some(0.9005)).is_ok());
        assert!(of(20 << 20, Some(0.9), Some(0.898)).is_err());
        assert!(of(25 << 20, Some(0.9), Some(0.9)).is_err());
        assert!(of(20 << 20, None, Some(0.9)).is_err());
    }

    #[test]
    fn each_model_has_its_config() {
        for model in MODELS {
            assert!(workspace::root().join(model.config()).is_file());
        }
    }
}
