//! `cargo xtask bench metrics`: the bootstrap of a judgement's figures, against scikit-learn and NumPy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::contest::{self, Contestant};
use super::peers::Peers;
use crate::workspace;

/// What `cargo xtask bench metrics` takes.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the other programs' scripts, for their environment
    #[arg(long, default_value = "../shared/peers")]
    peers: PathBuf,
    /// Runs of each program
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Threads or processes of each program
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Scores that are judged
    #[arg(long, default_value_t = 100_000)]
    images: usize,
    /// Bootstrap replicates of scikit-learn's program; NumPy's has five times as many, ours 2,000
    #[arg(long, default_value_t = 40)]
    peer_replicates: usize,
}

/// What the first target counts from.
const SKLEARN: &str = "scikit-learn's functions";
const REPLICATES: usize = 2000;

/// A contestant's line of JSON.
#[derive(Debug, Clone, Deserialize)]
struct Line {
    replicates: usize,
    replicates_per_s: f64,
    replicates_per_cpu_s: Option<f64>,
    peak_rss_mb: f64,
    /// Ours: a summary.
    summary: Option<Value>,
    /// Theirs: every figure of the data.
    figures: Option<BTreeMap<String, f64>>,
}

/// A contestant's medians over the rounds.
struct Row {
    name: String,
    ours: bool,
    replicates: usize,
    /// Replicates a second: median, least, greatest.
    speed: (f64, f64, f64),
    cpu_speed: Option<f64>,
    memory: f64,
}

/// Runs the contest and writes its table.
pub fn run(root: &Path, arguments: &Arguments) -> Result<ExitCode> {
    let peers = Peers::find(root, &root.join(&arguments.peers))?;
    peers.add_sklearn()?;
    let mut cargo = workspace::cargo(root);
    cargo.args(["build", "--release", "-p", "metrics"]);
    workspace::must_succeed(cargo.args(["--example", "bootstrap_speed"]))?;
    let work = root.join("target").join("bench");
    std::fs::create_dir_all(&work)?;
    // Made by ours, which runs first.
    let data = work.join(format!("scores-{}.csv", arguments.images));
    let contestants = contestants(root, &peers, &data, arguments);
    let mut lines: Vec<Vec<Line>> = vec![Vec::new(); contestants.len()];
    for round in 1..=arguments.rounds {
        for (contestant, lines) in contestants.iter().zip(&mut lines) {
            let line: Line = contest::once(contestant, root)?;
            eprintln!(
                "round {round}/{}  {:<32} {:>9.2} replicates/s",
                arguments.rounds, contestant.name, line.replicates_per_s
            );
            lines.push(line);
        }
        let ours = lines[0].last().and_then(|line| line.summary.as_ref());
        let ours = ours.context("our program printed no summary")?;
        for line in lines.iter().filter_map(|lines| lines.last()) {
            same_figures(ours, line.figures.iter().flatten())?;
        }
    }
    let rows: Vec<Row> = contestants.iter().zip(&lines).filter_map(row).collect();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!(
        "{} rounds, in turn; medians; {} threads or processes, {cores} cores; {} scores.\n\n{}\n{}",
        arguments.rounds,
        arguments.threads,
        arguments.images,
        table(&rows),
        verdict(&rows)
    );
    println!("\n{text}");
    let path = root.join("docs").join("BENCHMARKS.md");
    let document = std::fs::read_to_string(&path).context("docs/BENCHMARKS.md")?;
    let document = contest::replace_between(&document, "metrics", &text)?;
    std::fs::write(&path, document).context("docs/BENCHMARKS.md")?;
    Ok(ExitCode::SUCCESS)
}

fn contestants(root: &Path, peers: &Peers, data: &Path, arguments: &Arguments) -> Vec<Contestant> {
    let program = root.join("target/release/examples/bootstrap_speed");
    let script = root.join("xtask/src/bench/peers/bootstrap_sklearn.py");
    let ours = [
        program.display().to_string(),
        format!("data={}", data.display()),
        format!("images={}", arguments.images),
        format!("replicates={REPLICATES}"),
        format!("threads={}", arguments.threads),
    ];
    let python = |name: &str, replicates: usize, more: &[&str]| {
        let mut words = vec![
            peers.python.display().to_string(),
            script.display().to_string(),
        ];
        words.extend(["--data".to_owned(), data.display().to_string()]);
        words.extend(["--replicates".to_owned(), replicates.to_string()]);
        words.extend(["--workers".to_owned(), arguments.threads.to_string()]);
        words.extend(more.iter().map(ToString::to_string));
        Contestant {
            name: name.to_owned(),
            ours: false,
            words,
            // The processes fill the cores: threads of a linear algebra library would only be in their way.
            env: vec![("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1")],
        }
    };
    vec![
        Contestant {
            name: "osteon".to_owned(),
            ours: true,
            words: ours.to_vec(),
            env: Vec::new(),
        },
        python(SKLEARN, arguments.peer_replicates, &[]),
        python(
            "NumPy, sorted once and counted",
            5 * arguments.peer_replicates,
            &["--counted"],
        ),
    ]
}

