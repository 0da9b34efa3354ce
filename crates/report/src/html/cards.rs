//! Data card and model card.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::parts::{estimate, or_unknown};
use crate::judgement::Judgement;
use crate::text::{Unit, grouped, percent, share};

/// Values of a column before it is cut.
const VALUES: usize = 12;

pub(super) fn data(j: &Judgement) -> Markup {
    let d = &j.data;
    html! {
        section {
            h2 #data { "Data card" }
            dl.facts-list {
                dt { "Data set" } dd { (or_unknown(&d.name)) }
                dt { "Found in" } dd.path { (or_unknown(&d.path)) }
                dt { "Layout" } dd { (or_unknown(&d.layout)) }
                dt { "Images that belong together" } dd { @if d.groups_known { "known" } @else { span.unknown { "not known" } } }
                dt { "Unreadable, damaged" } dd { (grouped(j.unreadable)) ", " (grouped(j.repaired)) }
                @if let Some(caveat) = &d.caveat { dt { "To be said" } dd { (caveat) } }
                dt { "Fingerprint of the judged images" } dd.hash { (or_unknown(&d.fingerprint)) }
            }
            @if !d.splits.is_empty() { div.scroll { table {
                thead { tr { th scope="col" { "split" } th.n scope="col" { "images" } th.n scope="col" { "fractured" } th.n scope="col" { "not fractured" } th.n scope="col" { "share of fractures" } } }
                tbody { @for (split, &(fractured, not)) in in_order(&d.splits) { tr.now[*split == j.split] {
                    @let all = fractured.saturating_add(not);
                    th scope="row" { (split) @if *split == j.split { " " span.ci { "judged here" } } }
                    td.n { (grouped(all)) } td.n { (grouped(fractured)) } td.n { (grouped(not)) }
                    td.n { (share(fractured, all).map_or_else(|| "–".to_owned(), percent)) }
                } } }
            } } }
            @if !d.columns.is_empty() {
                h3 { "Of the judged images" }
                dl.facts-list { @for (column, values) in &d.columns {
                    dt { (column) }
                    dd {
                        @for (n, (value, count)) in sorted(values).into_iter().take(VALUES).enumerate() { @if n > 0 { ", " } (value) " " span.ci { (grouped(count)) } }
                        @if values.len() > VALUES { " and " (values.len() - VALUES) " more values" }
                    }
                } }
            }
        }
    }
}

/// Train, val, test, then what else there is.
fn in_order(splits: &BTreeMap<String, (u64, u64)>) -> Vec<(&String, &(u64, u64))> {
    let place = |split: &str| {
        ["train", "val", "test"]
            .iter()
            .position(|known| *known == split)
    };
    let mut all: Vec<_> = splits.iter().collect();
    all.sort_by_key(|(split, _)| place(split).unwrap_or(usize::MAX));
    all
}

/// The most frequent first.
fn sorted(values: &BTreeMap<String, u64>) -> Vec<(&String, u64)> {
    let mut all: Vec<_> = values
        .iter()
        .map(|(value, count)| (value, *count))
        .collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

pub(super) fn model(j: &Judgement) -> Markup {
    let m = &j.model;
    let images = |(all, fractured): (u64, u64)| {
        html! {
            @if all == 0 { span.unknown { "not known" } } @else { (grouped(all)) " images, " (grouped(fractured)) " fractured" }
        }
    };
    html! {
        section {
            h2 #model { "Model card" }
            dl.facts-list {
                dt { "File" } dd.path { (or_unknown(&m.file)) }
                dt { "Says" } dd { "for an image of a bone, a score from 0 to 1 that it shows a fracture" }
                dt { "Architecture" } dd { (or_unknown(&m.architecture)) @if m.parameters > 0 { "; " (grouped(m.parameters)) " trainable numbers" } }
                dt { "Input" } dd { (or_unknown(&m.input)) }
                dt { "Calibration" } dd { (or_unknown(&m.calibration)) }
                dt { "Threshold" } dd { (crate::text::score(j.summary.threshold)) }
                dt { "Trained on" } dd { (or_unknown(&m.trained_on)) ": " (images(m.train_images)) }
                @if m.val_apart {
                    dt { "Chosen on" } dd { "nothing: the last epoch was kept, and what is decided was fitted to out-of-fold scores" }
                    dt { "Val, kept apart" } dd { (images(m.val_images)) "; ROC-AUC there " (estimate(&m.val_roc_auc, Unit::Index, "not known")) }
                } @else {
                    dt { "Chosen on" } dd { (images(m.val_images)) "; ROC-AUC there " (estimate(&m.val_roc_auc, Unit::Index, "not known")) }
                }
                dt { "Epoch, seed" } dd { @if m.epochs == 0 { span.unknown { "not known" } } @else { "after epoch " (grouped(m.epochs)) ", seed " (m.seed) } }
                dt { "Written by" } dd { (or_unknown(&m.program)) }
                dt { "Licence" } dd { (or_unknown(m.licence.as_deref().unwrap_or_default())) }
                dt { "Attribution" } dd { (or_unknown(m.attribution.as_deref().unwrap_or_default())) }
                dt { "SHA-256 of the weights" } dd.hash { (or_unknown(&m.weights_sha256)) }
                dt { "Not for" } dd { "diagnosis: it is not a medical device" }
            }
        }
    }
}
