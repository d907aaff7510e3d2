//! Student's t distribution: the chance of a difference, and the width of an interval.

use std::f64::consts::PI;

/// The chance of |t| or more on both sides with `df` degrees of freedom.
///
/// Source: NIST DLMF 8.17 (the regularised incomplete beta function at df / (df + t²)).
pub fn two_sided_p(t: f64, df: f64) -> f64 {
    if !t.is_finite() {
        return 0.0;
    }
    incomplete_beta(df / (df + t * t), df / 2.0, 0.5)
}

/// The t that is exceeded on both sides together with chance `p`, by bisection.
pub fn quantile(p: f64, df: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_p(high, df) > p {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if two_sided_p(middle, df) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// I_x(a, b) by its continued fraction (DLMF 8.17.22), evaluated with Lentz's method.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut fraction, mut c, mut d) = (1.0, 1.0, 0.0);
    for step in 0..300 {
        let m = f64::from(step / 2);
        let numerator = match step {
            0 => 1.0,
            _ if step % 2 == 0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        d = 1.0 / away_from_zero(1.0 + numerator * d);
        c = away_from_zero(1.0 + numerator / c);
        fraction *= c * d;
        if (1.0 - c * d).abs() < 1e-14 {
            break;
        }
    }
    front * (fraction - 1.0)
}

/// Lanczos' approximation with g = 7 and nine coefficients, good to 15 digits for positive x.
pub fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (PI / (PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let t = x + 7.5;
    let sum = COEFFICIENTS[0] + (1..9).zip(&COEFFICIENTS[1..]).map(|(i, c)| c / (x + f64::from(i))).sum::<f64>();
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, df, t) in
            [(0.05, 10.0, 2.228_139), (0.005, 5.0, 4.773_341), (0.01, 1.0, 63.656_741), (0.05, 1e6, 1.959_966)]
        {
            assert!((quantile(p, df) / t - 1.0).abs() < 1e-6, "p {p}, df {df}: {}", quantile(p, df));
        }
    }

    #[test]
    fn chance_and_quantile_undo_each_other_far_out() {
        for df in [2.0, 6.0, 24.0, 500.0] {
            for p in [0.5, 1e-2, 1e-4, 1e-8] {
                let back = two_sided_p(quantile(p, df), df);
                assert!((back / p - 1.0).abs() < 1e-6, "df {df}, p {p}: {back}");
            }
        }
    }

    #[test]
    fn no_difference_is_certain_chance_and_an_endless_one_none() {
        assert!((two_sided_p(0.0, 5.0) - 1.0).abs() < 1e-12);
        assert_eq!(two_sided_p(f64::INFINITY, 5.0), 0.0);
    }
}
