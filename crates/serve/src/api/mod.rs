//! The HTTP API: one file a group of paths.

pub(crate) mod answer;
mod health;
mod infer;
mod model;
mod predictions;
mod refusals;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Code, Problem};
use crate::service::App;

/// What the API says of itself.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Osteon",
        description = "Tells fractured from unfractured bones on X-rays. Not a medical device: for research and teaching, never for a decision about a patient.",
    ),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", scheme);
    }
}

/// Paths that anyone may ask, those that may need a token, and the description of both.
pub(crate) fn routes() -> (Router<Arc<App>>, Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let (open, described) = OpenApiRouter::<Arc<App>>::with_openapi(Document::openapi())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(infer::live))
        .routes(routes!(infer::ready))
        .split_for_parts();
    let (guarded, more) = OpenApiRouter::<Arc<App>>::new()
        .routes(routes!(predictions::predict))
        .routes(routes!(model::model))
        .routes(routes!(model::card))
        .routes(routes!(infer::server))
        .routes(routes!(infer::metadata))
        .routes(routes!(infer::model_ready))
        .routes(routes!(infer::infer))
        .routes(routes!(health::metrics))
        .routes(routes!(health::description))
        // Bodies are counted as they are read.
        .layer(DefaultBodyLimit::disable())
        .split_for_parts();
    let mut described = described;
    described.merge(more);
    (open, guarded, described)
}

/// What any other path answers.
pub(crate) async fn nothing_here() -> Problem {
    let detail = "there is no such path; /openapi.json lists all there are";
    Problem::new(Code::NotFound, detail)
}
