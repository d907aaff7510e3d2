//! Small dense linear algebra: symmetric systems of a few to a few hundred unknowns.

/// The lower Cholesky factor of a symmetric positive definite matrix, row-major.
pub struct Cholesky {
    n: usize,
    factor: Vec<f64>,
}

impl Cholesky {
    /// Decomposes `a` (n × n, row-major). A pivot that rounding made too small is lifted, so that it never fails.
    pub fn new(mut a: Vec<f64>, n: usize) -> Self {
        for j in 0..n {
            let (before, row) = a.split_at_mut(j * n);
            for i in 0..j {
                let dot: f64 = (0..i).map(|k| row[k] * before[i * n + k]).sum();
                row[i] = (row[i] - dot) / before[i * n + i];
            }
            let square = row[j];
            let rest = square - row[..j].iter().map(|x| x * x).sum::<f64>();
            row[j] = rest.max(1e-12 * square.abs()).max(1e-300).sqrt();
        }
        Self { n, factor: a }
    }

    /// Solves A x = b in place.
    pub fn solve(&self, b: &mut [f64]) {
        let (n, l) = (self.n, &self.factor);
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| l[i * n + k] * b[k]).sum();
            b[i] = (b[i] - dot) / l[i * n + i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| l[k * n + i] * b[k]).sum();
            b[i] = (b[i] - dot) / l[i * n + i];
        }
    }

    /// The inverse of A, row-major.
    pub fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut column = vec![0.0; n];
        for j in 0..n {
            column.fill(0.0);
            column[j] = 1.0;
            self.solve(&mut column);
            for i in 0..n {
                inverse[i * n + j] = column[i];
            }
        }
        inverse
    }
}

/// Coefficients (features × outputs) of a ridge regression of `targets` on `features`, both row-major with `weights`
/// for each row; the first feature is the intercept and is hardly penalised.
pub fn ridge(
    features: &[f64],
    width: usize,
    targets: &[f64],
    outputs: usize,
    weights: &[f64],
    penalty: f64,
) -> Vec<f64> {
    let mut gram = vec![0.0; width * width];
    let mut moment = vec![0.0; outputs * width];
    for (row, weight) in weights.iter().enumerate() {
        if *weight == 0.0 {
            continue;
        }
        let x = &features[row * width..(row + 1) * width];
        for i in 0..width {
            if x[i] == 0.0 {
                continue;
            }
            let scaled = weight * x[i];
            for j in 0..=i {
                gram[i * width + j] += scaled * x[j];
            }
            for k in 0..outputs {
                moment[k * width + i] += scaled * targets[row * outputs + k];
            }
        }
    }
    for i in 0..width {
        gram[i * width + i] += if i == 0 { 1e-6 } else { penalty };
        for j in 0..i {
            gram[j * width + i] = gram[i * width + j];
        }
    }
    let solver = Cholesky::new(gram, width);
    let mut coefficients = vec![0.0; width * outputs];
    for k in 0..outputs {
        let column = &mut moment[k * width..(k + 1) * width];
        solver.solve(column);
        for i in 0..width {
            coefficients[i * outputs + k] = column[i];
        }
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let a = vec![4.0, 2.0, 0.6, 2.0, 3.0, 0.4, 0.6, 0.4, 2.0];
        let mut x = vec![1.0, -2.0, 0.5];
        Cholesky::new(a.clone(), 3).solve(&mut x);
        for (i, b) in [1.0, -2.0, 0.5].iter().enumerate() {
            let back: f64 = (0..3).map(|j| a[i * 3 + j] * x[j]).sum();
            assert!((back - b).abs() < 1e-12, "row {i}: {back} is not {b}");
        }
    }

    #[test]
    fn a_line_is_found() {
        let x: Vec<f64> = (0..20).flat_map(|i| [1.0, f64::from(i)]).collect();
        let y: Vec<f64> = (0..20).map(|i| 3.0 + 0.5 * f64::from(i)).collect();
        let line = ridge(&x, 2, &y, 1, &[1.0; 20], 1e-9);
        assert!((line[0] - 3.0).abs() < 1e-4 && (line[1] - 0.5).abs() < 1e-5, "{line:?}");
    }
}
