//! A service: a model, its threads, and the router that asks them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use osteon_data::Decoder;
use osteon_model::{ModelInfo, Prediction, Predictor, Rule};
use tokio::sync::Semaphore;
use tower_http::csrf::CsrfLayer;

use crate::audit::AuditLog;
use crate::engine::Engine;
use crate::guard::{Rates, authorised, harden, known_host, within_rate};
use crate::problem::{Code, Problem};
use crate::room::Room;
use crate::telemetry::Telemetry;
use crate::{Chain, ServeError, ServeOptions, api, page, watch};

/// Everything that a request may need.
pub(crate) struct App {
    pub options: ServeOptions,
    pub info: ModelInfo,
    /// How images are decided where a request asks for nothing else.
    pub rule: Rule,
    pub parameters: u64,
    pub decoder: Decoder,
    pub engine: Engine,
    pub telemetry: Arc<Telemetry>,
    pub rates: Option<Rates>,
    pub ledger: Arc<Ledger>,
    /// A permit for each request in flight.
    pub requests: Arc<Semaphore>,
    /// The memory for uploads.
    pub uploads: Room,
}

/// A model being served. Cheap to clone; its threads end with the last clone and the last router.
#[derive(Clone)]
pub struct Service {
    pub(crate) app: Arc<App>,
}

impl Service {
    /// Starts the threads around a model. Each of `predictors`, all of one model file, gets a thread of its own that runs batches through
    /// it; one is what most machines want.
    ///
    /// # Errors
    /// If there is no predictor, an option makes no sense, or a thread cannot be started.
    pub fn start(predictors: Vec<Predictor>, options: ServeOptions) -> Result<Self, ServeError> {
        options.check()?;
        let first = predictors.first().ok_or(ServeError::NoModel)?;
        let (info, parameters) = (first.info().clone(), first.parameters());
        let rule = first.rule();
        let mut decoder = first.decoder().clone();
        decoder.limits.max_pixels = options.limits.pixels;
        let telemetry = Arc::new(Telemetry::new());
        let engine = Engine::start(predictors, &options, Arc::clone(&telemetry))?;
        Ok(Self {
            app: Arc::new(App {
                ledger: Arc::new(Ledger {
                    log: options.audit.as_deref().map(AuditLog::open).transpose()?,
                    model_sha256: info.weights_sha256.clone(),
                }),
                rates: options.limits.per_minute.and_then(Rates::new),
                requests: Arc::new(Semaphore::new(options.limits.in_flight)),
                uploads: Room::new(options.limits.upload_bytes),
                options,
                info,
                rule,
                parameters,
                decoder,
                engine,
                telemetry,
            }),
        })
    }

    /// The web page and the API, for any axum app or server. Limits by address need [`axum::extract::ConnectInfo`] of a
    /// [`std::net::SocketAddr`].
    pub fn router(&self) -> Router {
        let app = &self.app;
        let (open, guarded, _) = api::routes();
        let guarded = guarded
            .layer(from_fn_with_state(Arc::clone(app), within_rate))
            .layer(from_fn_with_state(Arc::clone(app), authorised));
        open.merge(guarded)
            .with_state(Arc::clone(app))
            .merge(page::routes())
            .fallback(api::nothing_here)
            .layer(CsrfLayer::new())
            .layer(from_fn_with_state(Arc::clone(app), known_host))
            .layer(from_fn_with_state(Arc::clone(app), watch::watch))
            .layer(from_fn(harden))
    }
}

impl Service {
    /// Where the audit log ends by now, if there is one. Kept elsewhere, the hash shows later that nothing was cut off.
    #[must_use]
    pub fn audit(&self) -> Option<Chain> {
        self.app.ledger.log.as_ref().map(AuditLog::chain)
    }
}

/// Where decisions are written down, if anywhere.
pub(crate) struct Ledger {
    log: Option<AuditLog>,
    model_sha256: String,
}

impl Ledger {
    /// Writes a decision down; what is not written is not answered.
    pub fn record(
        &self,
        image_sha256: &str,
        said: &Prediction,
        rule: &Rule,
    ) -> Result<(), Problem> {
        let Some(log) = &self.log else {
            return Ok(());
        };
        log.write(image_sha256, &self.model_sha256, said, rule.threshold)
            .map_err(|error| {
                tracing::error!(%error, "a decision could not be written down");
                Problem::new(Code::Unavailable, "the audit log cannot be written")
            })
    }
}

/// The API as `OpenAPI` 3.1, as `GET /openapi.json` gives it.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    api::routes().2
}
