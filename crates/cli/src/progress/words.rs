//! Events of a run in words: the same lines above a bar, in a log file and in the dashboard.

use std::collections::BTreeMap;
use std::path::Path;

use osteon_data::{Aside, Catalog, NoImage, Packed, SharedGroup, Unreadable};
use osteon_train::{EpochRecord, Event};

/// What there is to say of an event; nothing of a step. `epochs`: how many there are at most.
pub fn words(event: &Event<'_>, epochs: u64) -> Vec<String> {
    match event {
        Event::Catalogued { catalog, shared } => {
            let mut said = notes(catalog);
            said.extend(shared_lines(shared));
            said
        }
        Event::Read {
            split,
            films,
            fractured,
            unreadable,
            repaired,
        } => {
            let rest = films - fractured;
            let mut said = vec![format!(
                "{split:>5}: {films} images, {fractured} fractured, {rest} not"
            )];
            said.extend(unreadable_lines(split.name(), unreadable));
            said.extend(repaired_lines(split.name(), repaired));
            said
        }
        Event::Packed { split, packed } => match packed {
            Packed::Found => Vec::new(),
            Packed::Made => vec![format!("{split:>5}: decoded images kept in the cache")],
            Packed::Rebuilt(why) => vec![format!(
                "{split:>5}: the cache was damaged ({why}) and was made anew"
            )],
        },
        Event::Built {
            architecture,
            parameters,
            device,
            batch_size,
            processes,
            films_on_device,
        } => {
            let parameters = thousands(*parameters);
            let mut said = format!(
                "model: {architecture}, {parameters} parameters, on {device}, {batch_size} images a step"
            );
            if *processes > 1 {
                said = format!("{said}, {processes} processes");
            }
            if *films_on_device {
                said.push_str(", images in its memory");
            }
            vec![said]
        }
        Event::Computes(plan) => plan.to_string().lines().map(ToOwned::to_owned).collect(),
        Event::Resumed {
            epoch,
            step,
            damaged,
            differences,
        } => {
            let passed_over = damaged
                .iter()
                .map(|error| format!("warning: {error}; an older one is used"));
            let forced = differences
                .iter()
                .map(|difference| format!("forced: {difference}"));
            let on = format!("going on after step {step}, in epoch {epoch}");
            passed_over.chain(forced).chain([on]).collect()
        }
        Event::Fold { fold, folds } => vec![format!("fold {fold} of {folds}")],
        Event::Epoch(record) => vec![epoch_line(record, epochs)],
        _ => Vec::new(),
    }
}

/// What must be said of a data set whatever is done with it: what lies among the images and is none, and a class that it lacks.
pub fn notes(catalog: &Catalog) -> Vec<String> {
    let mut said = aside_lines(catalog.root(), catalog.aside());
    if let Some((missing, named)) = catalog.missing_class() {
        let named: Vec<String> = named.iter().map(|name| format!("{name:?}")).collect();
        let why = match named.len() {
            0 => String::new(),
            1 => format!(": {} is the only class in it", named.join(", ")),
            _ => format!(": {} all mean the other class", named.join(", ")),
        };
        said.push(format!(
            "warning: the data set has no {missing} images{why}"
        ));
    }
    said
}

/// What was found among images and is none: by name, the first ten, then a count; what systems leave behind by what it is called.
pub fn aside_lines(root: &Path, aside: &[Aside]) -> Vec<String> {
    let name = |aside: &Aside| {
        let below = aside.path.strip_prefix(root).unwrap_or(&aside.path);
        below.display().to_string().escape_debug().to_string()
    };
    let (litter, others): (Vec<&Aside>, Vec<&Aside>) =
        aside.iter().partition(|a| a.why == NoImage::Litter);
    let heading = match others.len() {
        1 => "note: 1 file is left aside, neither labelled nor counted:".to_owned(),
        n => format!("note: {n} files are left aside, neither labelled nor counted:"),
    };
    let named = others
        .iter()
        .map(|a| format!("{} ({})", name(a), a.why.reason()));
    let mut lines = first_ten(heading, named);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for one in litter {
        let name = one.path.file_name().unwrap_or_default().to_string_lossy();
        // Hidden files are there for no one to see.
        if !name.starts_with('.') {
            *kinds.entry(name.escape_debug().to_string()).or_default() += 1;
        }
    }
    if !kinds.is_empty() {
        let kinds: Vec<String> = kinds
            .into_iter()
            .map(|(name, n)| {
                if n == 1 {
                    name
                } else {
                    format!("{name} ({n} times)")
                }
            })
            .collect();
        lines.push(format!(
            "note: passed over, for systems and file managers leave it behind: {}",
            kinds.join(", ")
        ));
    }
    lines
}

/// Patients and other groups that lie in several splits: the first ten, then a count.
fn shared_lines(shared: &[SharedGroup]) -> Vec<String> {
    let films: usize = shared.iter().flat_map(|g| g.images.values()).sum();
    let heading = format!(
        "warning: {} patients or groups lie in more than one split, with {films} images: figures on val and test will show memory, too:",
        shared.len()
    );
    first_ten(heading, shared.iter().map(ToString::to_string))
}

/// Names what did not read on stderr: the first ten, then a count.
pub fn list_unreadable(split: &str, unreadable: &[Unreadable]) {
    for line in unreadable_lines(split, unreadable) {
        eprintln!("{line}");
    }
}

/// Names the damaged images that are shown in part on stderr: the first ten, then a count.
pub fn list_repaired(split: &str, repaired: &[String]) {
    for line in repaired_lines(split, repaired) {
        eprintln!("{line}");
    }
}

fn unreadable_lines(split: &str, unreadable: &[Unreadable]) -> Vec<String> {
    let heading = format!("{} images of {split} do not read:", unreadable.len());
    let named = unreadable
        .iter()
        .map(|film| format!("{}: {}", film.id, film.reason));
    first_ten(heading, named)
}

fn repaired_lines(split: &str, repaired: &[String]) -> Vec<String> {
    let heading = format!(
        "{} images of {split} are damaged; what decodes of them is kept:",
        repaired.len()
    );
    first_ten(heading, repaired.iter().cloned())
}

fn first_ten(heading: String, named: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let count = named.len();
    if count == 0 {
        return Vec::new();
    }
    let mut lines = vec![heading];
    lines.extend(named.take(10).map(|name| format!("  {name}")));
    if count > 10 {
        lines.push(format!("  and {} more", count - 10));
    }
    lines
}

pub fn epoch_line(r: &EpochRecord, epochs: u64) -> String {
    format!(
        "epoch {:>3}/{epochs}  loss {:.4}  val loss {:.4}  AUC {}  uncalibrated at 0.5: sensitivity {}, specificity {}  {:.0} img/s{}",
        r.epoch,
        r.train_loss,
        r.val_loss,
        figure(r.val_roc_auc),
        figure(r.val_sensitivity),
        figure(r.val_specificity),
        r.images_per_second,
        waiting(r.input_wait) + if r.best { "  best" } else { "" },
    )
}

/// Said only where it hurts: the network is there to be kept busy.
fn waiting(input_wait: f64) -> String {
    if input_wait > 0.1 {
        format!(" ({:.0} % waiting for images)", 100.0 * input_wait)
    } else {
        String::new()
    }
}

/// Three decimals, or a dash where undefined.
pub fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(",")
}
