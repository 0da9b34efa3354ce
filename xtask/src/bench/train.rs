//! `cargo xtask bench train`: training steps and one image's latency of the seed's network, against `PyTorch` and ONNX Runtime.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::contest::{self, Contestant, KEEP, Row};
use super::peers::Peers;
use crate::download::libtorch;
use crate::workspace;

/// What `cargo xtask bench train` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the other programs' scripts
    #[arg(long, default_value = "../shared/peers")]
    peers: PathBuf,
    /// Runs of each program
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds a run is timed
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// Threads of each program
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Data set of the epochs, divided into train and val
    #[arg(long, default_value = "../shared/xrays/kaggle")]
    films: PathBuf,
    /// Only contests whose name contains this: train, epoch, latency
    #[arg(long)]
    only: Option<String>,
}

/// As people write it: what the targets count from.
const EAGER: &str = "PyTorch, as the seed writes it";

/// Runs the contests and writes their tables.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    let peers = Peers::find(root, &root.join(&arguments.peers))?;
    libtorch::ensure(root)?;
    let mut cargo = workspace::cargo(root);
    cargo.args(["build", "--release", "-p", "model", "--examples"]);
    workspace::must_succeed(&mut cargo)?;
    let chosen = |name: &str| {
        let only = arguments.only.as_ref();
        only.is_none_or(|only| name.contains(only.as_str()))
    };
    let call = Call {
        peers: &peers,
        root,
        arguments,
    };
    if chosen("train") {
        let mut foreign = Vec::new();
        let (rounds, dir) = (arguments.rounds, &peers.scripts);
        let rows = contest::run(&call.training(), rounds, dir, &mut foreign)?;
        let (table, verdict) = (contest::table(&rows), training_verdict(&rows));
        call.publish("train", &format!("{table}\n{verdict}"), &foreign)?;
    }
    if chosen("epoch") {
        let mut cargo = workspace::cargo(root);
        cargo.args([
            "build",
            "--release",
            "-p",
            "train",
            "--example",
            "epoch_speed",
        ]);
        workspace::must_succeed(&mut cargo)?;
        let (rounds, mut foreign) = (arguments.rounds.min(3), Vec::new());
        let rows = contest::run(&call.epochs()?, rounds, &peers.scripts, &mut foreign)?;
        let text = format!("{}\n{}", contest::table(&rows), epoch_verdict(&rows));
        call.publish("epoch", &text, &foreign)?;
    }
    if chosen("latency") {
        peers.add_onnx()?;
        let (rows, foreign) = call.latencies()?;
        let text = format!("{}\n{}", latency_table(&rows), latency_verdict(&rows));
        call.publish("latency", &text, &foreign)?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Call<'a> {
    peers: &'a Peers,
    root: &'a Path,
    arguments: &'a Arguments,
}

