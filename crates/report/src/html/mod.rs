//! The report of a judgement as one page: no script, nothing fetched, light, dark and print.

mod boxes;
mod cards;
mod curves;
mod doubt;
mod errors;
mod explanation;
mod groups;
mod headline;
mod leak;
mod notes;
mod parts;
mod thresholds;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use osteon_metrics::Confusion;
use sha2::{Digest as _, Sha256};

use crate::error::{ReportError, of};
use crate::judgement::{JudgedImage, Judgement, Thumbnail};
use crate::{EpochPoint, learning_curves, plot};

const STYLE: &str = include_str!("style.css");

/// What a report is drawn of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The figures.
    pub judgement: &'a Judgement,
    /// The judged images, for the curves; where they are not known, none: the page then says so in place of the curves.
    pub films: &'a [JudgedImage],
    /// Pictures of the worst errors (see [`worst`](crate::worst)), in the order they are to be shown.
    pub thumbnails: &'a [Thumbnail],
    /// The epochs of the run that made the model, if known.
    pub epochs: &'a [EpochPoint],
}

impl Report<'_> {
    /// The page, as a file of its own: style, figures and pictures are in it. It has no script and asks for nothing, and its
    /// content security policy forbids both.
    ///
    /// # Errors
    /// Images that are not those of the judgement (their counts at its threshold differ); a score that is no probability; a
    /// thumbnail of an image that is not there.
    pub fn html(&self) -> Result<String, ReportError> {
        let judged = self.check()?;
        let j = self.judgement;
        Ok(html! {
            (DOCTYPE)
            html lang="en" {
                (head(&parts::title(j)))
                body { main {
                    (headline::header(j))
                    (headline::in_short(j))
                    (headline::warnings(j))
                    (contents(self))
                    (headline::figures_section(j))
                    (headline::matrix(j))
                    (curves::section(j, &judged)?)
                    (curves::scores_section(j, &judged)?)
                    (thresholds::section(j, &judged)?)
                    (doubt::section(j))
                    (groups::subgroups(j))
                    (groups::once_each(j))
                    (leak::section(j))
                    (explanation::section(j))
                    (boxes::section(j))
                    (errors::section(self))
                    (learning(self.epochs))
                    (cards::data(j))
                    (cards::model(j))
                    (notes::checklist(self))
                    (notes::section(j))
                } }
            }
        }
        .into_string())
    }

    fn check(&self) -> Result<Judged, ReportError> {
        let (films, stated) = (self.films, self.judgement.summary.confusion);
        if let Some((thumbnail, shown)) = self
            .thumbnails
            .iter()
            .enumerate()
            .find(|(_, shown)| shown.film >= films.len())
        {
            return Err(ReportError::NoSuchFilm {
                thumbnail,
                film: shown.film,
                films: films.len(),
            });
        }
        let judged = Judged {
            labels: films.iter().map(|film| film.fractured).collect(),
            scores: films.iter().map(|film| film.score).collect(),
            known: !films.is_empty() || stated.total() == 0,
        };
        let threshold = self.judgement.summary.threshold;
        let found = Confusion::at_threshold(&judged.labels, &judged.scores, threshold)
            .map_err(of("the confusion matrix"))?;
        if judged.known && found != stated {
            return Err(ReportError::OtherFilms {
                films: films.len(),
                threshold,
                found,
                stated,
            });
        }
        Ok(judged)
    }
}

/// Labels and scores of the judged images.
struct Judged {
    labels: Vec<bool>,
    scores: Vec<f64>,
    /// Whether they were given at all.
    known: bool,
}

fn head(title: &str) -> Markup {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="robots" content="noindex";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn contents(report: &Report<'_>) -> Markup {
    let j = report.judgement;
    let links = [
        ("figures", "Figures", true),
        ("matrix", "Confusion", true),
        ("curves", "Curves", true),
        ("scores", "Scores", true),
        ("thresholds", "Thresholds", true),
        ("doubt", "Doubt", true),
        ("subgroups", "Subgroups", true),
        ("groups", "Groups", j.groups.is_some()),
        ("leak", "Leak check", true),
        ("explanation", "Where", j.explanation.is_some()),
        ("boxes", "Boxes", j.boxes.is_some()),
        ("errors", "Worst errors", true),
        ("learning", "Training", !report.epochs.is_empty()),
        ("data", "Data", true),
        ("model", "Model", true),
        ("claim", "CLAIM", true),
        ("notes", "Notes", true),
    ];
    html! {
        nav aria-label="Contents" {
            @for (id, name, _) in links.iter().filter(|(.., there)| *there) { a href=(format!("#{id}")) { (name) } }
        }
    }
}

fn learning(epochs: &[EpochPoint]) -> Markup {
    html! { @if !epochs.is_empty() {
        section {
            h2 #learning { "How the model learnt" }
            p { "Loss, figures on val and learning rate of its run, by epoch. The upright line is the epoch whose weights were kept." }
            div.scroll.wide-plot { (PreEscaped(plot::themed(&learning_curves(epochs)))) }
        }
    } }
}

/// Where a thumbnail stands in the page.
fn picture_of(jpeg: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg))
}
