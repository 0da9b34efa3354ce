//! Why no report can be drawn.

use osteon_metrics::{Confusion, MetricsError};

/// What is wrong with what a report is to be drawn of.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The images do not give the counts that the judgement states, so they are not the images that were judged.
    #[error(
        "the {films} images give the counts {found:?} at the threshold {threshold}, but the judgement states {stated:?}"
    )]
    OtherFilms {
        /// Images given.
        films: usize,
        /// The judgement's threshold.
        threshold: f64,
        /// Counted in the images.
        found: Confusion,
        /// In the judgement.
        stated: Confusion,
    },
    /// A thumbnail shows an image that is not there.
    #[error("thumbnail {thumbnail} is of image {film}, but there are {films} images")]
    NoSuchFilm {
        /// Which thumbnail, from 0.
        thumbnail: usize,
        /// The image it names.
        film: usize,
        /// Images given.
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
