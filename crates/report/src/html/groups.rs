//! Figures by the value of a column, and with every group counting once.

use maud::{Markup, html};
use osteon_metrics::Estimate;

use super::headline::table;
use super::parts::estimate;
use crate::figures::figures;
use crate::judgement::{Judgement, Subgroup};
use crate::plot::{Scale, strip};
use crate::text::{Unit, grouped, percent, share};

pub(super) fn subgroups(j: &Judgement) -> Markup {
    html! {
        section {
            h2 #subgroups { "Subgroups" }
            @if j.subgroups.is_empty() {
                p { "Nothing else is known of these images, so no subgroup can be looked at." }
            } @else {
                p { "Each point is a figure with its 95 % interval; the upright line is the figure of all images. Intervals that lie wholly beside it deserve a look. About one in twenty does so by chance." }
                (forest(j))
            }
        }
    }
}

fn forest(j: &Judgement) -> Markup {
    let s = &j.summary;
    let of = |pick: fn(&Subgroup) -> &Estimate| j.subgroups.iter().map(pick);
    let auc = Scale::holding(0.5, of(|g| &g.roc_auc).chain([&s.roc_auc]));
    let sensitivity = Scale::holding(0.5, of(|g| &g.sensitivity).chain([&s.sensitivity]));
    let specificity = Scale::holding(0.5, of(|g| &g.specificity).chain([&s.specificity]));
    let cell = |e: &Estimate, unit, scale, all: &Estimate, undefined| {
        html! {
            td.forest { (strip(e, scale, all.value)) span.e { (estimate(e, unit, undefined)) } }
        }
    };
    let row = |auc_of: &Estimate, sens: &Estimate, spec: &Estimate| {
        html! {
            (cell(auc_of, Unit::Index, auc, &s.roc_auc, "needs both classes"))
            (cell(sens, Unit::Share, sensitivity, &s.sensitivity, "no fractured image"))
            (cell(spec, Unit::Share, specificity, &s.specificity, "no unfractured image"))
        }
    };
    let mut columns: Vec<&str> = Vec::new();
    for g in &j.subgroups {
        if !columns.contains(&g.column.as_str()) {
            columns.push(&g.column);
        }
    }
    html! {
        div.scroll { table.forest {
            thead { tr {
                th scope="col" { "images" } th.n scope="col" { "n" } th.n scope="col" { "fractured" }
                th scope="col" { "ROC-AUC" span.axis { (format!("{:.1}", auc.low)) span { "1.0" } } }
                th scope="col" { "sensitivity" span.axis { (format!("{:.0} %", sensitivity.low * 100.0)) span { "100 %" } } }
                th scope="col" { "specificity" span.axis { (format!("{:.0} %", specificity.low * 100.0)) span { "100 %" } } }
            } }
            tbody { tr.now {
                th scope="row" { "all" } td.n { (grouped(s.images)) } td.n { (grouped(s.confusion.positives())) }
                (row(&s.roc_auc, &s.sensitivity, &s.specificity))
            } }
            @for column in &columns { tbody {
                tr.column { th scope="rowgroup" colspan="6" { "by " (column) } }
                @for g in j.subgroups.iter().filter(|g| g.column == *column) { tr {
                    th scope="row" { (g.value) } td.n { (grouped(g.images)) }
                    td.n { (grouped(g.fractured)) @if let Some(share) = share(g.fractured, g.images) { " " span.ci { (percent(share)) } } }
                    (row(&g.roc_auc, &g.sensitivity, &g.specificity))
                } }
            } }
        } }
    }
}

pub(super) fn once_each(j: &Judgement) -> Markup {
    html! { @if let Some(groups) = &j.groups {
        section {
            h2 #groups { "Every group counting once" }
            p {
                "Images that belong together (one patient, one study, copies of one image) are not independent. Here each of the "
                b { (grouped(groups.groups)) } " groups counts once: its score is the mean of its images' scores, and it is fractured when any of them is. The largest has "
                (grouped(groups.largest)) " images"
                @if groups.mixed > 0 { "; " (grouped(groups.mixed)) " hold images of both labels" } "."
            }
            (table(&[
                (format!("by image (n = {})", grouped(j.summary.images)), figures(&j.summary)),
                (format!("by group (n = {})", grouped(groups.summary.images)), figures(&groups.summary)),
            ]))
        }
    } }
}
