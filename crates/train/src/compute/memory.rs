//! Plans that were found before, in the user's cache folder: the same run computes the same the next time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tch::Device;

use super::ComputePlan;
use crate::Config;

/// What a plan depends on, in words.
pub(super) fn key(config: &Config, device: Device) -> String {
    let device = match device {
        Device::Cpu => format!("{} × {}", processor(), super::cores()),
        other => format!("{other:?} beside {} × {}", processor(), super::cores()),
    };
    // "trial 2": what the first trials found on busy machines is not believed.
    // Invariant: these are plain numbers and words, which JSON holds.
    let parts = [
        serde_json::to_string(&config.model),
        serde_json::to_string(&config.compute),
        serde_json::to_string(&config.augment),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!(
        "{device}, osteon {}, trial 2, {} images of {} px, {} threads, {}",
        env!("CARGO_PKG_VERSION"),
        config.train.batch_size,
        config.preprocess.size,
        config.train.threads,
        parts.join(", ")
    )
}

/// The plan found before, if there is one.
pub(super) fn recall(key: &str) -> Option<ComputePlan> {
    let text = std::fs::read(file()?).ok()?;
    let mut plans: BTreeMap<String, ComputePlan> = serde_json::from_slice(&text).ok()?;
    plans.remove(key)
}

/// Keeps a plan. Where nothing can be written, the next run finds it again.
pub(super) fn keep(key: &str, plan: &ComputePlan) {
    let Some(file) = file() else { return };
    let mut plans: BTreeMap<String, ComputePlan> = std::fs::read(&file)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    plans.insert(key.to_owned(), plan.clone());
    if let Ok(text) = serde_json::to_vec_pretty(&plans) {
        let _ = osteon_files::write_atomic(&file, &text);
    }
}

fn file() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(folder.join("osteon").join("plans.json"))
}

/// What the processor calls itself, where the system tells.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    match (line("model name"), line("cpu family"), line("model\t")) {
        (Some(name), Some(family), Some(model)) => format!("{name} {family}.{model}"),
        _ => std::env::consts::ARCH.to_owned(),
    }
}
