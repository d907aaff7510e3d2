//! What each of several answers weighs, learned where they can be checked.

/// Non-negative weights of sum 1 with about the least absolute error over the practice rows; folds of `counts` rows, one
/// after the other, weigh the same.
pub fn stack_weights(answers: &[Vec<f64>], truth: &[f64], counts: &[usize]) -> Vec<f64> {
    let count = answers.first().map_or(1, Vec::len);
    let mut weights = vec![1.0 / count as f64; count];
    let share: Vec<f64> = counts.iter().flat_map(|rows| vec![1.0 / (rows * counts.len()) as f64; *rows]).collect();
    // Iteratively reweighted least squares by multiplicative steps keeps the weights non-negative.
    for _ in 0..60 {
        let mut gain = vec![0.0; count];
        for ((answer, truth), share) in answers.iter().zip(truth).zip(&share) {
            let rest = truth - answer.iter().zip(&weights).map(|(a, w)| a * w).sum::<f64>();
            let mean = answer.iter().sum::<f64>() / count as f64;
            let step = share * rest / (rest.abs() + 0.05);
            for (gain, a) in gain.iter_mut().zip(answer.iter()) {
                *gain += step * (a - mean);
            }
        }
        for (weight, gain) in weights.iter_mut().zip(&gain) {
            *weight *= (20.0 * gain).clamp(-0.5, 0.5).exp();
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    weights
}

/// Practice on few pieces of hardware says little about the next one; the transfer to it, which stands last, is favoured
/// as if this many more had spoken for it.
const SPEAKING_FOR_TRANSFER: f64 = 6.0;

pub fn favour_last(weights: &mut [f64], spoken: usize) {
    let share = spoken as f64 / (spoken as f64 + SPEAKING_FOR_TRANSFER);
    weights.iter_mut().for_each(|weight| *weight *= share);
    if let Some(last) = weights.last_mut() {
        *last += 1.0 - share;
    }
}
