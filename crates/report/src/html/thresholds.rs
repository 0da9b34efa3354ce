//! What other thresholds would give, and the operating points of the model file.

use maud::{Markup, html};
use osteon_metrics::{Confusion, wilson};

use super::Judged;
use super::parts::{estimate, value};
use crate::error::{ReportError, of};
use crate::judgement::{Judgement, PointFigures};
use crate::plot::letter;
use crate::text::{Unit, grouped, percent, score, share};

pub(super) fn section(j: &Judgement, judged: &Judged) -> Result<Markup, ReportError> {
    let table = if judged.known && j.summary.images > 0 {
        Some(thresholds(j, judged)?)
    } else {
        None
    };
    Ok(html! {
        section {
            h2 #thresholds { "Thresholds" }
            h3 { "Operating points of the model" }
            (operating_points(j))
            h3 { "Other thresholds on these images" }
            @if let Some(table) = table {
                p { "For reading, not for choosing: a threshold picked from this table would have to be judged on other images." }
                (table)
            } @else { p { "Not known: the scores of the single images were not given." } }
        }
    })
}

fn operating_points(j: &Judgement) -> Markup {
    html! {
        @if j.operating_points.is_empty() { p { "The model file has none." } } @else {
            p { "Chosen on val, kept in the model file, and only looked at here." }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "point" } th.n scope="col" { "threshold" } th scope="col" { "sensitivity" } th scope="col" { "specificity" }
                    th scope="col" { "precision" } th scope="col" { "NPV" } th.n scope="col" { "missed" } th.n scope="col" { "false alarms" }
                } }
                tbody { @for (n, p) in j.operating_points.iter().enumerate() { tr.now[in_use(j, p)] {
                    th.name scope="row" { b.badge { (letter(n)) } " " (p.name) @if in_use(j, p) { " " span.ci { "in use" } } }
                    td.n { (score(p.threshold)) }
                    td.e { (estimate(&p.sensitivity, Unit::Share, "no fractured image")) span.n { "on val " (value(p.val_sensitivity, Unit::Share)) } }
                    td.e { (estimate(&p.specificity, Unit::Share, "no unfractured image")) span.n { "on val " (value(p.val_specificity, Unit::Share)) } }
                    td.e { (estimate(&p.precision, Unit::Share, "nothing called")) }
                    td.e { (estimate(&p.npv, Unit::Share, "nothing passed")) }
                    td.n { (grouped(p.confusion.fn_)) " of " (grouped(p.confusion.positives())) }
                    td.n { (grouped(p.confusion.fp)) " of " (grouped(p.confusion.negatives())) }
                } } }
            } }
        }
    }
}

fn in_use(j: &Judgement, p: &PointFigures) -> bool {
    same(p.threshold, j.summary.threshold)
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

/// Round values, and each operating point among them.
fn thresholds(j: &Judgement, judged: &Judged) -> Result<Markup, ReportError> {
    let why = of("the table of thresholds");
    let named = |threshold: f64| {
        let points = j.operating_points.iter().enumerate();
        points
            .filter(move |(_, p)| same(p.threshold, threshold))
            .map(|(n, _)| letter(n))
    };
    let mut all: Vec<f64> = j.operating_points.iter().map(|p| p.threshold).collect();
    all.push(j.summary.threshold);
    // A round value that would read like a point of the model makes room for it.
    let own = all.clone();
    let round = (1..10).map(|tenth| f64::from(tenth) / 10.0);
    all.extend(round.filter(|round| own.iter().all(|own| (own - round).abs() > 0.004)));
    all.sort_by(f64::total_cmp);
    all.dedup_by(|a, b| same(*a, *b));
    let mut rows = Vec::new();
    for threshold in all {
        let c = Confusion::at_threshold(&judged.labels, &judged.scores, threshold).map_err(&why)?;
        let rate = |part: u64, whole: u64| wilson(part, whole, 0.95).map_err(&why);
        let flagged = c.tp + c.fp;
        rows.push(html! { tr.now[same(threshold, j.summary.threshold)] {
            th.n scope="row" { (score(threshold)) @for letter in named(threshold) { " " b.badge { (letter) } } }
            td.e { (estimate(&rate(c.tp, c.positives())?, Unit::Share, "no fractured image")) }
            td.e { (estimate(&rate(c.tn, c.negatives())?, Unit::Share, "no unfractured image")) }
            td.e { (estimate(&rate(c.tp, flagged)?, Unit::Share, "nothing called")) }
            td.e { (estimate(&rate(c.tn, c.tn + c.fn_)?, Unit::Share, "nothing passed")) }
            td.n { (grouped(flagged)) @if let Some(share) = share(flagged, c.total()) { " " span.ci { (percent(share)) } } }
        } });
    }
    let c = &j.summary.confusion;
    Ok(html! {
        div.scroll { table {
            thead { tr {
                th.n scope="col" { "score at least" } th scope="col" { "sensitivity (n = " (grouped(c.positives())) ")" } th scope="col" { "specificity (n = " (grouped(c.negatives())) ")" }
                th scope="col" { "precision (PPV)" } th scope="col" { "NPV" } th.n scope="col" { "called fractured" }
            } }
            tbody { @for row in &rows { (row) } }
        } }
        p.small { "Wilson's 95 % intervals, every image for itself. The row in use is set off; letters are the operating points above." }
    })
}
