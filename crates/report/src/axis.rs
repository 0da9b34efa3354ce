//! Where an axis begins, ends and has its ticks.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

/// One axis. On a logarithmic one all positions are decimal logarithms of the values.
#[derive(Clone)]
pub(crate) struct Axis {
    pub low: f64,
    pub high: f64,
    /// Positions within `low..=high`.
    pub ticks: Vec<f64>,
    pub scale: Scale,
    /// Distance of ticks in units of the value, on a linear axis: the labels have as many decimals as it needs.
    step: f64,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    Linear,
    Log,
}

impl Axis {
    /// Whole epochs from the first to the last, with half an epoch of room where there is but one.
    pub fn epochs(first: u64, last: u64) -> Self {
        let span = last.saturating_sub(first);
        let room = (span as f64 * 0.015).max(if span == 0 { 0.5 } else { 0.1 });
        let step = [1, 5, 10, 20, 25, 50]
            .into_iter()
            .find(|step| span / step <= 12)
            .unwrap_or_else(|| nice(span as f64 / 12.0).max(1.0) as u64);
        let multiples = (first.div_ceil(step)..=last / step).map(|n| n * step);
        // The first epoch has its tick wherever the next one leaves it room.
        let ticks = (step >= 5)
            .then_some(first)
            .into_iter()
            .chain(multiples.filter(|tick| step < 5 || *tick >= first + step / 2));
        Self {
            low: first as f64 - room,
            high: last as f64 + room,
            ticks: ticks.map(|tick| tick as f64).collect(),
            scale: Scale::Linear,
            step: 1.0,
        }
    }

    /// Holds all values with a little room, with up to `most` steps between ticks. Never empty, never a point.
    pub fn linear(values: impl Iterator<Item = f64>, most: usize) -> Self {
        let (low, high) = bounds(values).unwrap_or((0.0, 1.0));
        let room = match (high - low) * 0.06 {
            0.0 => (high.abs() * 0.1).max(0.01),
            room => room,
        };
        Self::between(low - room, high + room, most)
    }

    /// From a value to a value.
    pub fn between(low: f64, high: f64, most: usize) -> Self {
        let step = nice((high - low) / most as f64);
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        Self {
            low,
            high,
            ticks: (first..=last).map(|n| n as f64 * step).collect(),
            scale: Scale::Linear,
            step,
        }
    }

    /// Logarithmic; values of 0 and below are left out. Ticks at the powers of ten, and between them where these are few.
    pub fn log(values: impl Iterator<Item = f64>) -> Self {
        let logs = values.filter(|value| *value > 0.0).map(f64::log10);
        let (low, high) = bounds(logs).unwrap_or((-1.0, 0.0));
        let room = ((high - low) * 0.05).max(0.05);
        let (low, high) = (low - room, high + room);
        let ticks_at = |mantissas: &[f64], every: i64| {
            let decades = (low.floor() as i64)..=(high.ceil() as i64);
            decades
                .filter(|n| n % every == 0)
                .flat_map(|n| mantissas.iter().map(move |m| n as f64 + m.log10()))
                .filter(|tick| (low..=high).contains(tick))
                .collect::<Vec<f64>>()
        };
        let ticks = if high - low > 9.0 {
            ticks_at(&[1.0], 2)
        } else if high - low > 4.0 {
            ticks_at(&[1.0], 1)
        } else if high - low > 1.6 {
            ticks_at(&[1.0, 3.0], 1)
        } else if high - low > 0.8 {
            ticks_at(&[1.0, 2.0, 5.0], 1)
        } else {
            ticks_at(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0], 1)
        };
        Self {
            low,
            high,
            ticks,
            scale: Scale::Log,
            step: 1.0,
        }
    }

    /// Where a value lies; `None` if it lies nowhere.
    pub fn position(&self, value: f64) -> Option<f64> {
        let position = match self.scale {
            Scale::Linear => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => return None,
        };
        position.is_finite().then_some(position)
    }

    /// What stands beside a tick.
    pub fn label(&self, position: f64) -> String {
        match self.scale {
            Scale::Linear if (1e-3..1e6).contains(&self.low.abs().max(self.high.abs())) => {
                decimals(position, self.step)
            }
            Scale::Linear => power(position),
            Scale::Log => power(10f64.powf(position)),
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, position: &f64, (low, high): (i32, i32)) -> i32 {
        let part = (position - self.low) / (self.high - self.low);
        low + (f64::from(high - low) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Plotters asks for fine lines, too; there are none.
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(position: &f64) -> String {
        position.to_string()
    }

    fn format_ext(&self, position: &f64) -> String {
        self.label(*position)
    }
}

/// A value as configurations write it: 0.05 and 2, but 1e-4.
pub(crate) fn power(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    // Two digits, trailing zeros dropped.
    let text = format!("{value:.1e}").replace(".0e", "e");
    if (0.01..1000.0).contains(&value) {
        let rounded: f64 = text.parse().unwrap_or(value);
        rounded.to_string()
    } else {
        text
    }
}

fn decimals(value: f64, step: f64) -> String {
    let places = (0..12)
        .find(|&n| {
            let scaled = step * 10f64.powi(n);
            scaled > 0.5 && (scaled - scaled.round()).abs() < 1e-6
        })
        .unwrap_or(12) as usize;
    let text = format!("{value:.places$}");
    // -0.0 rounds to "-0".
    if text.trim_matches(['-', '0', '.']).is_empty() {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// The least of 1, 2, 2.5, 5 times a power of ten that is not below.
fn nice(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| value.is_finite())
        .fold(None, |bounds, value| match bounds {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn epochs_have_whole_ticks_and_not_too_many() {
        assert_eq!(labels(&Axis::epochs(1, 1)), ["1"]);
        assert_eq!(labels(&Axis::epochs(1, 3)), ["1", "2", "3"]);
        assert_eq!(
            labels(&Axis::epochs(1, 30)),
            ["1", "5", "10", "15", "20", "25", "30"]
        );
        assert_eq!(labels(&Axis::epochs(1, 300)).len(), 13);
        for last in 1..2000 {
            let axis = Axis::epochs(1, last);
            assert!(
                (1..=14).contains(&axis.ticks.len()),
                "{last}: {}",
                axis.ticks.len()
            );
            assert!(axis.low < 1.0 && axis.high > last as f64);
        }
    }

    #[test]
    fn values_lie_within_and_labels_differ() {
        for values in [
            vec![0.2, 0.7],
            vec![0.412_1, 0.412_2],
            vec![0.5],
            vec![1e-9, 3e-9],
            vec![0.0, 4000.0],
            vec![],
            vec![f64::NAN, 0.3, f64::INFINITY],
        ] {
            let axis = Axis::linear(values.iter().copied(), 5);
            for value in values.iter().filter(|v| v.is_finite()) {
                assert!(axis.low < *value && *value < axis.high);
            }
            let labels = labels(&axis);
            assert!((2..=6).contains(&labels.len()), "{values:?}: {labels:?}");
            assert!(labels.windows(2).all(|w| w[0] != w[1]), "{labels:?}");
        }
    }

    #[test]
    fn logarithmic_ticks() {
        let axis = Axis::log([1e-7, 1.0].into_iter());
        assert_eq!(
            labels(&axis),
            ["1e-7", "1e-6", "1e-5", "1e-4", "1e-3", "0.01", "0.1", "1"]
        );
        assert!(
            labels(&Axis::log([0.3, 0.5].into_iter())).len() >= 2,
            "less than a decade"
        );
        assert_eq!(axis.position(0.0), None);
        assert_eq!(axis.position(f64::NAN), None);
    }
}