/// Every figure of another program is that of our summary.
fn same_figures<'a>(
    summary: &Value,
    figures: impl Iterator<Item = (&'a String, &'a f64)>,
) -> Result<()> {
    for (name, theirs) in figures {
        let estimate = summary["calibration"]
            .get(name)
            .unwrap_or(&summary[name.as_str()]);
        let ours = estimate["value"].as_f64();
        if !ours.is_some_and(|ours| (ours - theirs).abs() < 1e-9) {
            bail!("{name} is {ours:?} here and {theirs} there");
        }
    }
    Ok(())
}

fn row((contestant, lines): (&Contestant, &Vec<Line>)) -> Option<Row> {
    let speeds = || lines.iter().map(|line| line.replicates_per_s);
    let cpu_speeds = lines.iter().filter_map(|line| line.replicates_per_cpu_s);
    Some(Row {
        name: contestant.name.clone(),
        ours: contestant.ours,
        replicates: lines.first()?.replicates,
        speed: (
            contest::median(speeds().collect())?,
            speeds().fold(f64::INFINITY, f64::min),
            speeds().fold(0.0, f64::max),
        ),
        cpu_speed: contest::median(cpu_speeds.collect()),
        memory: contest::median(lines.iter().map(|line| line.peak_rss_mb).collect())?,
    })
}

/// A Markdown table, each program's speed against scikit-learn's.
fn table(rows: &[Row]) -> String {
    let base = rows.iter().find(|row| row.name == SKLEARN);
    let ratio = |value: Option<f64>, of: fn(&Row) -> Option<f64>| match (value, base.and_then(of)) {
        (Some(value), Some(base)) => format!("{:.1}", value / base),
        _ => "–".to_owned(),
    };
    let mut text = String::from(
        "| program | replicates run | replicates/s (least–greatest) | × scikit-learn | per CPU second | × scikit-learn | 2,000 replicates, s | peak memory, MB |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let (speed, low, high) = row.speed;
        let name = if row.ours {
            format!("**{}**", row.name)
        } else {
            row.name.clone()
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {} | {speed:.1} ({low:.1}–{high:.1}) | {} | {} | {} | {:.2}{} | {:.0} |",
            row.replicates,
            ratio(Some(speed), |row| Some(row.speed.0)),
            row.cpu_speed
                .map_or_else(|| "–".to_owned(), |speed| format!("{speed:.1}")),
            ratio(row.cpu_speed, |row| row.cpu_speed),
            REPLICATES as f64 / speed,
            if row.replicates == REPLICATES {
                ""
            } else {
                " (scaled)"
            },
            row.memory
        );
    }
    text
}

/// What is measured against what is wanted.
fn verdict(rows: &[Row]) -> String {
    let speed = |name: &str| {
        rows.iter()
            .find(|row| row.name == name)
            .map(|row| row.speed.0)
    };
    let (Some(ours), Some(sklearn)) = (speed("osteon"), speed(SKLEARN)) else {
        return String::new();
    };
    format!(
        "| | target | measured |\n|---|---:|---:|\n| {SKLEARN} | ≥ 20 × | {:.0} × |\n| 2,000 replicates | < 3 s | {:.2} s |\n",
        ours / sklearn,
        REPLICATES as f64 / ours
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_figure_is_told() {
        let summary = serde_json::json!({
            "f1": {"value": 0.5}, "brier": 0.25, "calibration": {"brier": {"value": 0.25}},
        });
        let figures = |f1| BTreeMap::from([("f1".to_owned(), f1), ("brier".to_owned(), 0.25)]);
        assert!(same_figures(&summary, figures(0.5).iter()).is_ok());
        let error = same_figures(&summary, figures(0.51).iter()).unwrap_err();
        assert!(error.to_string().starts_with("f1 is"), "{error}");
    }

    #[test]
    fn ratios_are_to_sklearn() {
        let row = |name: &str, ours, replicates, speed| Row {
            name: name.to_owned(),
            ours,
            replicates,
            speed: (speed, speed, speed),
            cpu_speed: Some(speed / 2.0),
            memory: 9.0,
        };
        let rows = [
            row("osteon", true, REPLICATES, 1000.0),
            row(SKLEARN, false, 40, 4.0),
        ];
        let table = table(&rows);
        let ours =
            "| **osteon** | 2000 | 1000.0 (1000.0–1000.0) | 250.0 | 500.0 | 250.0 | 2.00 | 9 |";
        assert_eq!(table.lines().nth(2), Some(ours));
        assert!(table.contains("| 500.00 (scaled) |"), "{table}");
        assert!(verdict(&rows).contains("| 250 × |"));
    }
}
