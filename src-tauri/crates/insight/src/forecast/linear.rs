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
                row[i] = (row[i] - dot(&row[..i], &before[i * n..i * n + i])) / before[i * n + i];
            }
            let square = row[j];
            let rest = square - dot(&row[..j], &row[..j]);
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
        let (n, l) = (self.n, &self.factor);
        // Row by row, so that each step goes along the memory: first L⁻¹, then L⁻ᵀ L⁻¹.
        let mut of_factor = vec![0.0; n * n];
        for k in 0..n {
            let (before, row) = of_factor.split_at_mut(k * n);
            for i in 0..k {
                add(&mut row[..=i], -l[k * n + i], &before[i * n..=i * n + i]);
            }
            row[k] = 1.0;
            row[..=k].iter_mut().for_each(|own| *own /= l[k * n + k]);
        }
        let mut inverse = vec![0.0; n * n];
        for k in 0..n {
            let row = &of_factor[k * n..=k * n + k];
            for i in 0..=k {
                add(&mut inverse[i * n..=i * n + i], row[i], &row[..=i]);
            }
        }
        for i in 0..n {
            for j in 0..i {
                inverse[j * n + i] = inverse[i * n + j];
            }
        }
        inverse
    }
}

/// a += b · c.
fn add(a: &mut [f64], b: f64, c: &[f64]) {
    a.iter_mut().zip(c).for_each(|(a, c)| *a += b * c);
}

/// a · b, in lanes that do not wait for each other.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
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

/// The x ≥ 0 that minimises xᵀ G x / 2 − mᵀ x, G (`gram`, row-major) being positive definite: the active set method of
/// Lawson and Hanson (1974) on the normal equations.
pub fn non_negative(gram: &[f64], moment: &[f64]) -> Vec<f64> {
    let n = moment.len();
    let least = 1e-9 * moment.iter().fold(0.0, |most: f64, own| most.max(own.abs()));
    let mut x = vec![0.0; n];
    let mut free: Vec<usize> = Vec::new();
    // Each round frees one unknown; rounding could make two of them change places for ever.
    for _ in 0..3 * n {
        let slope = |i: usize| moment[i] - (0..n).map(|j| gram[i * n + j] * x[j]).sum::<f64>();
        let held = (0..n).filter(|i| !free.contains(i)).map(|i| (slope(i), i));
        let Some((_, next)) = held.filter(|(slope, _)| *slope > least).max_by(|a, b| a.0.total_cmp(&b.0)) else {
            break;
        };
        free.push(next);
        loop {
            let own = free.iter().flat_map(|i| free.iter().map(move |j| gram[i * n + j])).collect();
            let mut to: Vec<f64> = free.iter().map(|i| moment[*i]).collect();
            Cholesky::new(own, free.len()).solve(&mut to);
            let reach = |(i, to): (&usize, &f64)| if *to > 0.0 { 1.0 } else { x[*i] / (x[*i] - to) };
            let step = free.iter().zip(&to).map(reach).fold(1.0, f64::min);
            free.iter().zip(&to).for_each(|(i, to)| x[*i] += step * (to - x[*i]));
            if step >= 1.0 {
                break;
            }
            let stays = |i: usize, to: f64| to > 0.0 || x[i] > 1e-12;
            let (kept, bound): (Vec<_>, Vec<_>) = free.iter().zip(&to).partition(|(i, to)| stays(**i, **to));
            let bound: Vec<usize> = bound.into_iter().map(|(i, _)| *i).collect();
            free = kept.into_iter().map(|(i, _)| *i).collect();
            bound.into_iter().for_each(|i| x[i] = 0.0);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_that_would_be_negative_is_nothing() {
        // Without the bound it would be (2, −1).
        let x = non_negative(&[2.0, 1.0, 1.0, 2.0], &[3.0, 0.0]);
        assert!((x[0] - 1.5).abs() < 1e-12 && x[1] == 0.0, "{x:?}");
        let x = non_negative(&[2.0, 1.0, 1.0, 2.0], &[4.0, 5.0]);
        assert!((x[0] - 1.0).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12, "{x:?}");
    }

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
    fn a_matrix_times_its_inverse_is_one() {
        let n = 21;
        let entry = |i: usize, j: usize| if i == j { 3.0 } else { 1.0 / (1.0 + i.abs_diff(j) as f64) };
        let inverse = Cholesky::new((0..n * n).map(|at| entry(at / n, at % n)).collect(), n).inverse();
        for i in 0..n {
            for j in 0..n {
                let product: f64 = (0..n).map(|k| entry(i, k) * inverse[k * n + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "{i}, {j}: {product}");
            }
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
