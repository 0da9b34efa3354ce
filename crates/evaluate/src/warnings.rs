//! What a reader must know before believing a figure.

use std::collections::BTreeMap;

use osteon_data::{Dataset, Split};
use osteon_report::judgement::Judgement;
use osteon_report::notices;

/// What the report shows by the figures alone, then what only the images show.
pub fn list(judgement: &Judgement, split: Split, films: &Dataset, labels: &[bool]) -> Vec<String> {
    let mut said: Vec<String> = notices(judgement)
        .into_iter()
        .map(|notice| notice.text)
        .collect();
    if split == Split::Test && judgement.looks.is_none() {
        said.push(
            "The model lies in no run that could be written to: how often this test set was judged before is not known."
                .to_owned(),
        );
    }
    said.extend(copies(films, labels));
    said
}

/// Files of the same bytes within the images that are judged.
fn copies(films: &Dataset, labels: &[bool]) -> Vec<String> {
    let mut by_content: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, digest) in films.short_digests().enumerate() {
        by_content.entry(digest).or_default().push(index);
    }
    let mut said = Vec::new();
    let extra: usize = by_content.values().map(|same| same.len() - 1).sum();
    if extra > 0 {
        said.push(format!(
            "{} byte-for-byte of other images that are judged, and count again.",
            if extra == 1 {
                "1 file is a copy".to_owned()
            } else {
                format!("{extra} files are copies")
            }
        ));
    }
    let contradicting: Vec<&Vec<usize>> = by_content
        .values()
        .filter(|same| same.iter().any(|&i| labels[i] != labels[same[0]]))
        .collect();
    if let Some(first) = contradicting.first() {
        let names: Vec<&str> = first.iter().map(|&i| films.ids()[i].as_str()).collect();
        said.push(format!(
            "{} with both labels, so that one of them must be wrong: {}{}.",
            if contradicting.len() == 1 {
                "1 image is there".to_owned()
            } else {
                format!("{} images are there", contradicting.len())
            },
            names.join(" and "),
            if contradicting.len() > 1 { ", …" } else { "" }
        ));
    }
    said
}
