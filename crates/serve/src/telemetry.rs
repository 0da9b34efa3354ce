//! What `/metrics` tells, as Prometheus reads it.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Media type of [`Telemetry::text`].
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    path: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    decision: String,
}

/// Counters of a service.
pub(crate) struct Telemetry {
    registry: Registry,
    requests: Family<Route, Counter>,
    seconds: Histogram,
    decisions: Family<Named, Counter>,
    gone: Counter,
    /// Images that nobody waited for any more when it was their turn.
    pub abandoned: Counter,
    /// Images that did not read.
    pub unreadable: Counter,
    /// Images between having been read and their answer.
    pub waiting: Gauge,
    /// Images in one batch.
    pub batch: Histogram,
    /// Seconds of a batch in the network.
    pub network: Histogram,
    /// Seconds from a file to what the network takes.
    pub decoding: Histogram,
    /// Seconds that the network's threads had nothing to do.
    pub idle: Counter<f64, AtomicU64>,
}

/// From a millisecond to ten seconds.
const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

impl Telemetry {
    pub fn new() -> Self {
        let mut told = Self {
            registry: Registry::default(),
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            decisions: Family::default(),
            gone: Counter::default(),
            abandoned: Counter::default(),
            unreadable: Counter::default(),
            waiting: Gauge::default(),
            batch: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
            network: Histogram::new(SECONDS),
            decoding: Histogram::new(SECONDS),
            idle: Counter::default(),
        };
        let mut registry = Registry::with_prefix("osteon");
        told.register(&mut registry);
        told.registry = registry;
        told
    }

    fn register(&self, all: &mut Registry) {
        all.register("requests", "Requests answered", self.requests.clone());
        all.register_with_unit(
            "request_duration",
            "From the request's head to its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        all.register(
            "decisions",
            "Images judged, by decision",
            self.decisions.clone(),
        );
        all.register(
            "requests_gone",
            "Requests whose client went away",
            self.gone.clone(),
        );
        all.register(
            "images_abandoned",
            "Images not computed because nobody waited for them",
            self.abandoned.clone(),
        );
        all.register(
            "images_unreadable",
            "Files that did not read",
            self.unreadable.clone(),
        );
        all.register(
            "images_waiting",
            "Images that wait or are worked on",
            self.waiting.clone(),
        );
        all.register("batch_images", "Images in one batch", self.batch.clone());
        all.register_with_unit(
            "network_duration",
            "A batch in the network",
            Unit::Seconds,
            self.network.clone(),
        );
        all.register_with_unit(
            "decode_duration",
            "From a file to the network's input",
            Unit::Seconds,
            self.decoding.clone(),
        );
        all.register_with_unit(
            "network_idle",
            "The network waiting for images",
            Unit::Seconds,
            self.idle.clone(),
        );
    }

    /// A request was answered.
    pub fn answered(&self, path: &str, status: u16, time: Duration) {
        let route = Route {
            path: path.to_owned(),
            status,
        };
        self.requests.get_or_create(&route).inc();
        self.seconds.observe(time.as_secs_f64());
    }

    /// A client went away.
    pub fn gone(&self) {
        self.gone.inc();
    }

    /// An image was judged.
    pub fn decided(&self, decision: osteon_model::Decision) {
        let decision = decision.to_string();
        self.decisions.get_or_create(&Named { decision }).inc();
    }

    /// All of it in the `OpenMetrics` text format.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}
