//! The figures of generated texts. A text is the sample: its tokens follow each other and are no samples of their own.

use crate::statistics;
use contract::{Generated, MedianTime};
use models::Texts;

/// None where no text was finished.
///
/// `times_ms` has for each text the time to its first token and then of every further one; `seed` is the bootstrap's.
pub(super) fn of(
    texts: Texts,
    seed: u64,
    times_ms: Vec<Vec<f64>>,
    full_pass_difference: Option<f64>,
) -> Option<Generated> {
    let token = median(&token_means(&times_ms), seed)?;
    Some(Generated {
        output_tokens: texts.output,
        first_token: median(&first_tokens(&times_ms), seed)?,
        token,
        tokens_per_s: tokens_per_s(texts.batch, token.ms),
        full_pass_difference,
        texts_ms: times_ms,
    })
}

/// The time of each whole text.
pub(super) fn totals(texts_ms: &[Vec<f64>]) -> Vec<f64> {
    texts_ms.iter().map(|times| times.iter().sum()).collect()
}

pub(super) fn first_tokens(texts_ms: &[Vec<f64>]) -> Vec<f64> {
    texts_ms.iter().filter_map(|times| times.first().copied()).collect()
}

/// Of each text the mean time of its tokens after the first.
pub(super) fn token_means(texts_ms: &[Vec<f64>]) -> Vec<f64> {
    let further = texts_ms.iter().filter_map(|times| times.get(1..)).filter(|times| !times.is_empty());
    further.map(|times| times.iter().sum::<f64>() / times.len() as f64).collect()
}

/// Of the whole batch, once the first token is there.
pub(super) fn tokens_per_s(batch: u32, token_ms: f64) -> f64 {
    f64::from(batch) / (token_ms / 1e3)
}

fn median(times_ms: &[f64], seed: u64) -> Option<MedianTime> {
    let sorted = statistics::sorted(times_ms);
    let interval = statistics::median_interval_of_sorted(&sorted, seed)?;
    Some(MedianTime { ms: statistics::median_of_sorted(&sorted)?, low_ms: interval.low, high_ms: interval.high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_takes_the_mean_of_its_text_and_the_median_over_texts() {
        let texts = Texts { batch: 4, prompt: 8, output: 3 };
        let times = vec![vec![9.0, 1.0, 3.0], vec![11.0, 4.0, 4.0], vec![10.0, 50.0, 50.0]];
        let generated = of(texts, 1, times, None).unwrap();
        assert_eq!((generated.first_token.ms, generated.token.ms), (10.0, 4.0));
        assert_eq!((generated.tokens_per_s, generated.output_tokens), (1000.0, 3));
        assert!(generated.token.low_ms >= 2.0 && generated.token.high_ms <= 50.0);
        assert_eq!(of(texts, 1, Vec::new(), None), None);
    }
}
