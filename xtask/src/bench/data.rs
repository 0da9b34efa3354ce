//! `cargo xtask bench data`: from files to batches, against what others use for it.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::contest::{self, Contestant, KEEP, Row};
use super::peers::Peers;
use crate::workspace;

/// What `cargo xtask bench data` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the other programs' scripts
    #[arg(long, default_value = "../shared/peers")]
    peers: PathBuf,
    /// Folder with `originals` and `kaggle`
    #[arg(long, default_value = "../shared/xrays")]
    films: PathBuf,
    /// Runs of each program
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds a run is timed
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// Only contests whose name contains this: mixed, originals, kaggle, cached
    #[arg(long)]
    only: Option<String>,
}

/// Images of the Kaggle set in the contest.
const KAGGLE_FILMS: usize = 2000;

/// Runs the contests and writes their tables.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    let peers = Peers::with_dali(root, &root.join(&arguments.peers))?;
    let films = std::path::absolute(root.join(&arguments.films))?;
    let work = root.join("target").join("bench");
    let plain = build(root, &work, None)?;
    let turbo = build(root, &work, Some("turbo"))?;
    let originals = subset(&films.join("originals"), None, &work.join("originals"))?;
    let train = films.join("kaggle").join("train");
    let kaggle = subset(&train, Some(KAGGLE_FILMS), &work.join("kaggle"))?;
    let mixed = mixed(&peers, &work.join("mixed"))?;
    let all = [
        ("mixed", uncached(&peers, &plain, &turbo, &mixed, arguments)),
        (
            "originals",
            uncached(&peers, &plain, &turbo, &originals, arguments),
        ),
        (
            "kaggle",
            uncached(&peers, &plain, &turbo, &kaggle, arguments),
        ),
        ("cached", cached(&peers, &turbo, &kaggle, &work, arguments)),
    ];
    let path = root.join("docs").join("BENCHMARKS.md");
    let mut foreign = Vec::new();
    for (name, contestants) in all {
        if arguments
            .only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            continue;
        }
        eprintln!("\n{name}");
        let rows = contest::run(&contestants, arguments.rounds, &peers.scripts, &mut foreign)?;
        let text = format!("{}\n{}", setting(arguments), contest::table(&rows));
        println!("\n{name}\n\n{text}{}", verdict(&rows));
        let document = std::fs::read_to_string(&path).context("docs/BENCHMARKS.md")?;
        std::fs::write(
            &path,
            contest::replace_between(&document, &format!("data {name}"), &text)?,
        )?;
    }
    let busiest = foreign.iter().copied().fold(0.0, f64::max);
    eprintln!(
        "other programs used up to {:.0} % of the machine",
        busiest * 100.0
    );
    Ok(ExitCode::SUCCESS)
}

/// Builds our contestant and keeps it under a name of its own, as the next build with other features would replace it.
fn build(root: &Path, work: &Path, feature: Option<&str>) -> Result<PathBuf> {
    let mut cargo = workspace::cargo(root);
    cargo.args([
        "build",
        "--release",
        "-p",
        "data",
        "--example",
        "loader_speed",
    ]);
    cargo.args(feature.map(|feature| format!("--features={feature}")));
    workspace::must_succeed(&mut cargo)?;
    let kept = work.join(format!("loader_speed-{}", feature.unwrap_or("plain")));
    std::fs::create_dir_all(work)?;
    std::fs::copy(root.join("target/release/examples/loader_speed"), &kept)?;
    Ok(kept)
}

/// 600 drawn images from 224 px to 7 megapixels, half of them 224 px, as the scripts' own `make_xrays.py` makes them.
fn mixed(peers: &Peers, to: &Path) -> Result<PathBuf> {
    let films = to.join("mix");
    if !to.join("complete").is_file() {
        let mut python = Command::new(&peers.python);
        python.arg(peers.scripts.join("make_xrays.py"));
        workspace::must_succeed(python.arg("--out").arg(to))?;
        std::fs::write(to.join("complete"), "")
            .with_context(|| format!("make_xrays.py left no folder {}", to.display()))?;
    }
    Ok(films)
}

/// A copy of the JPEG images below a folder, each in a folder of its class; of so many, evenly picked in the order of their names. What
/// is only called .jpg (some published files are PNG or GIF) is left out: not all of the others read it.
fn subset(from: &Path, count: Option<usize>, to: &Path) -> Result<PathBuf> {
    if to.join("complete").is_file() {
        return Ok(to.to_owned());
    }
    let mut files = Vec::new();
    let mut folders = vec![from.to_owned()];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = item?.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_jpeg(&path)? {
                files.push(path);
            }
        }
    }
    files.sort();
    let count = count.unwrap_or(files.len());
    if files.len() < count {
        bail!("{} holds fewer than {count} JPEG images", from.display());
    }
    for pick in 0..count {
        let file = &files[pick * files.len() / count];
        let class = file.parent().and_then(Path::file_name).unwrap_or_default();
        let dir = to.join(class);
        std::fs::create_dir_all(&dir)?;
        std::fs::copy(file, dir.join(format!("{pick:05}.jpg")))?;
    }
    std::fs::write(to.join("complete"), "")?;
    Ok(to.to_owned())
}

