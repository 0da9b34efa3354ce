//! `osteon data pack`.

use osteon_data::{Cache, Catalog, Entry, Layout, Packed, Split};
use osteon_train::config::Layers;
use serde::Serialize;

use super::note;
use crate::args::PackArgs;
use crate::exit::{Ending, UsageError};
use crate::{output, progress};

/// What `data pack --json` prints.
#[derive(Serialize)]
struct Report {
    cache: String,
    size: u32,
    splits: Vec<Pack>,
}

/// One split's pack.
#[derive(Serialize)]
struct Pack {
    split: Split,
    images: usize,
    unreadable: usize,
    repaired: usize,
    /// `found`, `made` or `rebuilt`.
    #[serde(rename = "pack")]
    found: &'static str,
}

pub fn run(args: &PackArgs) -> anyhow::Result<Ending> {
    let layers = Layers {
        file: args.config.clone(),
        set: args.set.clone(),
    };
    let config = layers.resolve().map_err(osteon_train::TrainError::from)?;
    let given = args.cache.as_ref().map(Cache::new);
    let Some(cache) = given.or_else(|| config.data.cache()) else {
        let said = "where to? Name a folder by --cache, and the same to `train` by --set data.cache=DIR, or set data.cache in the config";
        return Err(UsageError(said.to_owned()).into());
    };
    let decoder = config.data.decoder();
    let layout = match args.layout {
        Layout::Auto => config.data.layout,
        named => named,
    };
    let catalog = Catalog::open_as(&args.dir, layout, &config.data.classes)?;
    note(&catalog);
    let mut report = Report {
        cache: cache.dir().display().to_string(),
        size: config.preprocess.size,
        splits: Vec::new(),
    };
    for &split in catalog.splits() {
        let of_split = catalog
            .entries()
            .iter()
            .filter(|entry| entry.split == split);
        let entries: Vec<Entry> = of_split.cloned().collect();
        let bar = progress::bar(&format!("packing {split}"), entries.len());
        let (films, packed) =
            cache.dataset(&entries, &decoder, &config.preprocess, &|| bar.inc(1))?;
        bar.finish_and_clear();
        progress::list_unreadable(split.name(), films.unreadable());
        progress::list_repaired(split.name(), films.repaired());
        report.splits.push(Pack {
            split,
            images: films.len(),
            unreadable: films.unreadable().len(),
            repaired: films.repaired().len(),
            found: match packed {
                Packed::Found => "found",
                Packed::Made => "made",
                Packed::Rebuilt(_) => "rebuilt",
            },
        });
    }
    if args.json {
        output::json(&report)?;
    } else {
        for pack in &report.splits {
            let how = match pack.found {
                "found" => "found as it was",
                "made" => "decoded and kept",
                _ => "damaged, and made anew",
            };
            output::line(&format!(
                "{:>5}: {} images, {how}",
                pack.split.name(),
                pack.images
            ))?;
        }
        output::line(&format!(
            "in {}; train on them with --set data.cache={}",
            report.cache, report.cache
        ))?;
    }
    Ok(Ending::Done)
}
