//! Seeded matrices, and the check of a product before its rate is published.

/// A generator of its own for each seed; the same seed gives the same numbers on every machine (SplitMix64, Steele, Lea
/// and Flood 2014).
pub struct Numbers(u64);

impl Numbers {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From −1 to below 1, in steps that f16 and bf16 hold exactly, so that a product differs by its arithmetic only.
    pub fn unit(&mut self) -> f32 {
        ((self.next() >> 56) as i32 - 128) as f32 / 128.0
    }

    pub fn units(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.unit()).collect()
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 56) as u8).collect()
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the product is wrong: {got} at row {row}, column {column}, where {expected} is right")]
pub struct WrongProduct {
    row: usize,
    column: usize,
    got: f64,
    expected: f64,
}

/// Entries looked at; each is computed again in f64.
const LOOKED_AT: usize = 64;

/// Looks at entries spread over an n × n product of n × n factors.
///
/// `tolerance` is relative to the root of the sum of squared terms, which is the size of a typical entry: a product of
/// zeros or of shifted rows is off by about 1.
pub fn check_product(
    n: usize,
    tolerance: f64,
    left: impl Fn(usize, usize) -> f64,
    right: impl Fn(usize, usize) -> f64,
    product: impl Fn(usize, usize) -> f64,
) -> Result<(), WrongProduct> {
    let mut places = Numbers::seeded(7);
    let mut place = || (places.next() % n as u64) as usize;
    for look in 0..LOOKED_AT {
        // The last corner is where a kernel that does not reach the edge shows.
        let (row, column) = if look == 0 { (n - 1, n - 1) } else { (place(), place()) };
        let terms = (0..n).map(|k| left(row, k) * right(k, column));
        let (expected, squares) = terms.fold((0.0, 0.0), |(sum, squares), term| (sum + term, squares + term * term));
        let got = product(row, column);
        let off = (got - expected).abs();
        // Asked this way round, a NaN fails.
        let within = off <= tolerance * squares.sqrt();
        if !within {
            return Err(WrongProduct { row, column, got, expected });
        }
    }
    Ok(())
}

/// Operations of an n × n × n product; a multiply-accumulate counts as two.
pub fn operations(n: usize) -> f64 {
    2.0 * (n as f64).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 40;

    fn product(a: &[f32], b: &[f32]) -> Vec<f64> {
        let entry =
            |row: usize, column: usize| (0..N).map(|k| f64::from(a[row * N + k]) * f64::from(b[k * N + column])).sum();
        (0..N * N).map(|place| entry(place / N, place % N)).collect()
    }

    fn check(c: &[f64], a: &[f32], b: &[f32]) -> Result<(), WrongProduct> {
        let at = |m: &[f32], row: usize, column: usize| f64::from(m[row * N + column]);
        check_product(N, 1e-3, |r, k| at(a, r, k), |k, c| at(b, k, c), |row, column| c[row * N + column])
    }

    #[test]
    fn a_right_product_passes_and_wrong_ones_do_not() {
        let mut numbers = Numbers::seeded(1);
        let (a, b) = (numbers.units(N * N), numbers.units(N * N));
        let right = product(&a, &b);
        assert_eq!(check(&right, &a, &b), Ok(()));
        assert!(check(&vec![0.0; N * N], &a, &b).is_err(), "zeros pass");
        assert!(check(&vec![f64::NAN; N * N], &a, &b).is_err(), "NaN passes");
        assert!(check(&product(&b, &a), &a, &b).is_err(), "factors in the wrong order pass");
        let mut edge = right.clone();
        edge[N * N - 1] = 0.0;
        assert!(check(&edge, &a, &b).is_err(), "a missing last entry passes");
    }

    #[test]
    fn numbers_are_exact_in_half_precision() {
        let mut numbers = Numbers::seeded(3);
        for _ in 0..1000 {
            let x = numbers.unit();
            assert!((-1.0..1.0).contains(&x));
            assert_eq!(half::f16::from_f32(x).to_f32(), x);
            assert_eq!(half::bf16::from_f32(x).to_f32(), x);
        }
    }
}
