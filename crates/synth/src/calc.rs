//! Elementary functions built from `+ − × ÷ √` and bit moves alone, which IEEE 754 rounds the same everywhere. The platform's
//! own `exp`, `ln` and `sin` may differ in the last bit from one libm to the next; with these, an image's bytes do not.

use std::f32::consts::{LN_2, LOG2_E, PI};

/// `eˣ`, relative error below 1e-5 for `|x| < 80`.
pub(super) fn exp(x: f32) -> f32 {
    let y = (x * LOG2_E).clamp(-120.0, 120.0);
    let whole = floor(y);
    let z = (y - whole as f32) * LN_2;
    let series = 1.0
        + z * (1.0
            + z * (0.5
                + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0))))));
    series * f32::from_bits(((whole + 127) as u32) << 23)
}

/// Natural logarithm of a positive, normal number, absolute error below 1e-5.
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut exponent = (bits >> 23) as i32 - 127;
    let mut mantissa = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    if mantissa > std::f32::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    // ln m = 2 artanh((m − 1)/(m + 1)), |argument| ≤ 0.172.
    let a = (mantissa - 1.0) / (mantissa + 1.0);
    let a2 = a * a;
    exponent as f32 * LN_2 + 2.0 * a * (1.0 + a2 * (1.0 / 3.0 + a2 * (0.2 + a2 / 7.0)))
}

/// `(sin x, cos x)` of an angle in radians, absolute error below 1e-5 for `|x| < 20`.
pub(super) fn sin_cos(x: f32) -> (f32, f32) {
    (sin(x), sin(x + 0.5 * PI))
}

fn sin(x: f32) -> f32 {
    let turns = (x / PI).round();
    let z = x - turns * PI;
    let z2 = z * z;
    let series = z
        * (1.0
            - z2 / 6.0
                * (1.0 - z2 / 20.0 * (1.0 - z2 / 42.0 * (1.0 - z2 / 72.0 * (1.0 - z2 / 110.0)))));
    if (turns as i32) & 1 == 0 {
        series
    } else {
        -series
    }
}

/// The greatest integer not above `x`, for `|x| < 2³¹`. Without SSE 4.1 `f32::floor` is a call.
pub(super) fn floor(x: f32) -> i32 {
    let towards_zero = x as i32;
    towards_zero - i32::from(x < towards_zero as f32)
}

/// `a` at `t = 0`, `b` at `t = 1`.
pub(super) fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// A smooth step from 0 (x ≤ 0) to 1 (x ≥ 1).
pub(super) fn step(x: f32) -> f32 {
    let t = x.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A smooth bump: 1 at 0, 0 from `|x| = 1` on. Stands in for a Gaussian of σ ≈ 0.4.
pub(super) fn bump(x: f32) -> f32 {
    let q = (1.0 - x * x).max(0.0);
    q * q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_agree_with_the_platform() {
        for i in -400..400 {
            let x = i as f32 * 0.025;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-5, "exp {x}");
            assert!((sin_cos(x).0 - x.sin()).abs() < 2e-5, "sin {x}");
            assert!((sin_cos(x).1 - x.cos()).abs() < 2e-5, "cos {x}");
            let positive = x.abs() + 1e-3;
            assert!((ln(positive) - positive.ln()).abs() < 1e-5, "ln {positive}");
        }
    }
}
