//! The judgement as tables for other programs. Numbers are written so that they read back to the same bits.

use std::collections::BTreeSet;
use std::fmt::Display;

use ::csv::Writer;
use osteon_metrics::{Confusion, DetectionSummary, Estimate};

use crate::figures::figures;
use crate::judgement::{Explanation, JudgedImage, Judgement, Seen};

const FIXED: [&str; 6] = ["id", "label", "score", "decision", "group", "seen"];

/// `scores.csv`: a line an image, in the order given: `id`, `label` (1: fractured, 0: not), `score`, `decision`, `group`, `seen`
/// (`no`, `chosen`, `near`, `exact`), then what else is known of any image, a column each. A column that bears one of the names before is
/// called `field_` and its name.
#[must_use]
pub fn scores_csv(films: &[JudgedImage]) -> String {
    let fields: BTreeSet<&String> = films.iter().flat_map(|film| film.fields.keys()).collect();
    let mut rows = vec![FIXED.map(str::to_owned).to_vec()];
    rows[0].extend(fields.iter().map(|field| {
        if FIXED.contains(&field.as_str()) {
            format!("field_{field}")
        } else {
            (*field).clone()
        }
    }));
    rows.extend(films.iter().map(|film| {
        let seen = match film.seen {
            Seen::No => "no",
            Seen::Chosen => "chosen",
            Seen::Near => "near",
            Seen::Exact => "exact",
        };
        let mut row = vec![
            film.id.clone(),
            u8::from(film.fractured).to_string(),
            film.score.to_string(),
            film.decision.clone(),
            film.group.clone().unwrap_or_default(),
            seen.to_owned(),
        ];
        let rest = fields.iter().map(|field| film.fields.get(*field).cloned());
        row.extend(rest.map(Option::unwrap_or_default));
        row
    }));
    write(&rows)
}

/// The lines of the heatmaps that were held against boxes.
fn explanation(table: &mut Table, e: &Explanation) {
    for (name, all, detected) in [
        ("pointing", &e.pointing_boxed, &e.pointing_detected),
        ("iou", &e.iou_boxed, &e.iou_detected),
    ] {
        table.estimate(&format!("explanation.{name}.boxed"), all, e.boxed, "share");
        table.estimate(
            &format!("explanation.{name}.detected"),
            detected,
            e.detected,
            "share",
        );
    }
    table.estimate(
        "explanation.heat_inside.detected",
        &e.heat_inside_detected,
        e.detected,
        "share",
    );
    for d in &e.deletion {
        for (name, estimate) in [
            ("hottest", &d.hottest),
            ("random", &d.random),
            ("difference", &d.difference),
        ] {
            let name = format!("explanation.deletion.{}.{name}", d.share);
            table.estimate(&name, estimate, e.detected, "score");
        }
    }
}

/// The lines of the boxes that were judged.
fn boxes(table: &mut Table, b: &DetectionSummary) {
    table.estimate("boxes.ap50", &b.ap50, b.known, "ap");
    table.estimate("boxes.ap", &b.ap, b.known, "ap");
    for point in &b.froc {
        let name = format!("boxes.froc.{}", point.false_boxes);
        table.estimate(&name, &point.sensitivity, b.known, "share");
    }
    for size in &b.sizes {
        let name = format!("boxes.from_{}", size.from);
        table.estimate(&name, &size.sensitivity, size.known, "share");
    }
}

