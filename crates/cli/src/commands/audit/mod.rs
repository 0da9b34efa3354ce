//! `osteon data audit`.

mod text;

use std::sync::Mutex;

use anyhow::Context;
use indicatif::ProgressBar;
use osteon_audit::{Audit, AuditStep, Matcher, audit, page};
use osteon_data::{Aside, BoxFault, Catalog, Decoder, Entry, Label, Split};
use osteon_files::write_atomic;
use serde::Serialize;

use super::open_set;
use crate::args::AuditArgs;
use crate::exit::Ending;
use crate::{output, progress};

/// What `data audit --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    audit: &'a Audit,
    /// What lies among the files and is no image of the data set.
    aside: Vec<LeftAside>,
    /// Boxes that cannot be right, where boxes were asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    box_faults: Option<&'a [BoxFault]>,
    /// The class without a single file, if the data set has one class only.
    missing_class: Option<Label>,
}

/// A file or folder that is neither labelled nor counted.
#[derive(Serialize)]
struct LeftAside {
    path: String,
    reason: &'static str,
}

fn aside(catalog: &Catalog, found: &Aside) -> LeftAside {
    let below = found.path.strip_prefix(catalog.root());
    LeftAside {
        path: below.unwrap_or(&found.path).display().to_string(),
        reason: found.why.reason(),
    }
}

pub fn run(args: &AuditArgs) -> anyhow::Result<Ending> {
    let wanted = args
        .split
        .iter()
        .map(|s| s.parse())
        .collect::<Result<Vec<Split>, _>>()?;
    let catalog = open_set(&args.dir, &args.names)?;
    let (catalog, box_faults) = match &args.boxes {
        Some(path) => {
            let (catalog, faults) = catalog.with_boxes(path)?;
            (catalog, Some(faults))
        }
        None => (catalog, None),
    };
    let entries = chosen(&catalog, &wanted)?;
    let found = watched(&entries);
    if args.json {
        output::json(&Report {
            audit: &found,
            aside: catalog.aside().iter().map(|a| aside(&catalog, a)).collect(),
            box_faults: box_faults.as_deref(),
            missing_class: catalog.missing_class().map(|(label, _)| label),
        })?;
    } else {
        output::line(&text::summary(&found))?;
        if let Some(faults) = &box_faults {
            output::line(&text::boxes(&entries, faults))?;
        }
    }
    if let Some(dir) = &args.report {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let title = catalog
            .root()
            .file_name()
            .map_or_else(|| ".".into(), |n| n.to_string_lossy().into_owned());
        let path = dir.join("index.html");
        write_atomic(&path, page(&title, &found, &entries).as_bytes())?;
        eprintln!("report: {}", path.display());
    }
    Ok(Ending::Done)
}

fn chosen(catalog: &Catalog, wanted: &[Split]) -> anyhow::Result<Vec<Entry>> {
    if wanted.is_empty() {
        return Ok(catalog.entries().to_vec());
    }
    // Asked one by one, so that a split that is not there is named; both classes need not be, for an audit is where that comes out.
    for &split in wanted {
        if !catalog.splits().contains(&split) {
            catalog.split(split)?;
        }
    }
    Ok(catalog
        .entries()
        .iter()
        .filter(|e| wanted.contains(&e.split))
        .cloned()
        .collect())
}

/// The audit under a progress bar.
pub fn watched(entries: &[Entry]) -> Audit {
    let bar = Mutex::new(progress::bar("reading", entries.len()));
    let with_bar = |act: &dyn Fn(&mut ProgressBar)| {
        if let Ok(mut bar) = bar.lock() {
            act(&mut bar);
        }
    };
    let found = audit(
        entries,
        &Decoder::default(),
        &Matcher::default(),
        &|step| match step {
            AuditStep::Read => with_bar(&|bar| bar.inc(1)),
            AuditStep::Round { round, pairs } => with_bar(&|bar| {
                bar.finish_and_clear();
                *bar = progress::bar(&format!("matching {round}"), pairs);
            }),
            AuditStep::Looked { pairs } => with_bar(&|bar| bar.inc(pairs as u64)),
            _ => {}
        },
    );
    with_bar(&|bar| bar.finish_and_clear());
    found
}
