//! A figure with its confidence interval.

use serde::{Deserialize, Serialize};

/// A figure and the interval it lies in at the confidence asked for.
///
/// `None` (`null` in JSON) means undefined: no value at all, or a value whose interval the data cannot give.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure computed on all the data.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval; never below `low`.
    pub high: Option<f64>,
}

impl Estimate {
    /// A figure that the data leave undefined.
    pub const UNDEFINED: Self = Self {
        value: None,
        low: None,
        high: None,
    };

    /// A value with both ends of its interval.
    pub(crate) const fn new(value: f64, low: f64, high: f64) -> Self {
        Self {
            value: Some(value),
            low: Some(low),
            high: Some(high),
        }
    }
}
