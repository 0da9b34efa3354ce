//! Images a second of the loader: this crate's contestant in `cargo xtask bench data`.
//!
//!     cargo run --release -p data --example loader_speed -- DIR [key=value]…
//!
//! Keys: `workers` (2), `seconds` (10), `size` (224), `warmup` (8, batches), `cache` (a folder: decode once to `side` = 256, then only
//! augment), `gap` (JPEGs are decoded at no less than this times the size needed), `instructions` (scalar, avx2, avx512: at most these). The folder is searched for JPEG files; the work for each image is
//! that of the other contestants: luma, antialiased resize without keeping the aspect, mirror, rotation ± 20°, shift ± 10 %, zoom
//! ± 10 %, brightness and contrast ± 20 %, `(x/255 − 0.5)/0.5`, batches of 32. Prints one JSON object.
#![allow(clippy::print_stdout, reason = "a program: its result")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use osteon_data::{
    Augment, Cache, ClassNames, DataError, DataLoader, Decoder, Entry, Fit, Instructions, Label,
    LoadOptions, Preprocess, Sampler, Shard, Split, image_files,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let (mut workers, mut seconds, mut size, mut warmup, mut side) =
        (2_usize, 10.0_f64, 224_u32, 8, 256_u32);
    let (mut cache, mut gap) = (None, Decoder::default().reduce_gap);
    let mut instructions = Instructions::best();
    for argument in arguments {
        let (key, value) = argument.split_once('=').ok_or("key=value")?;
        match key {
            "workers" => workers = value.parse()?,
            "seconds" => seconds = value.parse()?,
            "size" => size = value.parse()?,
            "warmup" => warmup = value.parse()?,
            "side" => side = value.parse()?,
            "gap" => gap = value.parse()?,
            "cache" => cache = Some(PathBuf::from(value)),
            "instructions" => {
                instructions = match value {
                    "scalar" => Instructions::Scalar,
                    "avx2" => Instructions::Avx2,
                    _ => Instructions::best(),
                }
            }
            other => return Err(format!("unknown key {other}").into()),
        }
    }
    let entries = jpegs(&dir)?;
    let options = LoadOptions {
        batch_size: 32,
        sampler: Sampler::Shuffled,
        shard: Shard::WHOLE,
        first_batch: 0,
        augment: Some(Augment {
            shear: 0.0,
            ..Augment::default()
        }),
        crop: cache.is_some().then_some(size),
        seed: 1,
        epochs: 0..u64::MAX,
        prefetch: 2,
        threads: workers,
        instructions,
    };
    let preprocess = Preprocess {
        size: if cache.is_some() { side } else { size },
        fit: Fit::Stretch,
        ..Preprocess::default()
    };
    let decoder = Decoder {
        reduce_gap: gap,
        ..Decoder::default()
    };
    let films = entries.len();
    let mut loader = match &cache {
        Some(dir) => {
            let (films, _) = Cache::new(dir).dataset(&entries, &decoder, &preprocess, &|| {})?;
            Arc::new(films).loader(options)
        }
        None => DataLoader::stream(entries, &decoder, &preprocess, false, options),
    };
    for _ in 0..warmup {
        loader.next().ok_or("no images")??;
    }
    let middle = (size * size / 2 + size / 2) as usize;
    let (mut images, mut touched) = (0, 0.0);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        let batch = loader.next().ok_or("no images")??;
        touched += batch.pixels[middle];
        images += batch.len();
    }
    let elapsed = start.elapsed().as_secs_f64();
    let peak = std::fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .trim_end_matches(" kB")
                .parse::<f64>()
                .ok()
        });
    println!(
        "{}",
        serde_json::json!({
            "name": "osteon",
            "img_per_s": (images as f64 / elapsed * 10.0).round() / 10.0,
            // Hardly depends on what else the machine does.
            "img_per_cpu_s": (images as f64 / (cpu_seconds() - cpu).max(1e-9) * 10.0).round() / 10.0,
            "peak_rss_mb": peak.map(|kb| (kb / 102.4).round() / 10.0),
            "threads": workers,
            "images": images,
            "films": films,
            "seconds": elapsed,
            "instructions": format!("{instructions:?}").to_lowercase(),
            "touched": touched,
        })
    );
    Ok(())
}

/// The JPEG files below a folder, labelled by the folder they lie in.
fn jpegs(dir: &Path) -> Result<Vec<Entry>, DataError> {
    let entries = image_files(dir)?
        .into_iter()
        .filter(|path| {
            let ending = path
                .extension()
                .unwrap_or_default()
                .to_string_lossy()
                .to_lowercase();
            ending == "jpg" || ending == "jpeg"
        })
        .map(|path| Entry {
            id: path.display().to_string(),
            label: ClassNames::default()
                .of_folder(
                    &path
                        .parent()
                        .and_then(|p| p.file_name())
                        .unwrap_or_default()
                        .to_string_lossy(),
                )
                .unwrap_or(Label::NotFractured),
            path,
            split: Split::Train,
            group: None,
            fields: BTreeMap::new(),
            boxes: Vec::new(),
        })
        .collect();
    Ok(entries)
}

/// Processor time of this process so far, where the system says it in hundredths as Linux does; else 0.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}
