//! Whether the service is well, what it has done, and what it can be asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::refusals::{Busy, Guarded};
use crate::problem::{Code, Problem};
use crate::service::App;
use crate::telemetry::OPEN_METRICS;

/// Whether the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "The process answers", body = String, content_type = "text/plain")), tag = "health")]
pub(crate) async fn live() -> &'static str {
    "ok"
}

/// Whether images can be sent.
#[utoipa::path(
    get,
    path = "/readyz",
    responses(
        (status = 200, description = "Images can be sent", body = String, content_type = "text/plain"),
        Busy,
    ),
    tag = "health",
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.requests.available_permits() == 0 {
        let detail = "as many requests as allowed are in flight";
        return Err(Problem::new(Code::Overloaded, detail));
    }
    Ok("ready")
}

/// Counters and durations, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    responses(
        (status = 200, description = "In the OpenMetrics text format", body = String, content_type = "application/openmetrics-text"),
        Guarded,
    ),
    security((), ("bearer" = [])),
    tag = "health",
)]
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = app.telemetry.text();
    let text =
        text.map_err(|_| Problem::new(Code::Internal, "the metrics could not be written"))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// What can be asked: this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    responses(
        (status = 200, description = "OpenAPI 3.1", body = serde_json::Value),
        Guarded,
    ),
    security((), ("bearer" = [])),
    tag = "health",
)]
pub(crate) async fn description() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