/// `figures.csv`: `name,value,low,high,n,unit`, a line a figure. A name is a key of the JSON, with where it stands before it:
/// `clean.` for the images the model has not seen, `groups.` for every group counting once, `subgroup.COLUMN=VALUE.`,
/// `point.NAME.`, `doubt.`, `explanation.`, `boxes.`. Undefined is empty. `n` is what the figure was counted over.
#[must_use]
pub fn figures_csv(judgement: &Judgement) -> String {
    let j = judgement;
    let mut table = Table(vec![
        ["name", "value", "low", "high", "n", "unit"]
            .map(str::to_owned)
            .to_vec(),
    ]);
    let summaries = [
        ("", Some(&j.summary)),
        ("clean.", j.leak.clean_figures()),
        ("groups.", j.groups.as_ref().map(|groups| &groups.summary)),
    ];
    for (place, summary) in summaries {
        let Some(summary) = summary else { continue };
        table.number(&format!("{place}images"), summary.images, "count");
        table.number(&format!("{place}threshold"), summary.threshold, "score");
        table.confusion(place, &summary.confusion);
        for f in figures(summary) {
            let name = format!("{place}{}", f.key);
            table.estimate(&name, &f.estimate, f.n, f.unit.name());
        }
    }
    table.number("unreadable", j.unreadable, "count");
    table.number("repaired", j.repaired, "count");
    if j.leak.known {
        table.number("leak.exact", j.leak.exact, "count");
        table.number("leak.near", j.leak.near, "count");
        table.number("leak.clean", j.leak.clean, "count");
    }
    table.number("doubt.deferred", j.doubt.deferred, "count");
    table.confusion("doubt.", &j.doubt.confusion_of_the_rest);
    let rest = j.doubt.confusion_of_the_rest.total();
    table.estimate(
        "doubt.error_of_the_rest",
        &j.doubt.error_of_the_rest,
        rest,
        "share",
    );
    if let Some(explained) = &j.explanation {
        explanation(&mut table, explained);
    }
    if let Some(found) = &j.boxes {
        boxes(&mut table, found);
    }
    for s in &j.subgroups {
        let place = format!("subgroup.{}={}.", s.column, s.value);
        let whole = s.images.saturating_sub(s.fractured);
        table.estimate(
            &format!("{place}sensitivity"),
            &s.sensitivity,
            s.fractured,
            "share",
        );
        table.estimate(
            &format!("{place}specificity"),
            &s.specificity,
            whole,
            "share",
        );
        table.estimate(&format!("{place}roc_auc"), &s.roc_auc, s.images, "index");
    }
    for p in &j.operating_points {
        let (place, c) = (format!("point.{}.", p.name), &p.confusion);
        table.number(&format!("{place}threshold"), p.threshold, "score");
        table.confusion(&place, c);
        for (key, estimate, n) in [
            ("sensitivity", &p.sensitivity, c.positives()),
            ("specificity", &p.specificity, c.negatives()),
            ("precision", &p.precision, c.tp.saturating_add(c.fp)),
            ("npv", &p.npv, c.tn.saturating_add(c.fn_)),
        ] {
            table.estimate(&format!("{place}{key}"), estimate, n, "share");
        }
    }
    write(&table.0)
}

struct Table(Vec<Vec<String>>);

impl Table {
    fn number(&mut self, name: &str, value: impl Display, unit: &str) {
        let none = String::new;
        self.0.push(vec![
            name.to_owned(),
            value.to_string(),
            none(),
            none(),
            none(),
            unit.to_owned(),
        ]);
    }

    fn estimate(&mut self, name: &str, e: &Estimate, n: u64, unit: &str) {
        let text = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
        self.0.push(vec![
            name.to_owned(),
            text(e.value),
            text(e.low),
            text(e.high),
            n.to_string(),
            unit.to_owned(),
        ]);
    }

    fn confusion(&mut self, place: &str, c: &Confusion) {
        for (key, count) in [("tp", c.tp), ("fn", c.fn_), ("fp", c.fp), ("tn", c.tn)] {
            self.number(&format!("{place}{key}"), count, "count");
        }
    }
}

/// Invariant: writing rows of one length into memory does not fail, and text in is text out.
fn write(rows: &[Vec<String>]) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    for row in rows {
        if let Err(error) = writer.write_record(row) {
            unreachable!("rows of one length: {error}");
        }
    }
    match writer.into_inner() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => unreachable!("writing into memory: {error}"),
    }
}
