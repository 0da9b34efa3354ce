//! What an audit says on a terminal.

use std::fmt::Write as _;

use osteon_audit::{Audit, Leak, NearestNeighbour, percent};
use osteon_data::{BoxFault, Entry};

/// Lines of a list before it is cut.
const SHOWN: usize = 8;

/// The audit as text, the gravest first.
pub fn summary(a: &Audit) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} files show {} different images. {} files are byte-for-byte copies of another; {} do not read.",
        a.images,
        a.distinct,
        a.exact_copies,
        a.unreadable.len(),
    );
    let drawn = a.files.iter().filter(|f| f.drawn.is_some()).count();
    if drawn > 0 {
        let _ = writeln!(
            out,
            "{drawn} files say that they were drawn by this program, and which image of which seed each is: two such are copies only if they are the same image."
        );
    }
    section(
        &mut out,
        "Splits",
        a.balance.iter().map(|b| {
            format!(
                "{:>5}: {} files of {} images, {} fractured ({})",
                b.split.name(),
                b.images,
                b.distinct,
                b.fractured,
                percent(b.share)
            )
        }),
    );
    section(
        &mut out,
        "PATIENTS OR GROUPS IN MORE THAN ONE SPLIT, by the data set's own word",
        a.shared_groups.iter().map(ToString::to_string),
    );
    section(
        &mut out,
        "Copies across splits",
        a.leaks.iter().filter(|l| l.exact + l.near > 0).map(leak),
    );
    section(
        &mut out,
        "Copies that contradict each other in class",
        a.conflicts.iter().map(|c| {
            format!(
                "image {}: {} fractured, {} not{}, such as {} and {}",
                c.cluster,
                c.fractured.len(),
                c.not_fractured.len(),
                if c.exact {
                    ", some with the very same bytes"
                } else {
                    ""
                },
                c.fractured.first().map_or("", String::as_str),
                c.not_fractured.first().map_or("", String::as_str),
            )
        }),
    );
    section(
        &mut out,
        "Files that do not read",
        a.unreadable
            .iter()
            .map(|f| format!("{}: {}", f.path, f.reason)),
    );
    section(
        &mut out,
        "Files named as what they are not",
        a.mislabeled
            .iter()
            .map(|f| format!("{} is {}", f.path, f.format)),
    );
    section(
        &mut out,
        "The most copied images",
        a.clusters.iter().take(SHOWN).map(|c| {
            format!(
                "image {}: {} files, {} of them different, such as {}",
                c.cluster,
                c.files.len(),
                c.distinct,
                c.files.first().map_or("", String::as_str)
            )
        }),
    );
    section(
        &mut out,
        "Figures that give the class away (AUC with its 99 % interval, 0.5 is chance)",
        a.trivial_features
            .iter()
            .filter(|f| f.telling)
            .map(|f| format!("{:<18} {}   {}", f.feature, f.auc_in_words(), f.note)),
    );
    section(
        &mut out,
        "A nearest neighbour on 32×32 pixels, with train as its memory",
        a.nearest_neighbour.iter().map(neighbour),
    );
    out.trim_end().to_owned()
}

/// What of the boxes cannot be right.
pub fn boxes(entries: &[Entry], faults: &[BoxFault]) -> String {
    let marked = entries.iter().filter(|e| !e.boxes.is_empty());
    let fractured = entries.iter().filter(|e| e.label.is_fractured()).count();
    let mut out = format!(
        "\nBoxes\n  {} of {fractured} fractured images have boxes, {} in all\n",
        marked.clone().count(),
        marked.map(|e| e.boxes.len()).sum::<usize>(),
    );
    section(
        &mut out,
        "Boxes that cannot be right",
        faults.iter().map(ToString::to_string),
    );
    out.trim_end().to_owned()
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(out, "  {line}");
    }
    if lines.len() > SHOWN {
        let _ = writeln!(out, "  and {} more (--json lists all)", lines.len() - SHOWN);
    }
}

fn leak(l: &Leak) -> String {
    format!(
        "{} of {} files of {} ({}) show an image that is in {}, too: {} exact, {} turned, resized or re-encoded",
        l.exact + l.near,
        l.images,
        l.judged,
        percent(l.share),
        l.known_to,
        l.exact,
        l.near
    )
}

fn neighbour(n: &NearestNeighbour) -> String {
    format!(
        "{:>5}: accuracy {} as published, {} with copies kept apart (balanced: {}, {})",
        n.judged.name(),
        percent(n.as_published.accuracy),
        percent(n.copies_apart.accuracy),
        percent(n.as_published.balanced_accuracy),
        percent(n.copies_apart.balanced_accuracy),
    )
}
