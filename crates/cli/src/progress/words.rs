//! Events of a run in words: the same lines above a bar, in a log file and in the dashboard.

use osteon_data::{Packed, Unreadable};
use osteon_train::{EpochRecord, Event};

/// What there is to say of an event; nothing of a step. `epochs`: how many there are at most.
pub fn words(event: &Event<'_>, epochs: u64) -> Vec<String> {
    match event {
        Event::Read {
            split,
            films,
            fractured,
            unreadable,
            repaired,
        } => {
            let rest = films - fractured;
            let mut said = vec![format!(
                "{split:>5}: {films} films, {fractured} fractured, {rest} not"
            )];
            said.extend(unreadable_lines(split.name(), unreadable));
            said.extend(repaired_lines(split.name(), repaired));
            said
        }
        Event::Packed { split, packed } => match packed {
            Packed::Found => Vec::new(),
            Packed::Made => vec![format!("{split:>5}: decoded films kept in the cache")],
            Packed::Mended(why) => vec![format!(
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
                "model: {architecture}, {parameters} parameters, on {device}, {batch_size} films a step"
            );
            if *processes > 1 {
                said = format!("{said}, {processes} processes");
            }
            if *films_on_device {
                said.push_str(", films in its memory");
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

/// Names what did not read on stderr: the first ten, then a count.
pub fn list_unreadable(split: &str, unreadable: &[Unreadable]) {
    for line in unreadable_lines(split, unreadable) {
        eprintln!("{line}");
    }
}

/// Names the damaged films that are shown in part on stderr: the first ten, then a count.
pub fn list_repaired(split: &str, repaired: &[String]) {
    for line in repaired_lines(split, repaired) {
        eprintln!("{line}");
    }
}

fn unreadable_lines(split: &str, unreadable: &[Unreadable]) -> Vec<String> {
    let heading = format!("{} films of {split} do not read:", unreadable.len());
    let named = unreadable
        .iter()
        .map(|film| format!("{}: {}", film.id, film.reason));
    first_ten(heading, named)
}

fn repaired_lines(split: &str, repaired: &[String]) -> Vec<String> {
    let heading = format!(
        "{} films of {split} are damaged; what decodes of them is kept:",
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
        format!(" ({:.0} % waiting for films)", 100.0 * input_wait)
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
