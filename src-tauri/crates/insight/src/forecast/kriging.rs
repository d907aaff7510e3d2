//! Kriging (Matheron 1963): what the known near a place say of it, each told apart from what the others say too.

use super::linear::Cholesky;

/// What each of the known weighs: `nearness` is theirs to the place, at most 1, `between` that of two of them, and
/// `left_open` the share of differences that no nearness explains.
pub fn weights(nearness: Vec<f64>, between: impl Fn(usize, usize) -> f64, left_open: f64) -> Vec<f64> {
    let n = nearness.len();
    let mut covariance = vec![1.0 + left_open; n * n];
    for i in 0..n {
        for j in 0..i {
            let own = between(i, j);
            covariance[i * n + j] = own;
            covariance[j * n + i] = own;
        }
    }
    let mut weights = nearness;
    Cholesky::new(covariance, n).solve(&mut weights);
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_say_the_same_speak_once() {
        let between = |i: usize, j: usize| if i < 2 && j < 2 { 1.0 } else { 0.0 };
        let weights = weights(vec![0.8, 0.8, 0.5], between, 0.01);
        assert!((weights[0] - 0.4).abs() < 0.01 && (weights[0] - weights[1]).abs() < 1e-9, "{weights:?}");
        assert!((weights[2] - 0.5).abs() < 0.01, "{weights:?}");
    }
}
