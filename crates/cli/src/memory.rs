//! How much memory a command may take: what of it is left for reading images, and giving back what a large image took.

use std::io::Read;
use std::path::Path;

use bytesize::ByteSize;
use osteon_data::Limits;
use osteon_files::FileError;
use osteon_model::{ModelError, Predictor, Prepared, give_back_freed_memory};

use crate::exit::UsageError;

/// What the program and its network take where the system does not tell.
const UNKNOWN: u64 = 1 << 30;
/// Besides what was measured: one image more or less in the allocator's books, a heatmap being encoded.
const SLACK: u64 = 64 << 20;
/// Below this no image worth the name can be read.
const LEAST: u64 = 16 << 20;

/// The part of a limit that images may take, one after the other.
pub struct Budget {
    /// For an image.
    films: u64,
    /// What the process holds without one.
    base: u64,
}

impl Budget {
    /// Of a process that has opened this model and is to take no more than `limit`. Runs the network once on nothing, and what else is
    /// `asked` of it for each image, and measures what that took at most: it takes as much for every image.
    pub fn open(
        limit: ByteSize,
        predictor: &Predictor,
        asked: impl Fn(&Prepared),
    ) -> anyhow::Result<Self> {
        let side = predictor.info().preprocess.side();
        if let Some(blank) = Prepared::of_pixels(vec![0.0; side * side], side) {
            predictor.predict_prepared(&[&blank])?;
            asked(&blank);
        }
        let base = status("VmHWM:").unwrap_or(UNKNOWN);
        // A resize holds the new width times the old height on its way.
        let taken = base + SLACK + side as u64 * u64::from(u16::MAX);
        let films = limit.as_u64().saturating_sub(taken);
        if films < LEAST {
            let least = ByteSize((taken + LEAST).next_multiple_of(1 << 20));
            return Err(UsageError(format!(
                "--max-memory {}: the program and this model take most of it; give {} or more",
                limit.display().iec(),
                least.display().iec()
            ))
            .into());
        }
        Ok(Self { films, base })
    }

    /// What an image may cost.
    pub fn limits(&self) -> Limits {
        Limits {
            max_bytes: self.films,
            ..Limits::default()
        }
    }

    /// A file's bytes, unless there are more than an image may hold. Not even a file without end is read further.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, ModelError> {
        let failed = |source| FileError::new("read", path, source);
        // A vector that grows is there twice.
        let twice = |length: u64| self.limits().afford(length.saturating_mul(2));
        let most = self.films / 2;
        let file = std::fs::File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut bytes = Vec::new();
        twice(length)?;
        bytes.reserve_exact(length as usize);
        file.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        twice(bytes.len() as u64)?;
        Ok(bytes)
    }

    /// After an image: what a large one left in the allocator's hands goes back to the system, or images of different sizes would add up.
    pub fn settle(&self) {
        if status("VmRSS:").is_some_and(|now| now > self.base + self.films / 8) {
            give_back_freed_memory();
        }
    }
}

/// A figure of this process in bytes, where the system tells.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