impl Call<'_> {
    fn training(&self) -> Vec<Contestant> {
        let script = "train_torch.py";
        let tuned = ["--channels-last", "--bf16"];
        let mut drawn = self.ours("osteon, bf16, weights as drawn", "train_speed", "bf16");
        drawn.words.push("lr=0".to_owned());
        vec![
            self.ours("osteon, bf16", "train_speed", "bf16"),
            self.ours("osteon, fp32", "train_speed", "fp32"),
            drawn,
            self.python(
                "PyTorch, channels last, bf16, fused Adam, malloc keeps",
                script,
                &tuned,
                &KEEP,
            ),
            self.python(
                "the same with torch.compile",
                script,
                &[&tuned[..], &["--compile"]].concat(),
                &KEEP,
            ),
            self.python(
                "PyTorch, channels last, fp32, fused Adam, malloc keeps",
                script,
                &tuned[..1],
                &KEEP,
            ),
            self.python(EAGER, script, &["--no-fused-adam"], &[]),
        ]
    }

    /// A whole epoch with its input against the step alone.
    fn epochs(&self) -> Result<Vec<Contestant>> {
        let films = std::path::absolute(self.root.join(&self.arguments.films))?;
        let mut steps = self.ours(STEPS, "train_speed", "bf16");
        steps.words.push("lr=0".to_owned());
        let mut epoch = self.ours(EPOCH, "epoch_speed", "bf16");
        // Its time is that of its epochs.
        epoch.words.retain(|word| !word.starts_with("seconds="));
        epoch.words.insert(1, films.display().to_string());
        Ok(vec![steps, epoch])
    }

    fn judging(&self) -> Vec<Contestant> {
        let script = "infer_torch.py";
        let model = self.root.join("target/bench/seed.onnx");
        let (scripts, model) = (
            self.peers.scripts.display().to_string(),
            model.display().to_string(),
        );
        let onnx = self.root.join("xtask/src/bench/peers/infer_onnx.py");
        let onnx = onnx.display().to_string();
        vec![
            self.ours("osteon, fp32", "infer_speed", "fp32"),
            self.ours("osteon, bf16", "infer_speed", "bf16"),
            self.python(
                ONNX,
                &onnx,
                &["--scripts", &scripts, "--model", &model],
                &KEEP,
            ),
            self.python("PyTorch, eager", script, &[], &KEEP),
            self.python(
                "PyTorch, traced and frozen",
                script,
                &["--mode", "script"],
                &KEEP,
            ),
            self.python(
                "PyTorch, traced and frozen, channels last, bf16",
                script,
                &["--mode", "script", "--channels-last", "--bf16"],
                &KEEP,
            ),
        ]
    }

    fn ours(&self, name: &str, example: &str, precision: &str) -> Contestant {
        let program = self.root.join("target/release/examples").join(example);
        Contestant {
            name: name.to_owned(),
            ours: true,
            words: vec![
                program.display().to_string(),
                format!("threads={}", self.arguments.threads),
                format!("seconds={}", self.arguments.seconds),
                format!("precision={precision}"),
            ],
            env: Vec::new(),
        }
    }

    /// A script's absolute path stays as it is; another is one of the peers'.
    fn python(
        &self,
        name: &str,
        script: &str,
        more: &[&str],
        env: &[(&'static str, &'static str)],
    ) -> Contestant {
        let mut words = vec![
            self.peers.python.display().to_string(),
            self.peers.scripts.join(script).display().to_string(),
            "--threads".to_owned(),
            self.arguments.threads.to_string(),
            "--seconds".to_owned(),
            self.arguments.seconds.to_string(),
        ];
        words.extend(more.iter().map(ToString::to_string));
        Contestant {
            name: name.to_owned(),
            ours: false,
            words,
            env: env.to_vec(),
        }
    }

    /// Each contestant once a round, in turn.
    fn latencies(&self) -> Result<(Vec<Latency>, Vec<f64>)> {
        let (contestants, rounds) = (self.judging(), self.arguments.rounds);
        let mut lines: BTreeMap<usize, Vec<Line>> = BTreeMap::new();
        let mut foreign = Vec::new();
        for round in 1..=rounds {
            for (number, contestant) in contestants.iter().enumerate() {
                let line: Line = contest::once(contestant, &self.peers.scripts)?;
                eprintln!(
                    "round {round}/{rounds}  {:<48} {:>8.3} ms",
                    contestant.name, line.b1_p50_ms
                );
                foreign.extend(line.foreign_cpu);
                lines.entry(number).or_default().push(line);
            }
        }
        let row = |(number, lines): (usize, Vec<Line>)| {
            let of = |value: fn(&Line) -> f64| {
                contest::median(lines.iter().map(value).collect()).unwrap_or_default()
            };
            Latency {
                name: contestants[number].name.clone(),
                ours: contestants[number].ours,
                p50: of(|line| line.b1_p50_ms),
                p99: of(|line| line.b1_p99_ms),
                speed: of(|line| line.img_per_s),
                memory: of(|line| line.peak_rss_mb),
            }
        };
        Ok((lines.into_iter().map(row).collect(), foreign))
    }

    /// Prints a result and puts it into the document.
    fn publish(&self, name: &str, text: &str, foreign: &[f64]) -> Result<()> {
        let Arguments {
            rounds,
            seconds,
            threads,
            ..
        } = self.arguments;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let busiest = 100.0 * foreign.iter().copied().fold(0.0, f64::max);
        let text = format!(
            "{rounds} rounds of {seconds} s each, in turn; medians; {threads} threads, {cores} cores; other programs used up to \
             {busiest:.0} % of the machine.\n\n{text}"
        );
        println!("\n{name}\n\n{text}");
        let path = self.root.join("docs").join("BENCHMARKS.md");
        let document = std::fs::read_to_string(&path).context("docs/BENCHMARKS.md")?;
        let document = contest::replace_between(&document, name, &text)?;
        std::fs::write(&path, document).context("docs/BENCHMARKS.md")
    }
}

/// The step alone, its batch in memory.
const STEPS: &str = "the step alone, weights as drawn";
/// The same with everything that an epoch is.
const EPOCH: &str = "an epoch: loader, augmentation, log";

const ONNX: &str = "ONNX Runtime";

/// A latency contestant's line of JSON.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    img_per_s: f64,
    b1_p50_ms: f64,
    b1_p99_ms: f64,
    peak_rss_mb: f64,
    #[serde(default)]
    foreign_cpu: Option<f64>,
}

/// Its medians over the rounds.
#[derive(Debug, Clone, PartialEq)]
struct Latency {
    name: String,
    ours: bool,
    /// Milliseconds of one image.
    p50: f64,
    p99: f64,
    /// Images a second, 32 at once.
    speed: f64,
    memory: f64,
}

