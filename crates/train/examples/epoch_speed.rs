//! Images a second of a training epoch of the seed's network, loader, augmentation and log included: one line of JSON.
//!
//! `cargo run --release -p train --example epoch_speed -- DATA [threads=2] [epochs=2] [precision=bf16]`
//!
//! The learning rate is next to nothing, so the weights stay as drawn: what the network skips depends on them. The first epoch does not
//! count where there are more.
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use osteon_data::Fit;
use osteon_model::ArchitectureName;
use osteon_train::config::{MemoryFormatChoice, PlanRule, PrecisionChoice};
use osteon_train::{Config, Event, OptimizerName, Plan, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    osteon_model::keep_freed_memory();
    let mut words = std::env::args().skip(1);
    let mut config = Config::default();
    config.data.dir = words.next().ok_or("which data?")?.into();
    config.preprocess.size = 150;
    config.preprocess.fit = Fit::Stretch;
    config.model.name = ArchitectureName::SeedCnn;
    config.optimizer.name = OptimizerName::Adam;
    config.optimizer.lr = 1e-12;
    config.train.epochs = 2;
    config.train.threads = 2;
    config.compute.plan = PlanRule::Fixed;
    config.compute.precision = PrecisionChoice::Bf16;
    config.compute.memory_format = MemoryFormatChoice::ChannelsLast;
    config.compute.loader_threads = 1;
    for word in words {
        match word.split_once('=').unwrap_or((&word, "")) {
            ("threads", value) => config.train.threads = value.parse()?,
            ("epochs", value) => config.train.epochs = value.parse()?,
            ("precision", "fp32") => config.compute.precision = PrecisionChoice::Fp32,
            ("precision", "bf16") => config.compute.precision = PrecisionChoice::Bf16,
            _ => return Err(format!("{word} is no option with a value it may have").into()),
        }
    }
    let threads = config.train.threads;
    let run = tempfile::tempdir()?;
    let plan = Plan {
        config,
        run: run.path().join("run"),
        resume: false,
        force: false,
    };
    let (mut speeds, mut waits) = (Vec::new(), Vec::new());
    let mut observer = |event: &Event<'_>| {
        if let Event::Epoch(record) = event {
            speeds.push(record.images_per_second);
            waits.push(record.input_wait);
        }
    };
    let start = Instant::now();
    train(&plan, &mut observer, &AtomicBool::new(false))?;
    let counted = &speeds[usize::from(speeds.len() > 1)..];
    let waits: &[f64] = &waits[usize::from(waits.len() > 1)..];
    let speed = counted.iter().sum::<f64>() / counted.len() as f64;
    let line = serde_json::json!({
        "name": "osteon-epoch",
        "img_per_s": speed,
        "input_wait": waits.iter().copied().fold(0.0, f64::max),
        "threads": threads,
        "seconds": start.elapsed().as_secs_f64(),
        "peak_rss_mb": peak_rss_mb(),
    });
    println!("{line}");
    Ok(())
}

/// Peak resident memory, where Linux tells it.
fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
