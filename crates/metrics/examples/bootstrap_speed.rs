//! Times a summary with its bootstrap: `cargo run --release -p metrics --example bootstrap_speed -- data=FILE [WORD…]`.
//!
//! Words: `data=FILE`, lines `label,score` with labels 0 and 1, made if it is not there; `images=N` to make (100,000);
//! `replicates=N` (2,000); `threads=N` (2); `seconds=S`, how long to repeat it (0: once). Prints one line of JSON, with the figures
//! and their intervals so that other programs can be held against them.
#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal, not a library"
)]

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use osteon_metrics::{Summary, SummaryOptions, sigmoid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: HashMap<&str, &str> = arguments
        .iter()
        .filter_map(|word| word.split_once('='))
        .collect();
    let number = |name: &str, default: usize| -> Result<usize, Box<dyn Error>> {
        Ok(words.get(name).map_or(Ok(default), |word| word.parse())?)
    };
    let path = Path::new(words.get("data").ok_or("data=FILE is missing")?);
    if !path.is_file() {
        std::fs::write(path, simulated(number("images", 100_000)?))?;
    }
    let (labels, scores) = read(path)?;
    let replicates = number("replicates", 2000)?;
    let seconds: f64 = words.get("seconds").map_or(Ok(0.0), |word| word.parse())?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(number("threads", 2)?)
        .build_global()?;

    let options = SummaryOptions {
        replicates,
        seed: 0,
    };
    let (start, cpu, mut rounds) = (Instant::now(), processor_time(), 0);
    let summary = loop {
        let summary = Summary::new(&labels, &scores, None, 0.5, 0.95, options)?;
        rounds += 1;
        if start.elapsed().as_secs_f64() >= seconds {
            break summary;
        }
    };
    let taken = start.elapsed().as_secs_f64() / f64::from(rounds);
    let cpu = processor_time().zip(cpu).map(|(end, start)| end - start);
    let line = serde_json::json!({
        "images": labels.len(),
        "replicates": replicates,
        "seconds": taken,
        "replicates_per_s": replicates as f64 / taken,
        "replicates_per_cpu_s": cpu.map(|cpu| replicates as f64 * f64::from(rounds) / cpu),
        "peak_rss_mb": peak_memory(),
        "summary": summary,
    });
    println!("{line}");
    Ok(())
}

/// Overlapping classes, 40 % fractured, nearly all scores distinct.
fn simulated(images: usize) -> String {
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut text = String::new();
    for _ in 0..images {
        let label = generator.random_bool(0.4);
        let logit = generator.random_range(-4.0..4.0) + if label { 2.0 } else { -2.0 };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{},{}", u8::from(label), sigmoid(logit));
    }
    text
}

fn read(path: &Path) -> Result<(Vec<bool>, Vec<f64>), Box<dyn Error>> {
    let (mut labels, mut scores) = (Vec::new(), Vec::new());
    for line in std::fs::read_to_string(path)?.lines() {
        let (label, score) = line.split_once(',').ok_or("expected label,score")?;
        labels.push(label == "1");
        scores.push(score.parse()?);
    }
    Ok((labels, scores))
}

/// In seconds, of all threads, where the system tells it.
fn processor_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in brackets; user and system time are fields 14 and 15, in hundredths.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut hundredths = || fields.next()?.parse::<f64>().ok();
    Some((hundredths()? + hundredths()?) / 100.0)
}

/// In MB, where the system tells it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some((kilobytes / 1024.0).round())
}
