//! Around every request: its id, its time, a line in the log, its place in the metrics, and the body of its error.
//!
//! The log says nothing that a client sent: the path as the router knows it, sizes, times.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::problem::{Code, Problem};
use crate::service::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// See the module.
pub(crate) async fn watch(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = id_of(request.headers());
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |path| path.as_str().to_owned());
    let protocol = request.uri().path().starts_with("/v2");
    let bytes_in = length(request.headers());
    let gone = Gone(Some((&app, &path, &id)));
    let response = next.run(request).await;
    let mut response = with_problem(response, &id, protocol);
    gone.answered();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let (status, elapsed) = (response.status().as_u16(), start.elapsed());
    app.telemetry.answered(&path, status, elapsed);
    let (bytes_out, milliseconds) = (length(response.headers()), milliseconds(elapsed));
    // The page's own files are no request that anybody looks for.
    if path.starts_with("/assets/") && status < 400 {
        tracing::debug!(request_id = %id, %method, path = %path, status, bytes_in, bytes_out, milliseconds, "answered");
    } else {
        tracing::info!(request_id = %id, %method, path = %path, status, bytes_in, bytes_out, milliseconds, "answered");
    }
    response
}

/// As a person reads it: whole ones from 10 on, tenths below.
fn milliseconds(elapsed: Duration) -> f64 {
    let exact = elapsed.as_secs_f64() * 1e3;
    if exact < 10.0 {
        (exact * 10.0).round() / 10.0
    } else {
        exact.round()
    }
}

/// Counts a request whose client went away: its future is dropped before there is an answer.
struct Gone<'a>(Option<(&'a App, &'a str, &'a str)>);

impl Gone<'_> {
    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        if let Some((app, path, id)) = self.0 {
            app.telemetry.gone();
            tracing::info!(request_id = %id, %path, "the client went away");
        }
    }
}

/// That of a proxy in front if it is a UUID; a client's own words never come into the log.
fn id_of(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok())
        .unwrap_or_else(Uuid::new_v4)
        .to_string()
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Errors get their body here: those of handlers, and those of axum's own, which have none or one of plain text.
fn with_problem(mut response: Response, id: &str, protocol: bool) -> Response {
    let problem = response.extensions_mut().remove::<Problem>();
    let Some(problem) = problem.or_else(|| of_axum(&response)) else {
        return response;
    };
    let mut told = problem.response(id, protocol);
    if let Some(allow) = response.headers_mut().remove(ALLOW) {
        told.headers_mut().insert(ALLOW, allow);
    }
    told
}

/// What a refusal without a body of its own stands for.
fn of_axum(response: &Response) -> Option<Problem> {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE);
    let has_body = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    if has_body || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let code = Code::of(status);
    let detail = match code {
        Code::NotFound => "there is no such path; /openapi.json lists all there are",
        Code::MethodNotAllowed => "the header Allow lists the methods",
        Code::CrossOrigin => "a web page of another origin sent this",
        _ => status.canonical_reason().unwrap_or("refused"),
    };
    Some(Problem::new(code, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded() {
        for (micros, said) in [
            (0, 0.0),
            (44, 0.0),
            (1260, 1.3),
            (9_960, 10.0),
            (187_640, 188.0),
        ] {
            let shown = milliseconds(Duration::from_micros(micros));
            assert!((shown - said).abs() < 1e-9, "{micros}: {shown}");
        }
    }
}