/// By its first bytes, for names are wrong now and then.
fn is_jpeg(path: &Path) -> Result<bool> {
    let mut start = [0; 3];
    let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    Ok(file.read_exact(&mut start).is_ok() && start == [0xff, 0xd8, 0xff])
}

/// Decode, resize, augment, batch.
fn uncached(
    peers: &Peers,
    plain: &Path,
    turbo: &Path,
    films: &Path,
    arguments: &Arguments,
) -> Vec<Contestant> {
    let python = |name: &str, script: &str, more: &[&str], env: &[(&'static str, &'static str)]| {
        script_of(
            peers,
            &peers.python,
            (name, script, more, env),
            films,
            arguments,
        )
    };
    let mut all = vec![
        ours("osteon, libjpeg-turbo", turbo, films, &["gap=1"], arguments),
        ours("osteon, pure Rust", plain, films, &["gap=1"], arguments),
        python("OpenCV on threads", "opencv_pipeline.py", &[], &KEEP),
        python(
            "albumentations, simplejpeg",
            "albumentations_pipeline.py",
            &[],
            &KEEP,
        ),
        python(
            "torchvision, PIL draft",
            "torchvision_pipeline.py",
            &[],
            &KEEP,
        ),
        python(
            "torchvision, as people write it",
            "torchvision_pipeline.py",
            &["--decoder", "pil"],
            &[],
        ),
    ];
    if let Some(dali) = &peers.dali {
        let dali_cpu = ("DALI, CPU", "dali_pipeline.py", &[][..], &KEEP[..]);
        all.push(script_of(peers, dali, dali_cpu, films, arguments));
    }
    all
}

/// Augment and batch, from images decoded once.
fn cached(
    peers: &Peers,
    turbo: &Path,
    films: &Path,
    work: &Path,
    arguments: &Arguments,
) -> Vec<Contestant> {
    let cache = format!("cache={}", work.join("cache").display());
    let numpy = work.join("cache_256.npy").display().to_string();
    let ours = |name: &str, instructions: &str| {
        ours(name, turbo, films, &[&cache, instructions], arguments)
    };
    let python = |name: &str, backend: &str| {
        let more = ["--backend", backend, "--cache", &numpy];
        let call = (name, "cached_pipeline.py", &more[..], &KEEP[..]);
        script_of(peers, &peers.python, call, films, arguments)
    };
    vec![
        ours("osteon, best instructions", "instructions=best"),
        ours("osteon, AVX2", "instructions=avx2"),
        ours("osteon, scalar", "instructions=scalar"),
        python("OpenCV on threads", "opencv"),
        python("albumentations", "albumentations"),
        python("torchvision, PIL", "torchvision"),
        python("kornia", "kornia"),
        python("torch, batched grid_sample", "torch-batch"),
    ]
}

fn ours(
    name: &str,
    program: &Path,
    films: &Path,
    more: &[&str],
    arguments: &Arguments,
) -> Contestant {
    let mut words = vec![program.display().to_string(), films.display().to_string()];
    words.push("workers=2".to_owned());
    words.push(format!("seconds={}", arguments.seconds));
    words.extend(more.iter().map(ToString::to_string));
    Contestant {
        name: name.to_owned(),
        ours: true,
        words,
        env: Vec::new(),
    }
}

fn script_of(
    peers: &Peers,
    python: &Path,
    (name, script, more, env): (&str, &str, &[&str], &[(&'static str, &'static str)]),
    films: &Path,
    arguments: &Arguments,
) -> Contestant {
    let script = peers.scripts.join(script).display().to_string();
    let films = films.display().to_string();
    let seconds = arguments.seconds.to_string();
    let python = python.display().to_string();
    let words = [
        &python,
        &script,
        "--images",
        &films,
        "--workers",
        "2",
        "--seconds",
        &seconds,
    ];
    Contestant {
        name: name.to_owned(),
        ours: false,
        words: words.iter().chain(more).map(ToString::to_string).collect(),
        env: env.to_vec(),
    }
}

fn setting(arguments: &Arguments) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} rounds of {} s each, in turn; medians; 2 workers, {cores} cores.\n",
        arguments.rounds, arguments.seconds
    )
}

fn verdict(rows: &[Row]) -> String {
    let best = |ours: bool| {
        rows.iter()
            .filter(|row| row.ours == ours)
            .max_by(|a, b| a.speed.0.total_cmp(&b.speed.0))
    };
    let (Some(mine), Some(theirs)) = (best(true), best(false)) else {
        return String::new();
    };
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\n{}: {:.2} × {}",
        mine.name,
        mine.speed.0 / theirs.speed.0,
        theirs.name
    );
    text
}
