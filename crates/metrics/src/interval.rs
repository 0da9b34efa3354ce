//! Confidence intervals of proportions.

mod beta;

use statrs::function::erf::erf_inv;

use crate::{Estimate, MetricsError, check};

/// The two-sided standard normal quantile: z ≥ 0 such that a standard normal variable lies in [−z, z] with probability
/// `confidence`; z = √2 · erf⁻¹(confidence), 1.96 for 0.95.
///
/// # Errors
/// A confidence that does not lie strictly between 0 and 1.
pub fn z_value(confidence: f64) -> Result<f64, MetricsError> {
    check::confidence(confidence)?;
    Ok(std::f64::consts::SQRT_2 * erf_inv(confidence))
}

/// Wilson's score interval of a proportion, p = successes / trials with
///
/// (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
///
/// The ends lie in [0, 1] and enclose p; unlike the textbook interval p ± z√(p(1−p)/n) it does not collapse at p = 0 or 1 and
/// keeps its coverage with few trials. All `None` without trials.
/// Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927) 209; recommended by
/// Brown, Cai & DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16 (2001) 101.
///
/// # Errors
/// More successes than trials; a confidence that does not lie strictly between 0 and 1.
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Result<Estimate, MetricsError> {
    let z = z_value(confidence)?;
    if successes > trials {
        return Err(MetricsError::TooManySuccesses { successes, trials });
    }
    let Some(proportion) = check::ratio(successes as f64, trials as f64) else {
        return Ok(Estimate::UNDEFINED);
    };
    let (low, high) = wilson_bounds(proportion, trials as f64, z);
    Ok(Estimate::new(proportion, low, high))
}

/// Clopper and Pearson's "exact" interval of a proportion: from the p at which as many successes or more have probability α/2, to
/// the p at which as many or fewer have, α = 1 − `confidence`. In terms of quantiles of the beta distribution, with x successes in n
/// trials: from B(α/2; x, n − x + 1) to B(1 − α/2; x + 1, n − x).
///
/// Never covers less often than asked, and so is wider than [`wilson`]'s on the whole: for where a regulator wants a guarantee.
/// `low` is 0 without successes and `high` 1 without failures. All `None` without trials. Exact to about 13 digits up to
/// 10⁷ trials.
/// Source: Clopper & Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26
/// (1934) 404.
///
/// # Errors
/// More successes than trials; a confidence that does not lie strictly between 0 and 1.
pub fn clopper_pearson(
    successes: u64,
    trials: u64,
    confidence: f64,
) -> Result<Estimate, MetricsError> {
    check::confidence(confidence)?;
    if successes > trials {
        return Err(MetricsError::TooManySuccesses { successes, trials });
    }
    let Some(proportion) = check::ratio(successes as f64, trials as f64) else {
        return Ok(Estimate::UNDEFINED);
    };
    let tail = (1.0 - confidence) / 2.0;
    let (hits, misses) = (successes as f64, (trials - successes) as f64);
    let low = if successes == 0 {
        0.0
    } else {
        beta::quantile(hits, misses + 1.0, tail)
    };
    // From the other side, where the small tail keeps its digits.
    let high = if successes == trials {
        1.0
    } else {
        1.0 - beta::quantile(misses, hits + 1.0, tail)
    };
    Ok(Estimate::new(
        proportion,
        low.min(proportion),
        high.max(proportion),
    ))
}

/// The ends of Wilson's interval for a proportion in [0, 1] seen in `n > 0` trials.
pub(crate) fn wilson_bounds(proportion: f64, n: f64, z: f64) -> (f64, f64) {
    let square = z * z / n;
    let centre = proportion + square / 2.0;
    let half = z * (proportion * (1.0 - proportion) / n + square / (4.0 * n)).sqrt();
    // At the two ends the formula is exactly 0 or 1; rounding must not say otherwise, nor push the point outside.
    let low = if proportion <= 0.0 {
        0.0
    } else {
        ((centre - half) / (1.0 + square)).clamp(0.0, proportion)
    };
    let high = if proportion >= 1.0 {
        1.0
    } else {
        ((centre + half) / (1.0 + square)).clamp(proportion, 1.0)
    };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_are_exact_at_none_and_all() -> Result<(), MetricsError> {
        assert_eq!(wilson(0, 7, 0.95)?.low, Some(0.0));
        assert_eq!(wilson(7, 7, 0.95)?.high, Some(1.0));
        assert_eq!(wilson(0, 0, 0.95)?, Estimate::UNDEFINED);
        assert_eq!(clopper_pearson(0, 7, 0.95)?.low, Some(0.0));
        assert_eq!(clopper_pearson(7, 7, 0.95)?.high, Some(1.0));
        assert_eq!(clopper_pearson(0, 0, 0.95)?, Estimate::UNDEFINED);
        Ok(())
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(
            wilson(2, 1, 0.95),
            Err(MetricsError::TooManySuccesses {
                successes: 2,
                trials: 1
            })
        );
        assert!(clopper_pearson(2, 1, 0.95).is_err());
        for bad in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            for interval in [wilson(1, 2, bad), clopper_pearson(1, 2, bad)] {
                assert!(matches!(interval, Err(MetricsError::BadConfidence { .. })));
            }
        }
    }
}
