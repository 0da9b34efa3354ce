//! Why no report can be drawn.

use osteon_metrics::{Confusion, MetricsError};

/// What is wrong with what a report is to be drawn of.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The films do not give the counts that the judgement states, so they are not the films that were judged.
    #[error(
        "the {films} films give the counts {found:?} at the threshold {threshold}, but the judgement states {stated:?}"
    )]
    OtherFilms {
        /// Films given.
        films: usize,
        /// The judgement's threshold.
        threshold: f64,
        /// Counted in the films.
        found: Confusion,
        /// In the judgement.
        stated: Confusion,
    },
    /// A thumbnail shows a film that is not there.
    #[error("thumbnail {thumbnail} is of film {film}, but there are {films} films")]
    NoSuchFilm {
        /// Which thumbnail, from 0.
        thumbnail: usize,
        /// The film it names.
        film: usize,
        /// Films given.
        films: usize,
    },
    /// A figure cannot be computed of the scores: one is no probability.
    #[error("{figure} cannot be drawn")]
    Metrics {
        /// What was to be drawn.
        figure: &'static str,
        /// Why not.
        #[source]
        source: MetricsError,
    },
}

/// Names the figure in an error of `metrics`.
pub(crate) fn of(figure: &'static str) -> impl Fn(MetricsError) -> ReportError {
    move |source| ReportError::Metrics { figure, source }
}
