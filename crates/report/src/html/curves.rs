//! Curves over all thresholds, and what the scores are worth as probabilities.

use maud::{Markup, html};

use super::Judged;
use super::parts::{estimate, value};
use crate::error::ReportError;
use crate::figures::figure;
use crate::judgement::Judgement;
use crate::plot::{histogram, letter, missing, pr, reliability, roc};
use crate::text::{Unit, count, grouped, score};

const NO_FILMS: &str = "not drawn: the scores of the single images were not given";

pub(super) fn section(j: &Judgement, judged: &Judged) -> Result<Markup, ReportError> {
    let (roc, pr) = if judged.known {
        (
            roc(j, &judged.labels, &judged.scores)?,
            pr(j, &judged.labels, &judged.scores)?,
        )
    } else {
        (missing(NO_FILMS), missing(NO_FILMS))
    };
    let s = &j.summary;
    let n =
        html! { "n = " (grouped(s.images)) ", " (grouped(s.confusion.positives())) " fractured" };
    Ok(html! {
        section {
            h2 #curves { "At every threshold" }
            div.two {
                figure.plot {
                    h3 { "ROC curve" }
                    p.key-line { "AUC " (estimate(&s.roc_auc, Unit::Index, "needs both classes")) " · " (n) }
                    (roc)
                    (points(j, |p| html! { "sensitivity " (value(p.sensitivity.value, Unit::Share)) ", specificity " (value(p.specificity.value, Unit::Share)) }))
                }
                figure.plot {
                    h3 { "Precision and recall" }
                    p.key-line { "average precision " (estimate(&s.average_precision, Unit::Index, "no fractured image")) " · " (n) }
                    (pr)
                    (points(j, |p| html! { "sensitivity " (value(p.sensitivity.value, Unit::Share)) ", precision " (value(p.precision.value, Unit::Share)) }))
                }
            }
        }
    })
}

fn points(j: &Judgement, says: impl Fn(&crate::judgement::PointFigures) -> Markup) -> Markup {
    html! { @if !j.operating_points.is_empty() { figcaption {
        ul.key { @for (n, p) in j.operating_points.iter().enumerate() { li {
            b.badge { (letter(n)) } " " (p.name) " (score ≥ " (score(p.threshold)) "): " (says(p))
        } } }
        "Thin lines: 95 % intervals of both rates."
    } } }
}

pub(super) fn scores_section(j: &Judgement, judged: &Judged) -> Result<Markup, ReportError> {
    let (reliability, histogram) = if judged.known {
        (
            reliability(&judged.labels, &judged.scores)?,
            histogram(j, &judged.labels, &judged.scores),
        )
    } else {
        (missing(NO_FILMS), missing(NO_FILMS))
    };
    let s = &j.summary;
    let c = &s.confusion;
    Ok(html! {
        section {
            h2 #scores { "What a score is worth" }
            div.two {
                figure.plot {
                    h3 { "Is a score of 30 % right 30 times of 100?" }
                    p.key-line { @for key in ["ece", "brier"] { @if let Some(f) = figure(s, key) { (f.name) " " (estimate(&f.estimate, f.unit, f.undefined)) " · " } } "n = " (grouped(s.images)) }
                    (reliability)
                    figcaption { "Reliability in ten bins of equal width, with Wilson's 95 % intervals; on the dashed line scores are true probabilities, below it they promise too many fractures. Bars: images in the bin." }
                }
                figure.plot {
                    h3 { "Where the scores lie" }
                    p.key-line {
                        span.swatch.f-vermillion {} " fractured (n = " (grouped(c.positives())) ") upwards · "
                        span.swatch.f-blue {} " not fractured (n = " (grouped(c.negatives())) ") downwards"
                    }
                    (histogram)
                    figcaption {
                        "Share of the class in each of 20 bins. "
                        @if let Some(band) = j.doubt.band { span.swatch.f-band {} " doubt band " (score(band.low)) " to " (score(band.high)) ": " (count(j.doubt.deferred, "image")) " left to a person." }
                        @else { "There is no doubt band." }
                    }
                }
            }
        }
    })
}
