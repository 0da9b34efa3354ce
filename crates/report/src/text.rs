//! Numbers as people read them. What is rounded never says more than is true: 0.9997 is "> 99.9 %", not "100.0 %".

use osteon_metrics::Estimate;

/// What stands for an undefined figure.
pub(crate) const UNDEFINED: &str = "–";

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A share of counts, 0 to 1, shown in percent.
    Share,
    /// An index without a unit, shown with three decimals.
    Index,
    /// Natural logarithms.
    Nats,
}

impl Unit {
    /// As the column `unit` of `figures.csv` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Index => "index",
            Self::Nats => "nats",
        }
    }

    /// A value with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Share => percent(value),
            Self::Index => index(value),
            Self::Nats => format!("{} nats", index(value)),
        }
    }

    /// Both ends of an interval, the unit once.
    pub fn range(self, low: f64, high: f64) -> String {
        let bare = |value: f64| self.show(value).replace(" %", "").replace(" nats", "");
        format!("{} to {}", bare(low), self.show(high))
    }
}

/// A share in percent with one decimal.
pub(crate) fn percent(share: f64) -> String {
    let shown = share * 100.0;
    if share < 1.0 && shown >= 99.95 {
        "> 99.9 %".to_owned()
    } else if share > 0.0 && shown < 0.05 {
        "< 0.1 %".to_owned()
    } else {
        format!("{shown:.1} %")
    }
}

fn index(value: f64) -> String {
    if (0.9995..1.0).contains(&value) {
        "> 0.999".to_owned()
    } else if value > 0.0 && value < 0.0005 {
        "< 0.001".to_owned()
    } else {
        let text = format!("{value:.3}");
        if text == "-0.000" {
            "0.000".to_owned()
        } else {
            text
        }
    }
}

/// A share as a count of a hundred, in words: "about 81", "all 100", "fewer than 1".
pub(crate) fn of_hundred(share: f64) -> String {
    let shown = share * 100.0;
    if share >= 1.0 {
        "all 100".to_owned()
    } else if share <= 0.0 {
        "none".to_owned()
    } else if shown >= 99.5 {
        "more than 99".to_owned()
    } else if shown < 0.5 {
        "fewer than 1".to_owned()
    } else {
        format!("about {shown:.0}")
    }
}

/// An interval as counts of a hundred, rounded outwards, so that it never looks narrower than it is.
pub(crate) fn range_of_hundred(estimate: &Estimate) -> Option<String> {
    // What is whole but for rounding stays whole.
    let low = (estimate.low? * 100.0 + 1e-9).floor();
    let high = (estimate.high? * 100.0 - 1e-9).ceil();
    Some(format!("{low:.0} to {high:.0}"))
}

/// A threshold or score: as many of three decimals as it needs, at least two.
pub(crate) fn score(score: f64) -> String {
    let text = format!("{score:.3}");
    text.strip_suffix('0').map_or(text.clone(), str::to_owned)
}

/// "1 image", "2 images".
pub(crate) fn count(n: u64, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{} {what}s", grouped(n))
    }
}

/// Thousands apart: 12 345.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            // A thin space that does not break.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A share of counts; `None` of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_never_makes_a_figure_perfect_or_nothing() {
        assert_eq!(percent(0.9997), "> 99.9 %");
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.0002), "< 0.1 %");
        assert_eq!(Unit::Index.show(0.9999), "> 0.999");
        assert_eq!(Unit::Index.show(-0.0001), "0.000");
        assert_eq!(of_hundred(0.997), "more than 99");
        assert_eq!(of_hundred(0.806), "about 81");
    }

    #[test]
    fn intervals_are_rounded_outwards() {
        let estimate = Estimate {
            value: Some(0.8),
            low: Some(0.699),
            high: Some(0.881),
        };
        assert_eq!(range_of_hundred(&estimate).as_deref(), Some("69 to 89"));
        let whole = Estimate {
            value: Some(0.75),
            low: Some(0.7),
            high: Some(0.8),
        };
        assert_eq!(range_of_hundred(&whole).as_deref(), Some("70 to 80"));
        assert_eq!(Unit::Share.range(0.7, 0.8), "70.0 to 80.0 %");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(12_345_678), "12\u{202f}345\u{202f}678");
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(score(0.5), "0.50");
        assert_eq!(score(0.123_4), "0.123");
    }
}