/// What is measured against what is wanted.
fn targets(rows: &[(&str, f64, f64)]) -> String {
    let mut text = String::from("| | target | measured |\n|---|---:|---:|\n");
    for (what, target, measured) in rows {
        let (at_least, reached) = if *target >= 1.0 {
            ("≥", measured >= target)
        } else {
            ("≤", measured <= target)
        };
        let not = if reached { "" } else { " **not reached**" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {what} | {at_least} {target:.1} × | {measured:.2} ×{not} |"
        );
    }
    text
}

fn training_verdict(rows: &[Row]) -> String {
    let best = |ours: bool| {
        let speeds = rows.iter().filter(|row| row.ours == ours);
        speeds.map(|row| row.speed.0).fold(0.0, f64::max)
    };
    let eager = rows.iter().find(|row| row.name == EAGER);
    let eager = eager.map_or(f64::NAN, |row| row.speed.0);
    targets(&[
        (EAGER, 6.0, best(true) / eager),
        ("the fastest PyTorch", 1.0, best(true) / best(false)),
        ("the same, moonshot", 1.3, best(true) / best(false)),
    ])
}

fn epoch_verdict(rows: &[Row]) -> String {
    let speed = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.map_or(f64::NAN, |row| row.speed.0)
    };
    let share = speed(EPOCH) / speed(STEPS);
    let epoch = rows.iter().find(|row| row.name == EPOCH);
    let wait = epoch.and_then(|row| row.input_wait).unwrap_or(f64::NAN);
    format!(
        "Target: an epoch within 5 % of the step alone. Measured: {:.1} % of its speed; {:.2} % of the epoch's time the network waited for \
         images.\n",
        100.0 * share,
        100.0 * wait
    )
}

fn latency_table(rows: &[Latency]) -> String {
    let best = rows.iter().filter(|row| !row.ours).map(|row| row.p50);
    let best = best.fold(f64::INFINITY, f64::min);
    let mut sorted: Vec<_> = rows.iter().collect();
    sorted.sort_by(|a, b| a.p50.total_cmp(&b.p50));
    let mut text = String::from(
        "| program | one image, ms: median | 99 of 100 | × best peer | images/s, 32 at once | peak memory, MB |\n\
         |---|---:|---:|---:|---:|---:|\n",
    );
    for row in sorted {
        let mark = if row.ours { "**" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {mark}{}{mark} | {:.3} | {:.3} | {:.2} | {:.0} | {:.0} |",
            row.name,
            row.p50,
            row.p99,
            row.p50 / best,
            row.speed,
            row.memory
        );
    }
    text
}

fn latency_verdict(rows: &[Latency]) -> String {
    let best = |wanted: &dyn Fn(&Latency) -> bool| {
        let times = rows.iter().filter(|row| wanted(row));
        times.map(|row| row.p50).fold(f64::INFINITY, f64::min)
    };
    let rough = |row: &Latency| row.name.contains("bf16");
    let torch = |row: &Latency| row.name.starts_with("PyTorch");
    let fp32 = best(&|row| row.ours && !rough(row));
    let ours = best(&|row| row.ours);
    let onnx = best(&|row| row.name == ONNX);
    targets(&[
        (
            "latency, the fastest PyTorch, both fp32",
            0.8,
            fp32 / best(&|row| torch(row) && !rough(row)),
        ),
        ("latency, the fastest PyTorch", 0.8, ours / best(&torch)),
        // "As fast or faster", which `targets` shows as a speed.
        ("speed, ONNX Runtime, both fp32", 1.0, onnx / fp32),
        ("speed, ONNX Runtime", 1.0, onnx / ours),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_held_against_the_right_ones() {
        let row = |name: &str, ours, speed: f64| Row {
            name: name.to_owned(),
            ours,
            speed: (speed, speed, speed),
            cpu_speed: None,
            memory: 1.0,
            input_wait: None,
        };
        let rows = [
            row("osteon", true, 240.0),
            row("tuned", false, 200.0),
            row(EAGER, false, 30.0),
        ];
        let text = training_verdict(&rows);
        assert!(text.contains("≥ 6.0 × | 8.00 × |"), "{text}");
        assert!(text.contains("≥ 1.0 × | 1.20 × |"), "{text}");
        assert!(
            text.contains("≥ 1.3 × | 1.20 × **not reached** |"),
            "{text}"
        );
        let film = |name: &str, ours, p50| Latency {
            name: name.to_owned(),
            ours,
            p50,
            p99: 9.0,
            speed: 1.0,
            memory: 1.0,
        };
        let rows = [
            film("PyTorch, eager", false, 4.0),
            film(ONNX, false, 2.0),
            film("osteon", true, 2.5),
        ];
        let text = latency_verdict(&rows);
        assert!(text.contains("≤ 0.8 × | 0.62 × |"), "{text}");
        assert!(
            text.contains("≥ 1.0 × | 0.80 × **not reached** |"),
            "{text}"
        );
        let table = latency_table(&rows);
        let second = table.lines().nth(3).unwrap_or_default();
        assert_eq!(second, "| **osteon** | 2.500 | 9.000 | 1.25 | 1 | 1 |");
    }
}
