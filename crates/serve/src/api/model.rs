//! What the model says of itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use osteon_model::Promises;

use super::answer::{Band, PROGRAM, Promised, point_of};
use super::refusals::Guarded;
use crate::problem::{Code, Problem, ProblemBody};
use crate::service::App;

/// What the model says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelAnswer {
    /// What the model is called, such as `accurate`, if it has a name.
    model: Option<String>,
    /// The network.
    name: String,
    /// The program that serves it, with its version.
    program: String,
    /// The program that wrote the model file, with its version.
    written_by: String,
    /// SHA-256 of the weights.
    weights_sha256: String,
    /// Trainable numbers.
    parameters: u64,
    /// Licence of the weights, if stated.
    licence: Option<String>,
    /// Whom the data are owed to, if stated.
    attribution: Option<String>,
    /// The operating point that is used where a request asks for none.
    operating_point: Option<String>,
    /// Scores from here on are called fractured.
    threshold: f64,
    /// Thresholds with what they reach on val, or out of fold.
    #[schema(value_type = Vec<Object>)]
    operating_points: Value,
    /// Scores that are left to a person.
    doubt_band: Option<Band>,
    /// Why there is no doubt band.
    doubt_refusal: Option<String>,
    /// What is promised outside the doubt band; null for a model whose file says nothing of sides.
    #[schema(value_type = Option<Promised>)]
    promises: Option<Promises>,
    /// What calibration, operating points and promises were fitted to, in words.
    fitted_on: Option<String>,
    /// From an image to the network's input.
    #[schema(value_type = Object)]
    preprocess: Value,
    /// From a logit to the score.
    #[schema(value_type = Object)]
    calibration: Value,
    /// Figures on val, where the model was chosen, and on test, each null if there are none.
    #[schema(value_type = Object)]
    metrics: Value,
    /// What it was trained and chosen on, in numbers.
    #[schema(value_type = Object)]
    training_data: Value,
}

/// Keys that name single images: thousands of hashes, of no use to a reader.
const FILMS: [&str; 4] = ["train_films", "val_films", "train_hashes", "val_hashes"];

fn plain(value: &impl Serialize) -> Value {
    // Plain structs with string keys serialise.
    serde_json::to_value(value).unwrap_or_default()
}

/// What the model says of itself.
#[utoipa::path(
    get,
    path = "/api/v1/model",
    responses(
        (status = 200, description = "From the header of its file", body = ModelAnswer),
        Guarded,
    ),
    security((), ("bearer" = [])),
    tag = "model",
)]
pub(crate) async fn model(State(app): State<Arc<App>>) -> Json<ModelAnswer> {
    let info = &app.info;
    let mut training_data = plain(&info.training_data);
    if let Some(keys) = training_data.as_object_mut() {
        keys.retain(|key, _| !FILMS.contains(&key.as_str()));
    }
    Json(ModelAnswer {
        model: info.name.clone(),
        name: info.architecture.name.to_string(),
        program: PROGRAM.to_owned(),
        written_by: format!("{} {}", info.program.name, info.program.version),
        weights_sha256: info.weights_sha256.clone(),
        parameters: app.parameters,
        licence: info.licence.clone(),
        attribution: info.attribution.clone(),
        operating_point: point_of(&app, &app.rule),
        threshold: app.rule.threshold,
        operating_points: plain(&info.operating_points),
        doubt_band: app.rule.band.map(Band::from),
        doubt_refusal: info.doubt_refusal.clone(),
        promises: info.promises.clone(),
        fitted_on: info.fitted_on.map(|on| on.to_string()),
        preprocess: plain(&info.preprocess),
        calibration: plain(&info.calibration),
        metrics: plain(&info.metrics),
        training_data,
    })
}

/// The model card, to be read before the model is used.
#[utoipa::path(
    get,
    path = "/api/v1/model/card",
    responses(
        (status = 200, description = "Markdown", body = String, content_type = "text/markdown"),
        (status = 404, description = "The service was started without one", body = ProblemBody, content_type = "application/problem+json"),
        Guarded,
    ),
    security((), ("bearer" = [])),
    tag = "model",
)]
pub(crate) async fn card(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let card = app.options.card.clone();
    let card = card.ok_or_else(|| Problem::new(Code::NotFound, "no model card was given"))?;
    Ok(([(CONTENT_TYPE, "text/markdown; charset=utf-8")], card).into_response())
}
