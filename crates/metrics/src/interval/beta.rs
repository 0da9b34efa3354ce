//! Quantiles of the beta distribution with whole parameters, to the last digits.
//!
//! `statrs` has them too, but stops its continued fraction after 140 terms and takes its factor from differences of ln Γ: from
//! some thousands of trials on, too few digits are left.

use std::f64::consts::PI;

use statrs::function::gamma::ln_gamma;

/// The x with I_x(a, b) = `tail`, the regularised incomplete beta function; a, b ≥ 1 whole, 0 < `tail` < 1.
///
/// Newton's method on ln I_x, which is concave in ln x, kept inside a bracket that bisection narrows where a step leaves it.
pub(super) fn quantile(a: f64, b: f64, tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    let mut x = a / (a + b);
    for _ in 0..200 {
        let (below, density) = incomplete(a, b, x);
        if below < tail {
            low = x;
        } else {
            high = x;
        }
        let step = (below / tail).ln() * below / density;
        let mut next = x - step;
        // Written so that NaN, where `below` or the density underflows, bisects.
        if !(next > low && next < high) {
            next = f64::midpoint(low, high);
        }
        if (next - x).abs() <= 2.0 * f64::EPSILON * x {
            return next;
        }
        x = next;
    }
    x
}

/// I_x(a, b) and its derivative by x, for 0 < x < 1.
fn incomplete(a: f64, b: f64, x: f64) -> (f64, f64) {
    let y = 1.0 - x;
    // x^a y^b / B(a, b)
    let front = a * b / (a + b) * binomial(a, b, x, y);
    let below = if x <= (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, y) / b
    };
    (below, front / (x * y))
}

/// The continued fraction of the incomplete beta function by Lentz's method (Abramowitz & Stegun 26.5.8). It needs of the order
/// of √(a + b) terms.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for term in 1..1_000_000_u32 {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for part in [even, odd] {
            d = 1.0 / guard(1.0 + part * d);
            c = guard(1.0 + part / c);
            change = c * d;
            product *= change;
        }
        if (change - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    product
}

/// The binomial probability of k successes and m failures, each with chance x and y = 1 − x; k, m ≥ 1.
///
/// By deviances, which keeps full precision where sums of ln Γ cancel.
/// Source: DataLoader, "Fast and accurate computation of binomial probabilities", 2000.
fn binomial(k: f64, m: f64, x: f64, y: f64) -> f64 {
    let n = k + m;
    let exponent = stirling_error(n)
        - stirling_error(k)
        - stirling_error(m)
        - deviance(k, n * x)
        - deviance(m, n * y);
    exponent.exp() * (n / (2.0 * PI * k * m)).sqrt()
}

/// ln n! − ln(√(2πn) (n/e)ⁿ).
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    let square = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square)
            / square)
        / n
}

/// k ln(k / mean) + mean − k, by a series where k is near the mean.
fn deviance(k: f64, mean: f64) -> f64 {
    let difference = k - mean;
    if difference.abs() >= 0.1 * (k + mean) {
        return k * (k / mean).ln() - difference;
    }
    let ratio = difference / (k + mean);
    let mut sum = difference * ratio;
    let mut power = 2.0 * k * ratio;
    let mut odd = 3.0;
    loop {
        power *= ratio * ratio;
        let next = sum + power / odd;
        if (next - sum).abs() <= f64::EPSILON * 0.25 * sum {
            return next;
        }
        sum = next;
        odd += 2.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        // I_x(1, b) = 1 − (1 − x)^b and I_x(a, 1) = x^a.
        for n in [1.0, 7.0, 300.0, 1e6] {
            let first = quantile(1.0, n, 0.025);
            let exact = -((-0.025_f64).ln_1p() / n).exp_m1();
            assert!((first / exact - 1.0).abs() < 1e-13, "{n}: {first} {exact}");
            let last = quantile(n, 1.0, 0.025);
            let exact = (0.025_f64.ln() / n).exp();
            assert!((last / exact - 1.0).abs() < 1e-13, "{n}: {last} {exact}");
        }
        // Symmetric about a half.
        assert!((quantile(12.0, 12.0, 0.5) - 0.5).abs() < 1e-14);
    }
}
