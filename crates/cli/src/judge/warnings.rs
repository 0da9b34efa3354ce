//! What a reader must know before believing a figure.

use std::collections::BTreeMap;

use osteon_data::{Films, Split};
use osteon_report::judgement::Judgement;

/// With fewer images of a class, an interval is wider than ±18 points whatever the model does.
const FEW: u64 = 30;

/// In the order of how much they take away from the figures.
pub fn list(judgement: &Judgement, split: Split, films: &Films, labels: &[bool]) -> Vec<String> {
    let (leak, images) = (&judgement.leak, judgement.summary.images);
    let mut said = Vec::new();
    let known = leak.exact + leak.near;
    if split == Split::Train {
        said.push(
            "These are the films the model learned from: the figures show memory, not skill."
                .to_owned(),
        );
    } else if known > 0 {
        said.push(format!(
            "{known} of these {images} films are not new to the model: {} are, byte for byte, films it was trained or chosen on, {} show such \
             a film in another file. The figures on all films show memory as well as skill; believe those on the {} clean films.",
            leak.exact, leak.near, leak.clean
        ));
    }
    if !leak.known && split != Split::Train {
        said.push(
            "The model file does not say what it was trained on: it may know these films."
                .to_owned(),
        );
    }
    if split == Split::Val {
        said.push(
            "The model, its calibration, its thresholds and its doubt band were chosen on val: the figures flatter by as much as the choice gained."
                .to_owned(),
        );
    }
    if let Some(looks) = judgement.looks.filter(|looks| *looks > 1) {
        said.push(format!(
            "This test set was judged {looks} times by models of this run: every look that led to a change makes the figures flatter."
        ));
    }
    if judgement.unreadable > 0 {
        said.push(format!(
            "{} files do not read and are in no figure.",
            judgement.unreadable
        ));
    }
    if judgement.repaired > 0 {
        said.push(format!(
            "{} films are damaged and judged by what decodes of them.",
            judgement.repaired
        ));
    }
    said.extend(copies(films, labels));
    let confusion = judgement.summary.confusion;
    for (count, class) in [
        (confusion.positives(), "fractured"),
        (confusion.negatives(), "not fractured"),
    ] {
        if count < FEW {
            said.push(format!(
                "Only {count} films are {class}: what depends on them is uncertain, as the intervals say."
            ));
        }
    }
    if let Some(mixed) = judgement
        .groups
        .as_ref()
        .map(|g| g.mixed)
        .filter(|m| *m > 0)
    {
        said.push(format!(
            "{mixed} groups hold films of both labels; counted once, they count as fractured."
        ));
    }
    said.extend(judgement.data.caveat.clone());
    said
}

/// Files of the same bytes within the films that are judged.
fn copies(films: &Films, labels: &[bool]) -> Vec<String> {
    let mut by_content: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, digest) in films.short_digests().enumerate() {
        by_content.entry(digest).or_default().push(index);
    }
    let mut said = Vec::new();
    let extra: usize = by_content.values().map(|same| same.len() - 1).sum();
    if extra > 0 {
        said.push(format!(
            "{extra} files are byte-for-byte copies of other files that are judged, and count again."
        ));
    }
    let contradicting: Vec<&Vec<usize>> = by_content
        .values()
        .filter(|same| same.iter().any(|&i| labels[i] != labels[same[0]]))
        .collect();
    if let Some(first) = contradicting.first() {
        let names: Vec<&str> = first.iter().map(|&i| films.ids()[i].as_str()).collect();
        said.push(format!(
            "{} films are there with both labels, so that one of them must be wrong: {}{}.",
            contradicting.len(),
            names.join(" and "),
            if contradicting.len() > 1 { ", …" } else { "" }
        ));
    }
    said
}
