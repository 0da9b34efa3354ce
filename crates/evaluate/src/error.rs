//! Why a model cannot be evaluated.

use osteon_data::DataError;
use osteon_files::FileError;
use osteon_metrics::MetricsError;
use osteon_model::ModelError;
use osteon_report::ReportError;
use thiserror::Error;

/// Errors of an evaluation, of a comparison, and of writing a report.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The split is not there, or not one image of it reads.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A figure cannot be computed.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The report cannot be drawn.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A score that is no number: it must not vanish in a figure.
    #[error("the model gives {id} the score {score}: its weights are damaged or overflow")]
    ScoreNotFinite {
        /// The image's name within the data set.
        id: String,
        /// NaN or infinite.
        score: f64,
    },
    /// Two evaluations that are to be compared have no image in common.
    #[error("there is no image that both models judged")]
    NothingInCommon,
    /// The report's folder cannot be made, or a file of it not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The evaluation has no JSON form.
    #[error("cannot write the evaluation as JSON: {0}")]
    Json(#[source] serde_json::Error),
}

impl EvaluateError {
    /// Whether what was asked for is not there, such as a split: a matter of the call, not of the work.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Data(data) => data.is_usage(),
            Self::Model(model) => model.is_usage(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_and_not_there_is_a_matter_of_the_call() {
        let name = "dev".to_owned();
        assert!(EvaluateError::from(DataError::UnknownSplit { name }).is_usage());
        let path = "none.safetensors".into();
        assert!(EvaluateError::from(ModelError::NoFile { path }).is_usage());
        assert!(!EvaluateError::NothingInCommon.is_usage());
    }
}
