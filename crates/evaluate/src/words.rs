//! What a model file says of its fitting and its promises, in words.

use osteon_metrics::Estimate;
use osteon_model::{FittedSource, ModelInfo, Promised, Promises};

/// What calibration, operating points and promises were fitted to.
#[must_use]
pub fn fitted_on(info: &ModelInfo) -> String {
    info.fitted_on
        .map_or_else(|| "val".to_owned(), |on| on.to_string())
}

/// Where the operating points have their sensitivity: "out of fold" or "on val".
#[must_use]
pub fn where_fitted(info: &ModelInfo) -> &'static str {
    match info.fitted_on.map(|on| on.source) {
        Some(FittedSource::OutOfFold) => "out of fold",
        _ => "on val",
    }
}

/// The promises of a model, one a line, and why one is refused.
#[must_use]
pub fn promises(promises: &Promises) -> [String; 2] {
    let one =
        |side: &Promised, what: &str, done: &str, called: &str| match (side.cut, &side.refusal) {
            (Some(_), _) => format!(
                "{what} at most {} {done}, with {} confidence ({} of {} where it was made)",
                share(side.error),
                share(side.confidence),
                side.wrong,
                side.of
            ),
            (None, refusal) => format!(
                "no image is called {called}. {}",
                refusal.as_deref().unwrap_or_default()
            ),
        };
    [
        one(
            &promises.fractured,
            "of the images called fractured",
            "are not",
            "fractured",
        ),
        one(
            &promises.missed,
            "of all fractures",
            "are called not fractured",
            "not fractured",
        ),
    ]
}

/// "10 %", without decimals that say nothing.
fn share(value: f64) -> String {
    format!("{} %", (value * 1000.0).round() / 10.0)
}

/// A figure with its interval, as in "0.886 (0.824 to 0.938)".
#[must_use]
pub fn index(e: Estimate) -> String {
    match (e.value, e.low, e.high) {
        (Some(v), Some(l), Some(h)) => format!("{v:.3} ({l:.3} to {h:.3})"),
        (Some(v), ..) => format!("{v:.3}"),
        (None, ..) => "–".to_owned(),
    }
}
